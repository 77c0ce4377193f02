from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sinefit.fitting.gradient_quality import differences, gradient_psnr
from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.measure import Blend, MeasuringStoppedError
from sinefit.networks.size import NetworkSize
from sinefit.signals.blocks import BlockGrid

from .making import (
    clip,
    decibels,
    even_picture,
    globe,
    natural,
    outputs_of,
    picture,
    random_network,
    sound,
)

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal


def smooth_field(signal: Signal) -> Blend:
    spec = signal.spec
    size = NetworkSize(spec.coordinate_features, 12, 2, spec.channels)
    return Blend(random_network(size), BlockGrid.single(spec))


def unit(signal: Signal) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    spec = signal.spec
    return 2 * (signal.samples.astype(np.float64) - spec.low) / (spec.high - spec.low) - 1


@pytest.mark.parametrize("signal", [picture((30, 20), 3), sound(90, 2), clip()])
def test_differences_are_those_of_numpy(signal: Signal) -> None:
    places = [along.ravel() for along in np.indices(signal.spec.shape)]
    for axis in range(signal.spec.axes):
        expected = np.gradient(unit(signal), axis=axis).reshape(-1, signal.spec.channels)
        np.testing.assert_allclose(differences(signal, places, axis), expected, atol=1e-6)


def test_around_a_sphere_there_are_no_ends() -> None:
    signal = globe((9, 18))
    places = [along.ravel() for along in np.indices((9, 18))]
    values = unit(signal)
    expected = (np.roll(values, -1, axis=1) - np.roll(values, 1, axis=1)) / 2
    found = differences(signal, places, 1).reshape(9, 18, 1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("holdout", [None, "20%", "grid:2"])
def test_the_figure_is_that_of_fine_differences_of_the_field(holdout: str | None) -> None:
    """A field of low frequencies, whose differences over a thousandth of a sample are its slope."""
    signal = picture((40, 30), 3)
    field = smooth_field(signal)
    chosen = None if holdout is None else parse_holdout("holdout", holdout)
    spec = signal.spec
    positions = [np.arange(size) + 0.5 for size in spec.shape]
    slopes = []
    for axis in range(2):
        ends = []
        for side in (-1e-3, 1e-3):
            moved = [along + side * (axis == place) for place, along in enumerate(positions)]
            grid = np.meshgrid(
                *(2 * m / s - 1 for m, s in zip(moved, spec.shape, strict=True)), indexing="ij"
            )
            hidden = np.stack(grid, axis=-1)
            parameters = field.network.parameters
            for layer in range(3):
                weight = parameters[f"layers.{layer}.weight"][0].double().numpy()
                hidden = hidden @ weight.T + parameters[f"layers.{layer}.bias"][0].double().numpy()
                hidden = np.sin(hidden) if layer < 2 else hidden
            ends.append(hidden)
        slopes.append((ends[1] - ends[0]) / 2e-3)
    error = np.stack(slopes) - np.stack(np.gradient(unit(signal), axis=(0, 1)))
    if chosen is not None:
        error = error[:, chosen.held(spec.shape, [range(size) for size in spec.shape])]
    assert gradient_psnr(field, signal, chosen) == pytest.approx(decibels(error, 2.0), abs=1e-3)


def test_an_estimate_is_near_the_figure_of_all_samples() -> None:
    signal = picture((90, 80), 1)
    field = smooth_field(signal)
    exact = gradient_psnr(field, signal)
    estimate = gradient_psnr(field, signal, count=1500)
    assert exact is not None
    assert estimate == pytest.approx(exact, abs=0.5)
    assert estimate != exact


def test_a_signal_of_one_sample_has_no_gradient() -> None:
    signal = even_picture(7)
    assert gradient_psnr(smooth_field(signal), signal) is None


def test_an_axis_of_one_sample_is_left_out() -> None:
    """The figure of a picture of one row is that of the row."""
    row = even_picture(0, (1, 40))
    row.samples[0, :, 0] = np.rint(natural((40,)) * 255)
    field = smooth_field(row)
    slopes = np.gradient(outputs_of(field.network, row.spec)[0, :, 0])
    error = slopes - np.gradient(unit(row)[0, :, 0])
    found = gradient_psnr(field, row)
    assert found == pytest.approx(decibels(error, 2.0), abs=1.0)  # differences are not the slope


def test_measuring_can_be_stopped() -> None:
    signal = picture()
    with pytest.raises(MeasuringStoppedError):
        gradient_psnr(smooth_field(signal), signal, should_stop=lambda: True)
    found = gradient_psnr(smooth_field(signal), signal, should_stop=lambda: False)
    assert found is not None
    assert math.isfinite(found)
