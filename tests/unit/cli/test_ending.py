"""How to go on, as the end of a run says it."""

from batchgen.cli.ending import going_on
from batchgen.engine import events as ev
from batchgen.engine.planner import plan
from batchgen.engine.prices import Prices
from batchgen.engine.steps import Choice
from batchgen.report.plan import Outlook

from helpers.attempts import replay
from helpers.engine_support import scenes


def test_what_broke_a_run_off_is_to_be_mended_first() -> None:
    """A full disk under the journal, for example: the same line would break off again."""
    listed = scenes(1)
    state = replay([ev.RunStarted("t", "1"), ev.ManifestRead("t", "film", "m", tuple(listed))])
    left = Outlook(plan(listed, state, Choice()), state, Prices(), None)
    told = list(going_on(left, None, lambda _: ["film.yaml"]))
    assert told == ["", "To go on, first see to what is said below. Then:", "  batchgen run film.yaml"]
