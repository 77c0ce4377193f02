"""Signals of a few samples, fitted as a user would who says nothing but the scheme."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest

from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import fit_signal
from sinefit.initializers.registry import INITIALIZERS, parse_initializer
from sinefit.signals.array.reading import array_signal

from .making import decibels, even_picture, outputs_of

CONTROLS: Final = {"torch", "xavier"}
"""Schemes that are there to fail."""
POSITIONS: Final = np.linspace(-1.0, 1.0, 20)
SIGNALS: Final = {
    "one pixel": even_picture(200),
    "a function": array_signal(np.sin(5.0 * POSITIONS) + 0.3 * np.cos(17.0 * POSITIONS)),
    "noise": array_signal(np.random.default_rng(0).standard_normal((4, 6))),
}


@pytest.mark.parametrize("init", sorted(INITIALIZERS.keys() - CONTROLS))
@pytest.mark.parametrize("name", SIGNALS)
def test_a_small_signal_is_fitted_by_default(name: str, init: str) -> None:
    signal = SIGNALS[name]
    spec = signal.spec
    config = FitConfig(parse_initializer(init), device="cpu", threads=1)
    outputs = outputs_of(fit_signal(signal, config).field.network, spec)
    values = (outputs + 1.0) / 2.0 * (spec.high - spec.low) + spec.low
    error = values.reshape(signal.samples.shape) - signal.samples.astype(np.float64)
    assert decibels(error, spec.high - spec.low) >= 40.0
