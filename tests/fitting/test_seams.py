"""Where blocks meet, a fitted field is as near to a smooth function as within them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.fitting.budget import Budget
from sinefit.fitting.loop import fit_signal
from sinefit.signals.array.reading import array_signal

from .making import settings

if TYPE_CHECKING:
    from sinefit.fields.field import Field

Values = np.ndarray[Any, np.dtype[Any]]
SIDE = 96
WAVES = ((0.9, 0.11, 0.05, 0.3), (0.6, -0.07, 0.16, 1.1), (0.4, 0.23, 0.12, 2.0))
"""Amplitude, radians per sample down and across, and phase."""


def function(down: Values, across: Values) -> Values:
    """A sum of waves, at positions counted in samples."""
    return sum((a * np.sin(v * down + u * across + p) for a, v, u, p in WAVES), np.zeros(()))


def positions(scale: int) -> Values:
    """Where samples lie at a scale, counted in samples of the fitted picture."""
    return (np.arange(SIDE * scale) + 0.5) / scale


def grid(scale: int) -> tuple[Values, Values]:
    down, across = np.meshgrid(positions(scale), positions(scale), indexing="ij")
    return down, across


@pytest.fixture(scope="module")
def field() -> Field:
    samples = function(*grid(1)).astype(np.float32)
    config = settings(width=16, depth=3, blocks=(3, 3), batch=128, budget=Budget(steps=1500))
    return fit_signal(array_signal(samples), config).field


def shared(field: Field, scale: int) -> Values:
    """Which samples more than one block has a share in, (rows, columns)."""
    beside = []
    for axis in field.blocks.axes:
        edges = np.array([axis.cell(place)[0] for place in range(1, axis.count)])
        beside.append((np.abs(positions(scale)[:, None] - edges) < axis.margin).any(axis=1))
    both: Values = beside[0][:, None] | beside[1][None, :]
    return both


def decibels(error: Values) -> float:
    return 10.0 * math.log10(float(np.square(error).mean()))


@pytest.mark.parametrize("scale", [1, 4, 8])
def test_the_error_in_the_margins_is_no_larger_than_inside(field: Field, scale: int) -> None:
    rendered = field.render(scale, bit_depth=32).samples[..., 0].astype(np.float64)
    # Half a sample from the rim there is nothing that was fitted.
    within = np.s_[scale:-scale, scale:-scale]
    error = (rendered - function(*grid(scale)))[within]
    margin = shared(field, scale)[within]
    assert 0.1 < margin.mean() < 0.6
    assert decibels(error[~margin]) < -45.0
    assert decibels(error[margin]) < decibels(error[~margin]) + 1.0


@pytest.mark.parametrize("scale", [4, 8])
def test_the_slope_in_the_margins_is_no_worse_than_inside(field: Field, scale: int) -> None:
    rendered = field.render(scale, bit_depth=32).samples[..., 0].astype(np.float64)
    truth = function(*grid(scale))
    within = np.s_[scale:-scale, scale:-scale]
    margin = shared(field, scale)[within]
    for axis in (0, 1):
        slope = scale * (np.gradient(rendered, axis=axis) - np.gradient(truth, axis=axis))[within]
        assert decibels(slope[margin]) < decibels(slope[~margin]) + 1.0
