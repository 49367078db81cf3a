"""Scenes that were taken out of the manifest while their task ran."""

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.classification import Classification
from batchgen.engine.commands import Poll
from batchgen.engine.scheduler import Settings
from batchgen.model import TaskResult

from helpers.engine_support import ENDED, NOT_MADE, PRICE, URL, Bench, kinds, scene


@pytest.mark.parametrize("classification", [NOT_MADE, ENDED])
def test_a_scene_that_was_taken_out_is_not_submitted_again_when_its_task_fails(classification: Classification) -> None:
    later = Bench([scene()], Settings(attempts=3)).running().again(listed=[])
    later.polled(classification, TaskResult(URL, None, PRICE))
    assert later.scheduler.is_finished()
    assert later.scheduler.wakes_at() is None
    assert later.attempt().state is AttemptState.FAILED
    assert kinds(later.commands) == []


def test_its_task_is_waited_for_all_the_same() -> None:
    later = Bench().running().again(listed=[])
    assert isinstance(later.next_act(), Poll)
