"""What is left of a journal in which two runs changed the manifest at once; tests/e2e/test_one_writer.py has more."""

from pathlib import Path

from batchgen.engine import events as ev
from batchgen.journal.records import Stamp, encode
from batchgen.journal.replay import replayed
from batchgen.journal.salvage import salvage

from helpers.attempts import ASKED, EVENTS, RAN, SENT
from helpers.engine_support import scenes


def test_a_change_of_another_manifest_is_left_out_and_read_again() -> None:
    first, *rest = scenes(3)
    without = ev.ManifestChanged("t", "garden", "m", (), {}, (first.scene_id,), ())
    one = [ev.ManifestRead("t", "garden", "m", (first, *rest)), *RAN, without]
    other = [without, EVENTS[ev.Completed]]
    lines = [encode(event, Stamp("aa", number)) for number, event in enumerate(one, 1)]
    lines += [encode(event, Stamp("bb", number)) for number, event in enumerate(other, 1)]
    found = salvage(b"".join(lines))
    assert found.wrong == ["line 5: s1: changes, and is not in the manifest"]
    assert found.means[0].startswith("the change of the manifest in line 5 is left out; the next run reads it")
    assert found.events == [*one, EVENTS[ev.Completed]]
    state, _ = replayed(Path("state.jsonl"), b"".join(map(encode, found.events)))
    assert state.scenes == tuple(rest)


def test_a_request_that_was_sent_again_is_known_by_the_line_that_began_it() -> None:
    """Two runs sent the same scene again at once: each submission that may have made a task is kept."""
    again = EVENTS[ev.SubmittingAgain]
    one = [*SENT, EVENTS[ev.Refused], again, EVENTS[ev.Submitted]]
    other = [again, ev.Submitted("t1", "s1", 1, "other")]
    lines = [encode(event, Stamp("aa", number)) for number, event in enumerate(one, 1)]
    lines += [encode(event, Stamp("bb", number)) for number, event in enumerate(other, 1)]
    found = salvage(b"".join(lines))
    assert found.doubts == []
    state, _ = replayed(Path("state.jsonl"), b"".join(map(encode, found.events)))
    assert [(made.task_id, made.request) for made in state.attempts["s1"]] == [
        ("task", ASKED.request),
        ("other", ASKED.request),
    ]


def test_a_request_that_no_line_begins_is_a_doubt() -> None:
    found = salvage(b"".join(map(encode, [EVENTS[ev.SubmittingAgain], EVENTS[ev.Submitted]])))
    assert found.doubts[0] == "line 1 speaks of a submission of scene s1 that no line begins"
    assert not found.events
