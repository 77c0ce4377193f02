"""Reading what may be damaged, and judging what comes of it."""

from __future__ import annotations

import contextlib
import signal as signals
from typing import TYPE_CHECKING, Literal

import numpy as np

from sinefit.errors import InputError
from sinefit.signals.limits import Limits
from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.signals.signal import Kind, Signal

Outcome = Literal["refused", "read"]

SMALL = Limits(max_pixels=2**22, max_bytes=2**26)
"""Limits far above every specimen and far below what a machine has."""
LONGEST = 10
"""Seconds after which reading counts as hanging."""


class HangError(Exception):
    """Reading did not end in time."""


def read_damaged(
    content: bytes, *, kind: Kind | None = None, format: str | None = None, limits: Limits = SMALL
) -> Outcome:
    """Read bytes; what comes out must be a sound signal or one line of InputError.

    Anything else fails the test: another error, an untidy message, values that are not finite, or
    no end within LONGEST seconds.
    """
    with watch():
        try:
            signal = read_signal(content, name="it", kind=kind, format=format, limits=limits)
        except InputError as error:
            check_message(str(error))
            return "refused"
    check_signal(signal)
    return "read"


def check_message(message: str) -> None:
    """A message is one printable line of a length that a person reads."""
    assert message.isprintable(), repr(message)
    assert 10 < len(message) < 600, message


def check_signal(signal: Signal) -> None:
    """A signal agrees with itself."""
    spec = signal.spec
    assert signal.samples.shape == (*spec.shape, spec.channels)
    assert signal.samples.nbytes <= SMALL.max_bytes
    assert spec.channels >= 1
    assert np.isfinite(signal.samples.astype(np.float64)).all()
    assert np.isfinite([spec.low, spec.high]).all()
    assert spec.low < spec.high
    if spec.kind in ("audio", "video"):
        assert spec.rate is not None
        assert spec.rate > 0
        assert max(spec.rate.numerator, spec.rate.denominator) < 10**18
    if spec.kind != "audio":
        assert spec.sample_count > 0
    for notice in signal.notices:
        check_message(notice)
    unit = spec.to_unit(signal.samples)
    assert unit.size == 0 or (unit.min() >= -1 - 1e-6 and unit.max() <= 1 + 1e-6)


@contextlib.contextmanager
def watch() -> Iterator[None]:
    """Raise HangError in what takes longer than LONGEST seconds."""

    def ring(_number: int, _frame: object) -> None:
        raise HangError(f"reading took more than {LONGEST} seconds")

    before = signals.signal(signals.SIGALRM, ring)
    signals.setitimer(signals.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signals.setitimer(signals.ITIMER_REAL, 0)
        signals.signal(signals.SIGALRM, before)
