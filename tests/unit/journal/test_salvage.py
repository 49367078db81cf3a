"""What is left of a journal in which two runs changed the manifest at once; tests/e2e/test_one_writer.py has more."""

from pathlib import Path

from batchgen.engine import events as ev
from batchgen.journal.records import Stamp, encode
from batchgen.journal.replay import replayed
from batchgen.journal.salvage import salvage

from helpers.attempts import EVENTS, RAN
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
