"""Lists the faults for people. Pure."""

from batchgen.emulator.faults.kinds import ERROR_SHAPES, KINDS, PATTERNS, Stage

_HEADINGS = {
    Stage.SUBMIT: "The answer to a submission (+: the task is created all the same)",
    Stage.OUTCOME: "What becomes of a task",
    Stage.POLL: "A status answer; the task itself goes on",
    Stage.SHAPE: "The shape of the answers; these add up",
    Stage.RESULT: "The result; these add up",
    Stage.PREVIEW: "The answer to a price preview",
    Stage.UPLOAD: "The answer to an upload",
}


_WIDTH = max(map(len, (*KINDS, *PATTERNS)))


def listing() -> str:
    """All faults by stage, a line each: the kind and what it does."""
    sections = ["\n".join([f"{heading}:", *_lines(stage)]) for stage, heading in _HEADINGS.items()]
    shapes = [f"  {shape:<{_WIDTH}} {description}" for shape, description in ERROR_SHAPES.items() if shape != "none"]
    return "\n\n".join([*sections, "\n".join(["SHAPE, object if not said:", *shapes])])


def _lines(stage: Stage) -> list[str]:
    named = [(fault.kind, fault) for fault in KINDS.values()]
    faults = [*named, *((kind, template) for kind, (_, template, _) in PATTERNS.items())]
    texts = {kind: description for kind, (_, _, description) in PATTERNS.items()}
    return [
        f"{'+' if fault.creates_task else ' '} {kind:<{_WIDTH}} {texts.get(kind, fault.description)}"
        for kind, fault in faults
        if stage in (fault.stage, _ALIKE.get(fault.stage))
    ]


_ALIKE = {Stage.WORDING: Stage.OUTCOME, Stage.LENGTH: Stage.OUTCOME}
"""What is a stage of its own for the draws, and not for people."""
