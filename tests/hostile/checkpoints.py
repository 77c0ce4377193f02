"""A small checkpoint, and the judging of what comes of damaged copies: the fit goes on, or not."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import InputError, SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.config import FitConfig
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.report import FitDivergedError, FitStoppedError
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.signal import Signal, SignalSpec

from .specimens import pixels
from .watching import check_message, watch

if TYPE_CHECKING:
    from sinefit.fitting.report import Progress

    from .watching import Outcome

STEPS = 60
"""A report comes after 50 of them, at which the fit is stopped."""


@functools.cache
def checkpoint_file() -> bytes:
    """The checkpoint of a fit that was stopped on the way."""
    reports: list[Progress] = []
    hooks = FitHooks(on_progress=reports.append, should_stop=lambda: bool(reports))
    with pytest.raises(FitStoppedError) as caught:
        fit_signal(_signal(), _config(), hooks=hooks)
    return encode_checkpoint(caught.value.checkpoint)


def resume_damaged(content: bytes) -> Outcome:
    """Go on from a checkpoint: it ends in finite weights, or in one line of a typed error."""
    with watch():
        try:
            checkpoint = decode_checkpoint(content, "it")
            result = fit_signal(_signal(), _config(), resume=checkpoint)
        except (InputError, SettingError, FitDivergedError) as error:
            check_message(str(error))
            return "refused"
    assert bool(result.field.network.values.isfinite().all())
    # What was accepted can be kept again.
    assert decode_checkpoint(encode_checkpoint(checkpoint), "it").standing == checkpoint.standing
    return "read"


def _signal() -> Signal:
    samples = pixels(height=5, width=6)
    return Signal(SignalSpec("image", (5, 6), 3, "uint8", 0.0, 255.0, "png", 8), samples)


def _config() -> FitConfig:
    return FitConfig(
        initializer=parse_initializer("siren"),
        width=5,
        depth=2,
        batch=8,
        budget=Budget(steps=STEPS),
        device="cpu",
    )
