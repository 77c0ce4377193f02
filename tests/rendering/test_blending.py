"""Fields of several blocks on grids, against sums that are written out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.engines.evaluation import choose_evaluator
from sinefit.errors import SettingError
from sinefit.fields.field import Field
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize
from sinefit.rendering.blending import blend
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_pieces, render_values
from sinefit.signals.blocks import BlockGrid
from tests.engines.making import random_network

from .making import (
    array_spec,
    centres,
    clip_spec,
    field_of,
    fields_of_blocks,
    image_spec,
    in_full,
    known_network,
    known_values,
    requests,
    sound_spec,
)

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec

    from .making import Values

ROUNDING = 1e-5
"""Sums of some float32 values of about 1, at coordinates that are off by 6e-8."""


def known_blocks(spec: SignalSpec, blocks: BlockGrid) -> Network:
    """Of each block the network that is the known one in the coordinates of the whole domain.

    A block that reaches samples b to e of n has the local coordinate u where the whole domain has
    (b + (u + 1) (e - b) / 2) 2 / n - 1: that is a factor (e - b) / n and an offset.
    """
    whole = known_network(spec.axes, spec.channels)
    members = []
    for number in range(blocks.count):
        member = whole.clone()
        weight, bias = (member.parameters[f"layers.0.{part}"][0] for part in ("weight", "bias"))
        for axis, (begin, end) in enumerate(blocks.reaches(number)):
            size = spec.shape[axis]
            bias += weight[:, axis] * ((begin + end) / size - 1)
            weight[:, axis] *= (end - begin) / size
        members.append(member)
    return Network.stack(members)


def rendered(field: Field, **request: Any) -> Values:
    plan = plan_render(field.spec, RenderRequest(**request))
    return np.concatenate(list(render_values(field, plan)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_it_is_the_sum_of_the_networks_by_their_windows(data: st.DataObject) -> None:
    field = data.draw(fields_of_blocks())
    plan = plan_render(field.spec, data.draw(requests(field.spec)))
    pieces = list(render_values(field, plan))
    assert all(piece.dtype == np.float32 for piece in pieces)
    expected = in_full(field, plan)
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(np.concatenate(pieces), expected, atol=2 * ROUNDING * scale)


LAID = [
    (image_spec((30, 41), 3), (3, 4), (3, 5)),
    (sound_spec(400, channels=2), (7,), (20,)),
    (clip_spec((9, 12, 10)), (2, 3, 2), (2, 1, 2)),
    (array_spec((17,)), (4,), (0,)),
    (array_spec((20, 24)), (1, 5), (0, 2)),
]


@pytest.mark.parametrize("factor", [1, 4, 8])
@pytest.mark.parametrize(("spec", "counts", "margins"), LAID)
def test_blocks_of_one_function_are_that_function(
    spec: SignalSpec, counts: tuple[int, ...], margins: tuple[int, ...], factor: int
) -> None:
    blocks = BlockGrid.over(spec, counts, margins)
    field = field_of(spec, known_blocks(spec, blocks), blocks)
    if spec.kind == "audio":
        asked: dict[str, Any] = {"rate": 8000 * factor}
    else:
        asked = {"scale": factor} | ({"fps": spec.rate * factor} if spec.rate else {})
    request = RenderRequest(**asked)
    plan = plan_render(spec, request)
    values = np.concatenate(list(render_values(field, plan)))
    axes = tuple(centres(size, size * factor) for size in spec.shape)
    expected = known_values(axes, spec.channels)
    np.testing.assert_allclose(values, expected, atol=ROUNDING)
    # Of windows that did not sum to one, or had corners, differences would show more: what both
    # are off by is the rounding of neighbours, wherever they lie.
    for axis in range(spec.axes):
        bumps = np.diff(values.astype(np.float64) - expected, 2, axis=axis)
        assert np.abs(bumps).max() < 2 * ROUNDING


def test_the_slope_of_blocks_that_differ_has_no_corners() -> None:
    """Neighbours at 0 and 1: what is seen is the window itself, whose slope never jumps."""
    spec = sound_spec(64)
    blocks = BlockGrid.over(spec, (4,), (8,))
    network = random_network(NetworkSize(1, 1, 1, 1), 4)
    network.values.zero_()
    network.parameters["layers.1.bias"][:, 0] = torch.tensor([0.0, 1.0, 0.0, 1.0])
    values = rendered(field_of(spec, network, blocks), rate=8000 * 64)[:, 0].astype(np.float64)
    slope = np.diff(values) * 64  # per sample of what was fitted
    # A raised cosine over 16 samples: its slope is pi / 32 at most and turns by pi² / 512 at most.
    assert np.abs(slope).max() == pytest.approx(math.pi / 32, rel=1e-3)
    assert np.abs(np.diff(slope)).max() < 1.01 * math.pi**2 / 512 / 64 + 64 * 4 * 6e-8


@pytest.mark.parametrize(("spec", "counts", "margins"), LAID)
def test_the_size_of_slabs_does_not_matter(
    spec: SignalSpec,
    counts: tuple[int, ...],
    margins: tuple[int, ...],
) -> None:
    blocks = BlockGrid.over(spec, counts, margins)
    size = NetworkSize(spec.axes, 8, 2, spec.channels)
    field = field_of(spec, random_network(size, blocks.count), blocks)
    whole = rendered(field)
    plan = plan_render(spec, RenderRequest())
    evaluator = choose_evaluator(field.network, spec.bit_depth, by_member=True)
    for rows in (1, 3):
        values = rows * math.prod(spec.shape[1:]) * spec.channels
        slabs = list(
            blend(evaluator, blocks, None, plan.axes, spec.channels, spec.coordinates, values)
        )
        assert len(slabs) == -(-spec.shape[0] // rows)
        np.testing.assert_allclose(np.concatenate(slabs), whole, atol=ROUNDING)


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_a_region_is_the_crop_of_the_whole(scale: float) -> None:
    spec = image_spec((30, 41), 3)
    blocks = BlockGrid.over(spec, (3, 4), (3, 5))
    field = field_of(spec, random_network(NetworkSize(2, 8, 2, 3), blocks.count), blocks)
    whole = rendered(field, scale=(scale,))
    part = rendered(field, scale=(scale,), region=(3.0, 2.0, 19.0, 15.0))
    factor = int(scale)
    crop = whole[2 * factor : 17 * factor, 3 * factor : 22 * factor]
    np.testing.assert_allclose(part, crop, atol=ROUNDING)


def test_the_sphere_has_no_edge() -> None:
    spec = array_spec((20, 36), domain="sphere")
    blocks = BlockGrid.over(spec, (2, 3), (3, 4))
    field = field_of(spec, random_network(NetworkSize(2, 8, 2, 1), blocks.count), blocks)
    values = rendered(field, scale=(32.0,))[..., 0]
    around = np.concatenate([values, values], axis=1)
    slope = np.abs(np.diff(around, axis=1))
    edge = values.shape[1] - 1
    inside = np.delete(slope, edge, axis=1)
    # Left and right edge are neighbours, no further apart than others are.
    assert slope[:, edge].max() < inside.max()
    turned = np.abs(np.diff(around, 2, axis=1))
    assert turned[:, edge - 1 : edge + 1].max() < np.delete(turned, [edge - 1, edge], 1).max()


class Counting:
    """An evaluator that keeps which members it was asked for, and at which coordinates."""

    def __init__(self, piece: int, channels: int = 1) -> None:
        self.piece = piece
        self.channels = channels
        self.device = torch.device("cpu")
        self.asked: list[tuple[int, torch.Tensor]] = []
        self.calls: list[torch.Size] = []

    def __call__(self, coordinates: torch.Tensor, members: Any = None) -> torch.Tensor:
        self.calls.append(coordinates.shape)
        self.asked += list(zip(members, coordinates, strict=True))
        return torch.ones((*coordinates.shape[:2], self.channels))


def counted(piece: int, spec: SignalSpec, blocks: BlockGrid, **request: Any) -> Counting:
    evaluator = Counting(piece)
    axes = plan_render(spec, RenderRequest(**request)).axes
    slabs = blend(evaluator, blocks, None, axes, spec.channels, spec.coordinates)
    np.testing.assert_allclose(np.concatenate(list(slabs)), 1.0, atol=1e-6)
    return evaluator


def test_only_blocks_that_the_grid_touches_are_evaluated() -> None:
    spec = image_spec((40, 60))
    blocks = BlockGrid.over(spec, (4, 6), (2, 2))
    region = (12.0, 12.0, 6.0, 6.0)
    evaluator = counted(99, spec, blocks, region=region)
    assert {member for member, _ in evaluator.asked} == {7}
    assert sum(len(points) for _, points in evaluator.asked) == 36
    evaluator = counted(99, spec, blocks, region=(11.0, 12.0, 6.0, 6.0))
    assert {member for member, _ in evaluator.asked} == {6, 7}
    assert sum(len(points) for _, points in evaluator.asked) == 36 + 6


def test_no_sample_is_evaluated_where_a_window_is_zero() -> None:
    """Half the rate: centres fall on the very edges of margins, where a window begins at 0."""
    spec = sound_spec(40)
    blocks = BlockGrid.over(spec, (4,), (3,))
    evaluator = counted(99, spec, blocks, rate=4000)
    # Centres at 1, 3, ... 39; reaches 0-13, 7-23, 17-33, 27-40, in which 13, 7 and so on are edges.
    seen = {
        member: [round((float(u) + 1) * (end - begin) / 2 + begin) for (u,) in points]
        for (member, points) in evaluator.asked
        for begin, end in blocks.reaches(member)
    }
    expected = {0: range(1, 12, 2), 1: range(9, 22, 2), 2: range(19, 32, 2), 3: range(29, 40, 2)}
    assert seen == {member: list(positions) for member, positions in expected.items()}


@pytest.mark.parametrize("piece", [1, 7, 64, 10_000])
def test_calls_hold_no_more_samples_than_an_evaluator_takes(piece: int) -> None:

    spec = array_spec((5, 8, 9))
    blocks = BlockGrid.over(spec, (2, 2, 3), (1, 1, 1))
    evaluator = counted(piece, spec, blocks)
    assert all(members * count <= piece for members, count, _ in evaluator.calls)
    if piece == 10_000:
        assert len(evaluator.calls) < blocks.count  # of one shape they go together
    assert len(evaluator.asked) >= blocks.count


def test_samples_are_stored_in_the_signal_s_own_type() -> None:
    spec = image_spec((30, 41), 3)
    blocks = BlockGrid.over(spec, (3, 4), (3, 5))
    field = field_of(spec, known_blocks(spec, blocks), blocks)
    (piece,) = render_pieces(field, plan_render(spec, RenderRequest()))
    assert piece.dtype == np.uint8
    expected = (known_values((centres(30, 30), centres(41, 41)), 3) + 1) * 127.5
    assert np.abs(piece - expected.clip(0, 255)).max() < 0.51
    np.testing.assert_array_equal(field.render().samples, piece)


def test_a_field_read_in_part_renders_what_it_has() -> None:
    spec = image_spec((30, 41))
    blocks = BlockGrid.over(spec, (3, 4), (3, 5))
    network = known_blocks(spec, blocks)
    plan = plan_render(spec, RenderRequest(region=(1.0, 1.0, 14.0, 5.0)))
    assert blocks.touched(plan.axes) == [0, 1]
    rows = torch.tensor([1, 0])
    part = Network(network.family, network.size, network.values[rows])
    field = Field(part, spec, field_of(spec).record, blocks, (1, 0))
    (piece,) = render_values(field, plan)
    expected = known_values((centres(30, 5, 1, 5), centres(41, 14, 1, 14)), 1)
    np.testing.assert_allclose(piece, expected, atol=ROUNDING)
    with pytest.raises(SettingError, match=r"without 10 of the blocks .* 2 for one"):
        field.render()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("spec", "counts", "margins"), LAID)
def test_a_device_renders_what_the_processor_does(
    spec: SignalSpec, counts: tuple[int, ...], margins: tuple[int, ...]
) -> None:
    blocks = BlockGrid.over(spec, counts, margins)
    size = NetworkSize(spec.axes, 8, 2, spec.channels)
    field = field_of(spec, random_network(size, blocks.count), blocks)
    there = field.to("cuda")
    assert there.network.device.type == "cuda"
    assert there.blocks == blocks
    np.testing.assert_allclose(rendered(there), rendered(field), atol=ROUNDING)


def test_slabs_of_a_wide_picture_are_small_and_its_boxes_are_not() -> None:
    spec = image_spec((128, 100_000), 3)
    blocks = BlockGrid.over(spec, (2, 1563), (8, 8))
    evaluator = Counting(8192, 3)
    axes = plan_render(spec, RenderRequest()).axes
    slab = next(blend(evaluator, blocks, None, axes, spec.channels, spec.coordinates))
    assert slab.nbytes <= 2**25
    assert np.mean([len(points) for _, points in evaluator.asked]) > 2000
    np.testing.assert_allclose(slab, 1.0, atol=1e-6)
