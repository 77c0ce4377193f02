from __future__ import annotations

import itertools
import math
import tracemalloc
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderPlan, RenderRequest, plan_render
from sinefit.rendering.render import PIECE_SAMPLES, render_pieces, render_values
from sinefit.signals.grid import Grid, native_axis
from tests.engines.making import random_network

from .making import (
    array_spec,
    centres,
    clip_spec,
    field_of,
    image_spec,
    known_values,
    sound_spec,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.signals.signal import SignalSpec

    from .making import (
        Values,
    )

FLOAT32_ERROR = 4e-6
"""Float32 coordinates are off by up to 6e-8, times frequencies up to 13 in all, plus the sines."""


def values_of(spec: SignalSpec, request: RenderRequest) -> Values:
    """Render the known network for a request, in float32 before rounding."""
    plan = plan_render(spec, request)
    return np.concatenate(list(render_values(field_of(spec), plan)))


@pytest.mark.parametrize(
    ("scale", "shape"),
    [
        (None, (10, 15)),
        ((1.0,), (10, 15)),
        ((2.0,), (20, 30)),
        ((3.7,), (37, 56)),
        ((2.0, 3.0), (30, 30)),
        ((0.4,), (4, 6)),
    ],
)
def test_a_picture_is_the_function_at_the_centres_of_its_pixels(
    scale: tuple[float, ...] | None, shape: tuple[int, int]
) -> None:
    spec = image_spec(channels=3)
    axes = (centres(10, shape[0]), centres(15, shape[1]))
    actual = values_of(spec, RenderRequest(scale=scale, footprint="point"))
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, known_values(axes, 3), atol=FLOAT32_ERROR)


def test_a_region_of_a_picture_is_the_function_there() -> None:
    request = RenderRequest(region=(2.25, 3.0, 7.5, 6.0), scale=(2.0,))
    axes = (centres(10, 12, 3.0, 6.0), centres(15, 15, 2.25, 7.5))
    actual = values_of(image_spec(), request)
    np.testing.assert_allclose(actual, known_values(axes, 1), atol=FLOAT32_ERROR)


@pytest.mark.parametrize("rate", [8000, 96000, 11025])
def test_a_sound_is_the_function_of_time(rate: int) -> None:
    spec = sound_spec(80, channels=2)
    request = RenderRequest(rate=Fraction(rate), start=0.0025, duration=0.005)
    count = round(0.005 * rate)
    seconds = 0.0025 + (np.arange(count) + 0.5) / rate
    actual = values_of(spec, request)
    # The whole sound of 10 ms spans -1 to 1.
    np.testing.assert_allclose(actual, known_values((seconds / 0.005 - 1,), 2), atol=FLOAT32_ERROR)


def test_a_clip_is_the_function_of_time_and_place() -> None:
    request = RenderRequest(fps=Fraction(60000, 1001), scale=(2.0,))
    axes = (centres(6, 12), centres(4, 8), centres(5, 10))
    actual = values_of(clip_spec(), request)
    np.testing.assert_allclose(actual, known_values(axes, 3), atol=FLOAT32_ERROR)


def test_an_array_is_the_function_of_its_axes() -> None:
    axes = (centres(4, 9), centres(6, 5))
    actual = values_of(array_spec(), RenderRequest(size=(9, 5), footprint="point"))
    np.testing.assert_allclose(actual, known_values(axes, 1), atol=FLOAT32_ERROR)


def test_the_sphere_is_the_function_of_points_in_space() -> None:
    spec = array_spec((5, 8), domain="sphere")
    actual = values_of(spec, RenderRequest(scale=(2.0,)))
    assert actual.shape == (10, 16, 1)
    latitude = np.radians(90 - (np.arange(10) + 0.5) * 18)
    longitude = np.radians(-180 + (np.arange(16) + 0.5) * 22.5)
    for row, column in itertools.product((0, 4, 9), (0, 7, 15)):
        ring = math.cos(latitude[row])
        point = (
            np.array([ring * math.cos(longitude[column])]),
            np.array([ring * math.sin(longitude[column])]),
            np.array([math.sin(latitude[row])]),
        )
        assert actual[row, column, 0] == pytest.approx(
            known_values(point, 1).item(), abs=FLOAT32_ERROR
        )


def test_samples_are_stored_in_the_signal_s_own_type() -> None:
    spec = image_spec()
    pieces = list(render_pieces(field_of(spec), plan_render(spec, RenderRequest())))
    expected = (known_values((centres(10, 10), centres(15, 15)), 1) + 1) * 127.5
    samples = np.concatenate(pieces)
    assert samples.dtype == np.uint8
    assert np.abs(samples - expected).max() < 0.501


def test_bit_depth_changes_the_steps_not_the_picture() -> None:
    field = field_of(image_spec())
    shallow, deep = field.render(), field.render(bit_depth=16)
    assert deep.samples.dtype == np.uint16
    # 65535 = 255 * 257: half a step of 8 bits is 128.5 steps of 16.
    difference = deep.samples.astype(np.int64) - 257 * shallow.samples.astype(np.int64)
    assert np.abs(difference).max() <= 129
    assert np.abs(difference).max() > 0


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_a_region_is_the_crop_of_the_whole(scale: float) -> None:
    spec = image_spec(channels=2)
    whole = values_of(spec, RenderRequest(scale=(scale,)))
    part = values_of(spec, RenderRequest(scale=(scale,), region=(3.0, 2.0, 9.0, 5.0)))
    factor = int(scale)
    crop = whole[2 * factor : 7 * factor, 3 * factor : 12 * factor]
    # The same coordinates, but for the last bit of some; and sums in another order.
    np.testing.assert_allclose(part, crop, atol=2e-6)


LARGE = [
    (image_spec((13, 7), 2), {"scale": (60.0,)}),
    (sound_spec(150), {"rate": Fraction(8000 * 2000)}),
    (clip_spec(), {"scale": (50.0,), "fps": Fraction(45)}),
    (array_spec((5, 8), domain="sphere"), {"scale": (83.0,)}),
]


@pytest.mark.parametrize(("spec", "request_values"), LARGE)
def test_pieces_do_not_show(spec: SignalSpec, request_values: dict[str, Any]) -> None:
    network = random_network(NetworkSize(spec.coordinate_features, 8, 2, spec.channels))
    plan = plan_render(spec, RenderRequest(**request_values))
    pieces = list(render_values(field_of(spec, network), plan))
    slab = math.prod(plan.spec.shape[1:])
    assert len(pieces) > 1
    assert all(piece.shape[1:] == (*plan.spec.shape[1:], spec.channels) for piece in pieces)
    assert all(len(piece) * slab <= PIECE_SAMPLES for piece in pieces)
    grid = Grid(plan.axes, spec.domain, torch.device("cpu"))
    whole = network(grid.coordinates(torch.arange(plan.spec.sample_count))[None])[0].numpy()
    # Matrix products of other sizes may sum in another order: a few units in the last place.
    actual = np.concatenate(pieces).reshape(-1, spec.channels)
    np.testing.assert_allclose(actual, whole, atol=1e-5)


def test_a_row_longer_than_a_piece_is_a_piece() -> None:
    plan = plan_render(image_spec(), RenderRequest(size=(PIECE_SAMPLES + 10, 3), footprint="point"))
    pieces = list(render_values(field_of(image_spec()), plan))
    assert [piece.shape for piece in pieces] == [(1, PIECE_SAMPLES + 10, 1)] * 3
    ends = np.concatenate(pieces)[:, [0, -1]]
    axes = (centres(10, 3), centres(15, PIECE_SAMPLES + 10)[[0, -1]])
    np.testing.assert_allclose(ends, known_values(axes, 1), atol=FLOAT32_ERROR)


def test_pieces_are_made_when_they_are_asked_for() -> None:
    """A sound of 17 minutes a million times as fast: no memory could hold it."""
    spec = sound_spec(2**20, rate=1000)
    plan = plan_render(spec, RenderRequest(rate=Fraction(10**9)))
    assert plan.spec.sample_count > 2**39
    tracemalloc.start()
    try:
        pieces: Iterator[Values] = render_values(field_of(spec), plan)
        first = next(pieces)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert first.shape == (PIECE_SAMPLES, 1)
    # Coordinates and values of one piece, in float64 at most, a few times over.
    assert peak < 16 * 8 * PIECE_SAMPLES
    step = 2 / plan.spec.sample_count
    expected = known_values((np.array([0.5, PIECE_SAMPLES - 0.5]) * step - 1,), 1)
    np.testing.assert_allclose(first[[0, -1]], expected, atol=FLOAT32_ERROR)


def test_a_grid_of_one_sample() -> None:
    plan = RenderPlan((native_axis(1), native_axis(1)), image_spec((1, 1)))
    (piece,) = render_values(field_of(image_spec((1, 1))), plan)
    expected = known_values((np.array([0.0]), np.array([0.0])), 1)
    np.testing.assert_allclose(piece, expected, atol=FLOAT32_ERROR)
