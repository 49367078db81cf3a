"""A run on a thread of its own: what ends the waiting ends it in order."""

import _thread
import signal
import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from batchgen.app.attending import attended
from batchgen.app.notices import Notice, Notify, Warned, ignore
from batchgen.app.run_options import Interrupt
from batchgen.errors import RunDirectoryError

EVENT = Warned("something")


def until_interrupted(interrupt: Interrupt) -> int:
    ended = threading.Event()
    interrupt.listen(ended.set)
    assert ended.wait(30)
    assert interrupt.exit_code is not None
    return interrupt.exit_code


def test_it_returns_what_the_run_returns_and_calls_back_on_this_thread() -> None:
    seen = []

    def run(notify: Notify, __: Interrupt) -> threading.Thread:
        for _ in range(3):
            notify(EVENT)
        return threading.current_thread()

    thread = attended(run, lambda event: seen.append((event, threading.current_thread())), None)
    assert thread is not threading.current_thread()
    assert not thread.is_alive()
    assert seen == [(EVENT, threading.current_thread())] * 3


def test_it_raises_what_the_run_raises() -> None:
    def run(_: Notify, __: Interrupt) -> None:
        raise RunDirectoryError("a full disk")

    with pytest.raises(RunDirectoryError, match="a full disk"):
        attended(run, ignore, None)


def test_stop_is_seen_before_and_during_a_run() -> None:
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    assert attended(lambda _, interrupt: until_interrupted(interrupt), ignore, stop) == 130
    assert attended(lambda _, interrupt: interrupt.exit_code, ignore, stop) == 130
    assert attended(lambda _, interrupt: interrupt.exit_code, ignore, None) is None
    timer.join()


def test_what_a_callback_raises_waits_for_the_end_and_names_its_trouble() -> None:
    ended = []

    def on_event(_: Notice) -> None:
        raise LookupError("of the caller")

    def run(notify: Notify, interrupt: Interrupt) -> None:
        notify(EVENT)
        ended.append(until_interrupted(interrupt))
        notify(EVENT)
        raise RunDirectoryError("a full disk")

    with pytest.raises(LookupError, match="of the caller") as caught:
        attended(run, on_event, None)
    assert ended == [130]
    assert isinstance(caught.value.__cause__, RunDirectoryError)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals arrive on the main thread alone")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_is_raised_once_the_run_has_ended() -> None:
    ended = []

    def run(_: Notify, interrupt: Interrupt) -> None:
        _thread.interrupt_main()
        ended.append(until_interrupted(interrupt))

    with pytest.raises(KeyboardInterrupt):
        attended(run, ignore, None)
    assert ended == [130]


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_is_raised_at_once() -> None:
    answered, ended = threading.Event(), threading.Event()

    def run(_: Notify, interrupt: Interrupt) -> None:
        _thread.interrupt_main()
        until_interrupted(interrupt)
        _thread.interrupt_main()
        assert answered.wait(30)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        attended(run, ignore, None)
    assert not ended.is_set(), "the answers under way are still taken in"
    answered.set()
    assert ended.wait(30)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_a_callback_is_called_holds_nothing_up() -> None:
    def on_event(_: Notice) -> None:
        signal.raise_signal(signal.SIGINT)

    def run(notify: Notify, interrupt: Interrupt) -> Decimal:
        notify(EVENT)
        return Decimal(until_interrupted(interrupt))

    with pytest.raises(KeyboardInterrupt):
        attended(run, on_event, None)
