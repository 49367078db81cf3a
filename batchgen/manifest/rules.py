"""Rules across fields: what no schema of a single value can say. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping

from jsonschema.protocols import Validator

from batchgen.manifest.cast import Filled, mentioned
from batchgen.manifest.document import Document
from batchgen.manifest.expand import Draft, Model, as_json_number, source_of
from batchgen.manifest.messages import describe, joined, show_value
from batchgen.model import DataPath, Problem, whole_number
from batchgen.references import Content, ResultReference, Source
from batchgen.scenes import Scene


def on_ids(document: Document, drafts: Collection[Draft], most: int) -> Iterator[Problem]:
    """Ids have to be unique once takes are counted, and there is an end to how many there are."""
    seen: dict[str, Draft] = {}
    folded: dict[str, str] = {}
    total = 0
    for draft in drafts:
        total += draft.takes
        path = draft.origins.get("id", draft.path)
        place = document.spot(path).place
        if total > most:
            message = f"with all takes the manifest has more than {most} scenes; split it into several manifests"
            yield Problem(place, path, "scenes.maxItems", message)
            return
        for scene_id in draft.scene_ids():
            if scene_id in seen:
                first = seen[scene_id]
                before = document.name_of_place(document.spot(first.origins.get("id", first.path)).place)
                message = f"the scene id {scene_id!r} is used twice, first in {before}; give each scene its own"
                yield Problem(place, path, "id.unique", message, scene_id)
            elif folded.setdefault(scene_id.casefold(), scene_id) != scene_id:
                other = folded[scene_id.casefold()]
                message = (
                    f"the scene ids {other!r} and {scene_id!r} differ in letter case only; many disks take them for "
                    "one, and one video would replace the other"
                )
                yield Problem(place, path, "id.case", message, scene_id)
            seen.setdefault(scene_id, draft)


def on_names(document: Document, drafts: Collection[Draft], refused: Collection[DataPath]) -> Iterator[Problem]:
    """A name in braces stands for one thing, and a member of the cast for a character of some scene."""
    data = document.data if isinstance(document.data, dict) else {}
    cast, texts = data.get("cast"), data.get("vars")
    members = cast if isinstance(cast, dict) and ("cast",) not in refused else {}
    for name in texts if isinstance(texts, dict) else ():
        if name in members:
            path: DataPath = ("vars", name)
            message = f"{name} is in cast and in vars; {{{name}}} can be one of them: rename the other"
            yield Problem(document.key_place(path), path, "vars.cast", message, name)
    filled = [draft.filled for draft in drafts]
    known = [each for each in filled if each is not None and not each.faults]
    if not filled or len(known) < len(filled):
        return
    used = {name for each in known for name in (*each.named, *each.bare)}
    sources = {source for each in known for source in each.sources}
    for name, written in members.items():
        if name not in used and source_of(written) not in sources:
            path = ("cast", name)
            message = f"no scene uses {name}; write {{{name}}} into a prompt, or take it out of the cast"
            yield Problem(document.key_place(path), path, "cast.unused", message, name, "warning")


def on_twins(document: Document, scenes: Collection[Scene], model: Model) -> Iterator[Problem]:
    """Scenes with the same request, which is paid for once and gives one result."""
    first: dict[str, Scene] = {}
    for scene in scenes:
        if "seed" in model.form.settings and scene.request.asked.seed is None:
            continue
        twin = first.setdefault(scene.request.sha256, scene)
        if twin is not scene:
            before = document.name_of_place(document.spot(twin.path).place)
            message = (
                f"scene {scene.id} has the same request as scene {twin.id} in {before}, so that it is paid for once "
                "and both get the same video; change its prompt or its seed, or take it out"
            )
            yield Problem(document.spot(scene.path).place, scene.path, "scenes.twins", message, scene.id, "warning")


def on_scene(document: Document, draft: Draft, model: Model) -> Iterator[Problem]:
    """What can be said of one scene before its references are measured."""
    yield from _on_required(document, draft, model)
    yield from _on_seed(document, draft, model)
    yield from _on_pairs(document, draft, model)
    yield from _on_upstream(document, draft, model)
    if draft.filled is not None:
        yield from _on_prompt(document, draft, draft.filled)
        if model.names_characters and not draft.filled.faults and "references" not in draft.refused:
            yield from _on_characters(document, draft, draft.filled)


def _on_required(document: Document, draft: Draft, model: Model) -> Iterator[Problem]:
    place = document.spot(draft.path).place
    for setting in model.form.required:
        if setting in draft.settings or setting in draft.refused:
            continue
        also = ""
        if setting == "references":
            if draft.filled is None or draft.filled.sources or draft.filled.faults:
                continue
            also = ", or name a member of the cast in the prompt" if model.names_characters else ""
        message = f"{_scene(draft)} has no {setting}; add {setting}{also}"
        yield Problem(place, (*draft.path, setting), f"{setting}.required", message)


def _on_seed(document: Document, draft: Draft, model: Model) -> Iterator[Problem]:
    seed, schema = draft.settings.get("seed"), model.form.settings.get("seed")
    if schema is None or seed == "random":
        return
    seed = seed if isinstance(seed, int) else int(schema["minimum"])
    if seed + draft.takes - 1 > schema["maximum"]:
        path = draft.origins.get("seed", draft.origins.get("takes", draft.path))
        message = f"the seeds of {draft.takes} takes go up to {seed + draft.takes - 1}; the most is {schema['maximum']}"
        yield Problem(document.spot(path).place, path, "seed.takes", message, str(seed))


def _on_upstream(document: Document, draft: Draft, model: Model) -> Iterator[Problem]:
    """What the API takes and the model behind it is not documented to take."""
    for setting, schema in model.form.settings.items():
        value, most = draft.settings.get(setting), schema.get("x-upstream-maximum")
        if most is not None and isinstance(value, int) and value > most:
            path = draft.origins[setting]
            message = (
                f"{setting} is {value}; the model behind the gateway is documented to take at most {most}, and may "
                "refuse more or deliver less"
            )
            yield Problem(document.spot(path).place, path, f"{setting}.upstream", message, show_value(value), "warning")


def _on_pairs(document: Document, draft: Draft, model: Model) -> Iterator[Problem]:
    """Settings that have no effect beside another one."""
    for setting, other, message in _WITHOUT_EFFECT:
        if setting in draft.settings and draft.settings.get(other, model.default(other)) is False:
            path = draft.origins[setting]
            value = show_value(draft.settings[setting])
            yield Problem(document.spot(path).place, path, f"{setting}.{other}", message, value, "warning")


_WITHOUT_EFFECT = (
    ("shot_type", "prompt_extend", "shot_type has no effect with prompt_extend: false; take one of them out"),
    ("audio_url", "audio", "audio_url has no effect with audio: false; take one of them out"),
)


def _on_prompt(document: Document, draft: Draft, filled: Filled) -> Iterator[Problem]:
    path = draft.origins["prompt"]
    place = document.spot(path).place
    for rule, message in filled.faults:
        yield Problem(place, path, rule, message, _prompt(draft))
    yield from _on_comment(document, draft)
    for name in filled.bare:
        if _is_made_of(document, name, draft):
            continue  # in braces it would be a circle
        message = (
            f"the prompt of {_scene(draft)} has {name}, a name of the cast, without braces; write {{{name}}} where the "
            "character is meant"
        )
        yield Problem(place, path, "cast.braces", message, _prompt(draft), "warning")


def _is_made_of(document: Document, name: str, draft: Draft) -> bool:
    """Whether a member of the cast is the result of this very shot."""
    cast = document.data.get("cast") if isinstance(document.data, dict) else None
    source = source_of(cast.get(name)) if isinstance(cast, dict) else None
    return isinstance(source, ResultReference) and source.scene in (draft.id, *draft.scene_ids())


def _on_characters(document: Document, draft: Draft, filled: Filled) -> Iterator[Problem]:
    """The characters that the prompt names are the references, and each of these is named."""
    path = draft.origins["prompt"]
    numbers = mentioned(filled.prompt)
    count = len(filled.sources)
    beyond = sorted(number for number in numbers if not 1 <= number <= count)
    if beyond and filled.sources:
        names = joined([f"character{number}" for number in beyond], "and")
        has = f"only {count} reference{'s' if count > 1 else ''}"
        message = f"the prompt names {names}, but {_scene(draft)} has {has}; characters are counted from 1"
        yield Problem(document.spot(path).place, path, "prompt.character", message, _prompt(draft))
    for number in range(1, count + 1):
        if number not in numbers:
            yield _unmentioned(document, draft, filled, number)


def _on_comment(document: Document, draft: Draft) -> Iterator[Problem]:
    """A prompt that a # may have cut: comments begin with a blank behind it, as a rule."""
    path = draft.origins["prompt"]
    place, prompt = document.spot(path).place, str(draft.settings["prompt"])
    line = document.line(place)
    behind = line[place.column - 1 :]
    found = _COMMENT.match(behind[len(prompt) :]) if behind.startswith(prompt) else None
    if found is not None:
        place = place._replace(column=place.column + len(prompt) + found.start(1))
        message = (
            f"the prompt of {_scene(draft)} ends before {found[1]}, since # begins a comment; put the prompt in quotes "
            "if this belongs to it, or a blank behind # if not"
        )
        yield Problem(place, path, "prompt.comment", message, _prompt(draft), "warning", line)


_COMMENT = re.compile(r"\s+(#[^\s#]\S*)")


def _unmentioned(document: Document, draft: Draft, filled: Filled, number: int) -> Problem:
    source = filled.sources[number - 1]
    written = draft.settings.get("references")
    if not isinstance(written, list) or number > len(written):
        # It is there because the prompt names it, so the name has run into a word: "{dog}s".
        path = draft.origins["prompt"]
        name = filled.members[source]
        message = (
            f"{{{name}}} runs into the word beside it, and character{number} is not seen there; put a space between"
        )
        return Problem(document.spot(path).place, path, "cast.letter", message, _prompt(draft), "warning")
    path = (*draft.origins["references"], number - 1)
    message = f"the prompt of {_scene(draft)} never mentions character{number}, which this reference is"
    return Problem(
        document.spot(path).place, path, "references.unmentioned", message, show_value(str(source)), "warning"
    )


def on_filled(document: Document, draft: Draft, prompt: Validator) -> Iterator[Problem]:
    """The limits on a prompt, for a prompt that has changed by putting the cast in."""
    if draft.filled is None or draft.filled.prompt == draft.settings["prompt"] or draft.filled.faults:
        return
    path = draft.origins["prompt"]
    for error in prompt.iter_errors(draft.filled.prompt):
        message = f"with vars and cast put in, {describe(error, 'prompt')}"
        yield Problem(document.spot(path).place, path, f"prompt.{error.validator}", message, _prompt(draft))


def on_counts(
    document: Document, draft: Draft, contents: Mapping[Source, Content], whole_list: Validator
) -> Iterator[Problem]:
    """How many references there are, and of which kind: with the cast, and as measured."""
    if draft.filled is None or not draft.filled.sources:
        return
    sources = draft.filled.sources
    known = [contents[source].facts.as_json() if source in contents else str(source) for source in sources]
    path = draft.origins.get("references", draft.origins["prompt"])
    for error in whole_list.iter_errors(known):
        message = f"{_scene(draft)}: {describe(error, 'references')}"
        yield Problem(document.spot(path).place, path, f"references.{error.validator}", message, str(len(sources)))


def on_audio_length(document: Document, draft: Draft, audio: Content, model: Model) -> Iterator[Problem]:
    """Sound that is cut, or that ends before the picture."""
    duration = draft.settings.get("duration", model.default("duration"))
    seconds = audio.facts.seconds
    if seconds is None or not isinstance(duration, int) or abs(seconds - duration) < _SAME_LENGTH_S:
        return
    end = "the rest is cut" if seconds > duration else "the video ends in silence"
    path = draft.origins["audio_url"]
    message = f"the audio lasts {seconds:.1f} s and {_scene(draft)} {duration} s: {end}"
    value = show_value(draft.settings["audio_url"])
    yield Problem(document.spot(path).place, path, "audio_url.duration", message, value, "warning")


_SAME_LENGTH_S = 0.1


def on_local_audio(document: Document, draft: Draft) -> Problem:
    """A sound on this machine, which nobody is told to publish."""
    path, value = draft.origins["audio_url"], show_value(draft.settings["audio_url"])
    message = (
        f"{value} is a file, and the API takes sound by http URL alone; a run of {_scene(draft)} needs an address to "
        "publish it at, with the option publish"
    )
    return Problem(document.spot(path).place, path, "audio_url.local", message, value, "warning")


def on_budget(
    document: Document,
    drafts: Collection[Draft],
    model: Model,
    refused: Collection[DataPath],
    learned: Collection[str],
) -> Iterator[Problem]:
    """A budget can only be kept where every scene has a price, be it one ``learned`` from earlier runs."""
    data = document.data if isinstance(document.data, dict) else {}
    if "budget_usd" not in data or any(path[0] in ("budget_usd", "pricing") for path in refused):
        return
    pricing = data.get("pricing", {})
    path: DataPath = ("budget_usd",)
    spot = document.spot(path)
    for rule, message in (
        *_without_price(drafts, model, {*(pricing if isinstance(pricing, dict) else ()), *learned}),
        *_without_length(drafts, model),
    ):
        yield Problem(spot.place, path, rule, f"a budget can only be kept with {message}", spot.written)


def _without_price(drafts: Collection[Draft], model: Model, priced: Collection[str]) -> Iterator[tuple[str, str]]:
    """Rule and message for tiers without a price, and for scenes without a tier."""
    by = model.tiers.by
    used = {model.tier(draft.settings): draft for draft in drafts if by not in draft.refused}
    unpriced = [tier for tier in model.tiers.values if tier in used and tier not in priced]
    if unpriced:
        tiers = joined(unpriced, "and")
        learn = "(plan and run also take prices learned from earlier runs)"
        yield "budget_usd.pricing", f"prices; add the price per second of {tiers} to pricing {learn}"
    if None in used:
        yield "budget_usd.tier", f"prices, and that of {_scene(used[None])} hangs on {by}; add {by}"


def _without_length(drafts: Collection[Draft], model: Model) -> Iterator[tuple[str, str]]:
    """Rule and message for scenes of which nobody knows how long their videos are."""
    taken = "duration" in model.form.settings
    for draft in drafts:
        said = draft.settings.get("duration", model.default("duration"))
        is_known = (
            said is not None and not isinstance(said, list | dict) and whole_number(as_json_number(said)) is not None
        )
        if not is_known and model.seconds is None and "duration" not in draft.refused:
            remedy = "add duration" if taken else "write seconds into the model.json of the model"
            remedy = remedy if said is None else "write duration in whole seconds"
            yield "budget_usd.duration", f"the length of each video, and that of {_scene(draft)} is not known; {remedy}"
            return


def _scene(draft: Draft) -> str:
    return f"scene {draft.id}" if draft.id else f"scene {int(draft.path[1]) + 1}"


def _prompt(draft: Draft) -> str:
    return show_value(draft.settings["prompt"])
