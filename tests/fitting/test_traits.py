from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.fitting.traits import signal_traits
from sinefit.signals.grid import Grid
from sinefit.theory.spectra import row_centroid

from .making import clip, globe, picture, sound

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal


@pytest.mark.parametrize("signal", [picture((8, 6), 3), sound(30), clip()])
def test_traits_are_read_off_the_signal(signal: Signal) -> None:
    traits = signal_traits(signal)
    assert traits.shape == signal.spec.shape
    assert traits.channels == signal.spec.channels
    assert traits.spectral_centroid == row_centroid(signal)


def test_the_sphere_has_three_axes() -> None:
    traits = signal_traits(globe((9, 18)))
    assert traits.shape == (9, 9, 9)


@pytest.mark.parametrize("signal", [picture((200, 150)), globe((100, 200))])
def test_the_mean_square_of_coordinates(signal: Signal) -> None:
    """On the sphere rows count by their length, as points spread evenly would."""
    grid = Grid.of_signal(signal.spec)
    points = grid.coordinates(torch.arange(grid.sample_count)).numpy().astype(np.float64)
    weight = np.ones(len(points))
    if signal.spec.domain == "sphere":
        weight = np.sqrt(1 - points[:, 2] ** 2)
    mean = float(np.average((points**2).mean(axis=1), weights=weight))
    assert signal_traits(signal).mean_square_coordinate == pytest.approx(mean, rel=1e-3)
    assert math.isfinite(mean)
