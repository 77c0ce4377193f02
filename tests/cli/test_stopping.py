from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.exit_codes import Termination
from sinefit.cli.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Give every signal a handler of the test's own, and put back what was there."""
    before = {number: signal.getsignal(number) for number in ASKING}
    for number in ASKING:
        signal.signal(number, _unexpected)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _unexpected(number: int, _frame: object) -> None:
    raise AssertionError(f"signal {number} was not caught")


@pytest.mark.parametrize(("number", "code"), list(zip(ASKING, (130, 143, 143, 143), strict=True)))
def test_the_first_signal_asks(number: signal.Signals, code: int) -> None:
    with StopRequest() as stop:
        assert not stop.requested()
        signal.raise_signal(number)
        assert stop.requested()
    assert stop.exit_code == code


def test_the_second_ctrl_c_insists() -> None:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop.exit_code == 130


def test_other_signals_never_insist() -> None:
    with StopRequest() as stop:
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
            signal.raise_signal(number)
    # What came first decides: whoever sent it looks at the status.
    assert stop.exit_code == 143
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert stop.exit_code == 130


def test_where_nothing_can_be_kept_what_was_asked_is_done() -> None:
    for number, ending in ((signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Termination)):
        with StopRequest() as stop:
            stop.insist()
            signal.raise_signal(number)
            with pytest.raises(ending):
                stop.insist()


def test_outside_all_is_as_before() -> None:
    stop = StopRequest()
    for _ in range(2):
        with stop:
            assert signal.getsignal(signal.SIGTERM) != _unexpected
        with contextlib.suppress(ZeroDivisionError), stop:
            raise ZeroDivisionError
        for number in ASKING:
            assert signal.getsignal(number) == _unexpected
    assert not stop.requested()


def test_what_was_received_stays() -> None:
    stop = StopRequest()
    with stop:
        signal.raise_signal(signal.SIGTERM)
    with stop:
        assert stop.requested()


def test_what_was_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert not stop.requested()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
