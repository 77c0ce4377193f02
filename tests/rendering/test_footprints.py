"""Means over footprints, against integrals."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.networks.size import NetworkSize
from sinefit.rendering.footprints import averaged, kernel_of, reach_of
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_values
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.grid import GridAxis, native_axis
from sinefit.signals.signal import FOOTPRINTS
from tests.engines.making import random_network

from .making import (
    AMPLITUDES,
    FREQUENCIES,
    OFFSETS,
    PHASES,
    array_spec,
    centres,
    clip_spec,
    field_of,
    image_spec,
    known_network,
    sound_spec,
)

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.rendering.footprints import Kernel
    from sinefit.signals.signal import Footprint

    from .making import Values

steps = st.floats(0.05, 40.0)


def taps_of(footprint: Footprint, step: float) -> tuple[Values, Values]:
    """The points of a mean around 0 and their weights."""
    kernel = kernel_of(footprint, step)
    offsets = (kernel.offsets + kernel.shifts[:, None]) * step / kernel.finer
    return offsets.ravel(), np.outer(kernel.shares, kernel.weights).ravel()


def rendered(field: Field, request: RenderRequest) -> Values:
    return np.concatenate(list(render_values(field, plan_render(field.spec, request))))


@given(steps)
def test_a_box_is_the_mean_over_the_cell(step: float) -> None:
    offsets, weights = taps_of("box", step)
    # The moments of a uniform distribution: exact for polynomials of degree 3.
    assert weights.sum() == pytest.approx(1.0)
    assert (weights * offsets).sum() == pytest.approx(0.0, abs=1e-9 * step)
    assert (weights * offsets**2).sum() == pytest.approx(step**2 / 12)


@given(steps)
def test_a_gaussian_has_its_deviation(step: float) -> None:
    offsets, weights = taps_of("gaussian", step)
    assert weights.sum() == pytest.approx(1.0)
    # Cut at three deviations it loses 2.7 % of its variance.
    assert (weights * offsets**2).sum() == pytest.approx((step / 2) ** 2, rel=0.06)


@pytest.mark.parametrize("step", [2.0, 4.0, 7.3])
def test_a_band_limited_mean_keeps_the_band_and_nothing_above(step: float) -> None:
    offsets, weights = taps_of("band-limited", step)
    nyquist = np.pi / step

    def response(frequency: float) -> float:
        return float((weights * np.cos(frequency * offsets)).sum())

    assert response(0.75 * nyquist) == pytest.approx(1.0, abs=2e-3)
    for above in np.linspace(1.05 * nyquist, np.pi, 20):
        assert abs(response(above)) < 2e-3


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
def test_the_mean_of_sines_over_boxes(scale: float) -> None:
    """The mean of sin(w x + b) over cells of width h is sin(w x + b) sinc(w h / 2) per axis."""
    spec = image_spec((20, 30), 3)
    found = rendered(field_of(spec), RenderRequest(scale=(scale,), footprint="box"))
    rows, columns = found.shape[:2]
    points = np.stack(np.meshgrid(centres(20, rows), centres(30, columns), indexing="ij"), -1)
    W = np.array(FREQUENCIES[2])
    factor = np.prod([np.sinc(W[:, axis] / n / np.pi) for axis, n in enumerate((rows, columns))], 0)
    expected = np.sin(points @ W.T + np.array(PHASES)) * factor @ np.array(AMPLITUDES).T
    np.testing.assert_allclose(found, expected + np.array(OFFSETS), atol=1e-5)


@pytest.mark.parametrize("footprint", ["box", "gaussian"])
def test_a_footprint_may_be_narrower_than_samples_are_apart(footprint: Footprint) -> None:
    wide = kernel_of(footprint, 1.0)
    narrow = kernel_of(footprint, 4.0, 1.0)
    for frequency in (0.5, 1.5, 3.0):

        def response(kernel: Kernel, step: float, frequency: float = frequency) -> float:
            offsets = (kernel.offsets + kernel.shifts[:, None]) * step / kernel.finer
            return float(
                (np.outer(kernel.shares, kernel.weights) * np.cos(frequency * offsets)).sum()
            )

        assert response(narrow, 4.0) == pytest.approx(response(wide, 1.0), abs=0.01)


def test_a_zone_plate_that_is_made_smaller_has_no_rings_that_were_not_there() -> None:
    size, factor = 160, 8

    def plate(axes: tuple[GridAxis, ...]) -> Values:
        y, x = (axis.coordinates(np.arange(axis.count, dtype=np.float64)) for axis in axes)
        radius = y[:, None] ** 2 + x[None, :] ** 2
        # At the ends of the axes its frequency is that of Nyquist.
        return np.cos(radius * size * np.pi / 4)[..., None].astype(np.float32)

    axis = GridAxis(size, 0.0, float(factor), size // factor)
    pieces = averaged(plate, (axis, axis), (kernel_of("box", axis.step),) * 2, 50)
    found = np.concatenate(list(pieces))[..., 0]
    fine = GridAxis(size, 0.0, 1 / 8, size * 8)
    cells = plate((fine, fine)).reshape(size // factor, 8 * factor, size // factor, 8 * factor)
    np.testing.assert_allclose(found, cells.mean(axis=(1, 3)), atol=2e-3)
    ring = np.abs(found[size // factor // 2, :4]).max()  # its frequency there is far too high
    point = np.abs(plate((axis, axis))[size // factor // 2, :4, 0]).max()
    assert ring < 0.15 < 0.5 < point


@pytest.mark.parametrize("footprint", FOOTPRINTS)
@pytest.mark.parametrize("scale", [0.2, 1.0, 2.5])
def test_a_constant_stays_one_up_to_the_edges(footprint: Footprint, scale: float) -> None:
    spec = array_spec((13, 9))
    network = known_network(2, 1)
    network.parameters["layers.1.weight"].zero_()
    found = rendered(field_of(spec, network), RenderRequest(scale=(scale,), footprint=footprint))
    np.testing.assert_allclose(found, OFFSETS[0], rtol=1e-5)


def test_blocks_are_averaged_as_one_field() -> None:
    spec = image_spec((24, 30), 3)
    blocks = BlockGrid.over(spec, (2, 3), (3, 2))
    field = field_of(spec, random_network(NetworkSize(2, 4, 2, 3), blocks.count), blocks)
    coarse = rendered(field, RenderRequest(scale=(0.25,)))
    fine = rendered(field, RenderRequest(scale=(4.0,)))
    cells = fine[:, : 7 * 16 + 8].reshape(6, 16, 120, 3)[:, :, :112].reshape(6, 16, 7, 16, 3)
    exact = rendered(field, RenderRequest(scale=(0.25,), region=(0, 0, 28, 24)))
    np.testing.assert_allclose(exact, cells.mean(axis=(1, 3)), atol=5e-3)
    assert coarse.shape == (6, 8, 3)


def test_what_suits_the_grid_is_taken() -> None:
    boxes = replace(image_spec(), footprint="box")
    assert plan_render(image_spec(), RenderRequest()).is_pointwise
    assert plan_render(boxes, RenderRequest()).footprints == ("box", "box")
    assert plan_render(boxes, RenderRequest(scale=(2.0,))).is_pointwise
    assert plan_render(boxes, RenderRequest(footprint="point")).is_pointwise
    half = RenderRequest(scale=(0.5,))
    assert plan_render(image_spec(), half).footprints == ("box", "box")
    assert plan_render(sound_spec(), half).footprints == ("band-limited",)
    assert plan_render(clip_spec(), RenderRequest(fps=Fraction(10))).is_pointwise


def test_a_render_in_part_reaches_all_that_its_footprints_do() -> None:
    axis = GridAxis(100, 40.0, 4.0, 3)
    for footprint in FOOTPRINTS:
        offsets, _ = taps_of(footprint, axis.step)
        reach = reach_of(axis, kernel_of(footprint, axis.step))
        ends = reach.start + np.array([0.5, reach.count - 0.5]) * reach.step
        inside = [max(0.0, 42 + offsets.min()), min(100.0, 50 + offsets.max())]
        assert ends == pytest.approx(inside)
        assert reach.step <= 0.5
    assert reach_of(native_axis(5), kernel_of("point", 1.0)).count > 0


def test_derivatives_have_no_footprint() -> None:
    with pytest.raises(SettingError, match="`footprint` is box: it is for values"):
        RenderRequest(what="gradient", footprint="box")
