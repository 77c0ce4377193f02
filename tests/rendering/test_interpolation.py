"""Band-limited sounds between their samples."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.networks.size import NetworkSize
from sinefit.rendering.interpolation import REACH, interpolated, reach_of_samples
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_values
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.grid import GridAxis, native_axis
from tests.engines.making import random_network

from .making import field_of, sound_spec

if TYPE_CHECKING:
    from sinefit.fields.field import Field

    from .making import Values

COUNT = 400
BAND = 0.9
"""Of the Nyquist frequency, below the edge of the window's band."""


def waves(positions: Values) -> Values:
    """Waves over a band at positions in samples, the first sample's centre is 0.5."""
    frequencies = np.linspace(0.03, BAND, 9) / 2
    phases = np.arange(9.0)
    found: Values = np.cos(2 * np.pi * positions[:, None] * frequencies + phases).sum(axis=1) / 9
    return found[:, None].astype(np.float32)


def values_at(axes: tuple[GridAxis, ...]) -> Values:
    """Only samples of what was fitted are asked for: of waves beyond the band nothing is seen."""
    (axis,) = axes
    assert axis.step == 1.0
    assert axis.start == int(axis.start)
    assert 0 <= axis.start < axis.start + axis.count <= axis.size
    return waves(axis.start + np.arange(axis.count) + 0.5)


@pytest.mark.parametrize("step", [1 / 2, 1 / 4, 160 / 441, 0.1 * np.sqrt(2), 1 / 5000])
def test_waves_of_the_band_are_met_between_the_samples(step: float) -> None:
    count = min(int(COUNT / step), 30_000)
    axis = GridAxis(COUNT, 100.0, step, min(count, int(200 / step)))
    (found,) = interpolated(values_at, axis, 2**20)
    positions = axis.start + (np.arange(axis.count) + 0.5) * step
    assert found.dtype == np.float32
    assert np.abs(found - waves(positions)).max() < 3e-4


def test_samples_are_passed_through() -> None:
    axis = GridAxis(COUNT, 0.0, 1 / 3, 3 * COUNT)  # every third lies on one
    (found,) = interpolated(values_at, axis, 2**20)
    np.testing.assert_allclose(found[1::3], values_at((native_axis(COUNT),)), atol=1e-6)


def test_a_constant_stays_one_to_its_ends() -> None:
    axis = GridAxis(50, 0.0, 0.25, 200)
    (found,) = interpolated(lambda axes: np.full((axes[0].count, 2), 0.7, np.float32), axis, 2**20)
    np.testing.assert_allclose(found, 0.7, atol=1e-6)


def test_pieces_and_parts_are_those_of_the_whole() -> None:
    axis = GridAxis(COUNT, 3.3, 0.37, 700)
    whole = np.concatenate(list(interpolated(values_at, axis, 2**20)))
    pieces = list(interpolated(values_at, axis, 100))
    assert [len(piece) for piece in pieces] == [100] * 7
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=2e-6)
    (part,) = interpolated(values_at, axis, 100, range(200, 300))
    assert np.array_equal(part, pieces[2])


def test_as_many_samples_are_taken_as_the_window_spans() -> None:
    taken = reach_of_samples(GridAxis(1000, 500.0, 0.25, 8))
    assert (taken.start, taken.count) == (500 - REACH, 2 * REACH + 2)
    taken = reach_of_samples(GridAxis(40, 0.0, 0.25, 160))
    assert (taken.start, taken.count) == (0.0, 40)


def band_limited_field() -> Field:
    spec = sound_spec(300)
    blocks = BlockGrid.over(spec, (9,), (4,))
    network = random_network(NetworkSize(1, 8, 2, 1), 9, seed=5)
    return field_of(replace(spec, footprint="band-limited"), network, blocks)


def rendered(field: Field, **request: Any) -> Values:
    plan = plan_render(field.spec, RenderRequest(**request))
    return np.concatenate(list(render_values(field, plan)))


def test_renders_at_higher_rates_interpolate_and_others_do_not() -> None:
    field = band_limited_field()
    assert decode_field(encode_field(field), "name").spec.footprint == "band-limited"
    own = rendered(field, footprint="point")
    assert np.array_equal(rendered(field), own)
    finer = rendered(field, rate=Fraction(3 * 8000))
    np.testing.assert_allclose(finer[1::3], own, atol=2e-5)
    at_points = rendered(field, rate=Fraction(3 * 8000), footprint="point")
    assert np.abs(finer - at_points).max() > 1e-3
    np.testing.assert_allclose(at_points[1::3], own, atol=2e-5)
    spectrum = np.abs(np.fft.rfft(finer[:, 0] * np.hanning(len(finer))))
    above = len(spectrum) // 3 * 11 // 10
    assert np.square(spectrum[above:]).sum() < 1e-6 * np.square(spectrum).sum()


def test_a_part_needs_few_blocks_and_is_that_of_the_whole() -> None:
    field = band_limited_field()
    whole = rendered(field, rate=Fraction(16000))
    part: dict[str, Any] = {"rate": Fraction(16000), "start": 0.02, "duration": 0.005}
    touched = field.blocks.touched(plan_render(field.spec, RenderRequest(**part)).reach)
    assert 0 < len(touched) < 6
    np.testing.assert_allclose(rendered(field, **part), whole[320:400], atol=1e-6)
