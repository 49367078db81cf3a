"""The form of a request: found out with one refusal, remembered, and asked for once more when it is refused later."""

from dataclasses import replace

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.classification import Classification, Kind
from batchgen.engine.commands import Stop, Submit
from batchgen.engine.events import HeldBack, Refused, RunStarted
from batchgen.engine.scheduler import Settings
from batchgen.engine.steps import Choice

from helpers.engine_support import BUSY, CREATED, DENIED, REFUSED, THROTTLED, UNCERTAIN, Bench, clock, scenes

FORMS = ("documented", "params")
AUTO = Settings(request_formats=FORMS)
MALFORMED = replace(REFUSED, code="001028001", reason="input must be an array", malformed=True)
NO_VIDEO = replace(MALFORMED, code="001028004", reason="invalid reference")


def sent(bench: Bench, wait: float = 0.0) -> list[tuple[str, int, str]]:
    """The submissions that begin, each with its attempt and its form."""
    return [(one.scene_id, one.attempt, one.request_format) for one in bench.begin(wait) if isinstance(one, Submit)]


def test_the_second_form_is_tried_once_with_the_same_attempt_and_then_remembered() -> None:
    bench = Bench(scenes(3), AUTO)
    assert sent(bench) == [("s1", 1, "documented")], "nothing else leaves before that is known"
    (refused,) = bench.submitted(MALFORMED)
    assert isinstance(refused, Refused)
    assert refused.again, "a crash here must not leave a scene that has failed"
    assert sent(bench) == [("s1", 1, "params")]
    bench.submitted()
    assert sent(bench) == [("s2", 1, "params"), ("s3", 1, "params")]
    bench.submitted()
    bench.submitted()
    assert bench.state.request_format == "params"


def test_what_was_taken_holds_for_the_next_run() -> None:
    bench = Bench(scenes(1), AUTO)
    bench.begin()
    bench.submitted(MALFORMED)
    bench.begin()
    bench.submitted()
    bench.state.apply(RunStarted(clock(0), "2"))
    again = Bench([*scenes(1), *scenes(3)[1:]], AUTO, state=bench.state)
    assert sent(again) == [("s2", 1, "params"), ("s3", 1, "params")]


def test_a_form_that_is_taken_is_known_after_one_task() -> None:
    bench = Bench(scenes(3), AUTO)
    assert len(sent(bench)) == 1
    bench.submitted()
    assert sent(bench) == [("s2", 1, "documented"), ("s3", 1, "documented")]


def test_a_scene_that_is_refused_in_both_forms_fails_with_what_the_usual_one_was_told() -> None:
    bench = Bench(scenes(2), AUTO)
    bench.begin()
    bench.submitted(NO_VIDEO)
    assert sent(bench) == [("s1", 1, "params")]
    (refused,) = bench.submitted(MALFORMED)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.again) == ("001028004", False)
    assert refused.message == (
        "invalid reference; refused in both forms of a request, documented and params "
        "(as params: input must be an array)"
    )
    assert sent(bench) == [("s2", 1, "documented")], "the next one tries again"
    bench.submitted(MALFORMED)
    assert sent(bench) == [("s2", 1, "params")], "two submissions a scene"
    bench.submitted(MALFORMED)
    assert not bench.begin()
    assert {attempt.state for attempt in bench.state.all_attempts()} == {AttemptState.REFUSED}


def test_where_no_form_is_known_a_code_of_the_gateway_tells_more_than_a_status() -> None:
    bench = Bench(scenes(1), AUTO)
    bench.begin()
    bench.submitted(replace(MALFORMED, code="http_422"))
    bench.begin()
    (refused,) = bench.submitted(NO_VIDEO)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.message.split(";")[0]) == ("001028004", "invalid reference")


def test_a_gateway_that_changes_its_mind_is_asked_in_the_other_form_once_more() -> None:
    bench = Bench(scenes(4), AUTO)
    bench.begin()
    bench.submitted()
    assert sent(bench) == [("s2", 1, "documented"), ("s3", 1, "documented"), ("s4", 1, "documented")]
    bench.submitted(MALFORMED, "s2")
    bench.submitted(MALFORMED, "s3")
    assert sent(bench) == [("s3", 1, "params"), ("s2", 1, "params")]
    bench.submitted(CREATED, "s3")
    bench.submitted(CREATED, "s2")
    bench.submitted(MALFORMED, "s4")
    assert sent(bench) == [("s4", 1, "params")]
    bench.submitted()
    assert bench.state.request_format == "params"
    assert not any(attempt.state is AttemptState.REFUSED for attempt in bench.state.all_attempts())


def test_a_scene_that_is_refused_in_the_known_form_is_told_so_whatever_the_other_says() -> None:
    bench = Bench(scenes(2), AUTO)
    bench.begin()
    bench.submitted()
    bench.begin()
    bench.submitted(NO_VIDEO)
    bench.begin()
    (refused,) = bench.submitted(MALFORMED)
    assert isinstance(refused, Refused)
    assert refused.code == "001028004"
    assert bench.state.request_format == "documented"


@pytest.mark.parametrize("answer", [BUSY, THROTTLED])
def test_a_probe_that_is_put_off_is_sent_again_in_its_form_and_others_begin_with_it(answer: Classification) -> None:
    bench = Bench(scenes(2), AUTO)
    bench.begin()
    bench.submitted(MALFORMED)
    assert sent(bench) == [("s1", 1, "params")]
    bench.submitted(answer)
    begun = bench.next_act()
    assert isinstance(begun, Submit)
    assert begun.request_format == "params"
    bench.submitted()
    other = bench.next_act()
    assert isinstance(other, Submit)
    assert (other.scene_id in {"s1", "s2"}, other.request_format) == (True, "params")


def test_an_uncertain_answer_says_nothing_of_the_form() -> None:
    bench = Bench(scenes(3), AUTO)
    bench.begin()
    bench.submitted(UNCERTAIN)
    assert sent(bench) == [("s2", 1, "documented")]
    bench.submitted(MALFORMED)
    assert sent(bench) == [("s2", 1, "params")]


def test_a_scene_whose_second_form_was_never_tried_waits_for_the_next_run() -> None:
    bench = Bench(scenes(2), replace(AUTO, workers=2))
    bench.begin()
    bench.submitted()
    assert sent(bench) == [("s2", 1, "documented")]
    bench.scheduler.interrupt()
    bench.submitted(MALFORMED)
    assert not bench.begin()
    assert bench.again(settings=AUTO).begin() != []


def test_an_account_that_is_refused_in_between_keeps_the_probe_for_the_next_run() -> None:
    bench = Bench(scenes(3), AUTO)
    bench.begin()
    bench.submitted()
    assert len(sent(bench)) == 2
    bench.submitted(DENIED, "s2")
    events = bench.submitted(MALFORMED, "s3")
    assert bench.scheduler.stop is Stop.ACCOUNT
    assert [type(event) for event in events] == [Refused, HeldBack]
    assert {one.scene_id for one in bench.again(settings=AUTO).begin() if isinstance(one, Submit)} == {"s2", "s3"}


def test_a_form_that_is_fixed_is_the_only_one_and_the_refusal_says_so() -> None:
    bench = Bench(scenes(2), Settings(request_formats=("params",), formats_left_out=("documented",)))
    assert sent(bench) == [("s1", 1, "params"), ("s2", 1, "params")], "there is nothing to find out"
    (refused,) = bench.submitted(MALFORMED, "s1")
    assert isinstance(refused, Refused)
    assert refused.message == "input must be an array; asked in the form params alone, and not as documented"
    bench.submitted(CREATED, "s2")
    again = bench.again(choice=Choice(retry_failed=True))
    again.begin()
    (refused,) = again.submitted(MALFORMED)
    assert isinstance(refused, Refused)
    assert refused.message == "input must be an array", "what is taken is known by then"
    assert bench.state.request_format == "params"


def test_a_task_that_a_form_created_makes_it_known_whatever_was_remembered() -> None:
    bench = Bench(scenes(1), Settings(request_formats=("params",)))
    bench.begin()
    bench.submitted()
    auto = Bench(scenes(2), AUTO, state=bench.state)
    assert sent(auto) == [("s2", 1, "params")]
    assert Classification(Kind.REFUSED).malformed is False
