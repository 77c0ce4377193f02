"""Fields whose values are known: what the tests of rendering compare with."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from hypothesis import strategies as st

from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderRequest
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import SignalSpec
from tests.engines.making import PARABOLAS, random_network

if TYPE_CHECKING:
    from sinefit.networks.family import Family
    from sinefit.rendering.plan import RenderPlan

Values = np.ndarray[Any, np.dtype[Any]]

FREQUENCIES = {1: ((5.0,), (3.0,)), 2: ((4.0, -2.5), (1.5, 6.0)), 3: ((2.0, 3.0, -1.0), (1, 2, 3))}
PHASES = (0.4, -1.1)
AMPLITUDES = ((0.5, 0.3), (-0.2, 0.6), (0.1, 0.1))
OFFSETS = (0.1, -0.05, 0.2)


def image_spec(shape: tuple[int, int] = (10, 15), channels: int = 1) -> SignalSpec:
    return SignalSpec("image", shape, channels, "uint8", 0.0, 255.0, "png", 8)


def sound_spec(count: int = 80, rate: int = 8000, channels: int = 1) -> SignalSpec:
    return SignalSpec(
        "audio", (count,), channels, "float32", -0.5, 0.5, "wav", 16, Fraction(rate), "PCM_16"
    )


def clip_spec(
    shape: tuple[int, int, int] = (6, 4, 5), soundtrack: bytes | None = None
) -> SignalSpec:
    rate = Fraction(30000, 1001)
    return SignalSpec("video", shape, 3, "uint8", 0.0, 255.0, "mp4", 8, rate, soundtrack=soundtrack)


def array_spec(shape: tuple[int, ...] = (4, 6), **others: Any) -> SignalSpec:
    values: dict[str, Any] = {"dtype": "float32", "low": -2.0, "high": 6.0, "bit_depth": 32}
    return SignalSpec(kind="array", shape=shape, channels=1, format="npy", **values | others)


def known_network(features: int, channels: int) -> Network:
    """Two sines and a constant per channel, of frequencies known in advance."""
    parameters = {
        "layers.0.weight": torch.tensor([FREQUENCIES[features]], dtype=torch.float32),
        "layers.0.bias": torch.tensor([PHASES]),
        "layers.1.weight": torch.tensor([AMPLITUDES[:channels]]),
        "layers.1.bias": torch.tensor([OFFSETS[:channels]]),
    }
    return Network.of(SINE, NetworkSize(features, len(PHASES), 1, channels), parameters)


def known_values(axes: tuple[Values, ...], channels: int) -> Values:
    """What that network gives at the product of coordinates in float64, (*axes, channels)."""
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    W, A = np.array(FREQUENCIES[len(axes)]), np.array(AMPLITUDES[:channels])
    sines: Values = np.sin(points @ W.T + np.array(PHASES))
    values: Values = sines @ A.T + np.array(OFFSETS[:channels])
    return values


def centres(size: int, count: int, start: float = 0.0, length: float | None = None) -> Values:
    """`count` centres of equal cells over samples `start` to `start + length` of `size`."""
    length = size if length is None else length
    return np.array(
        [2 * (start + length * (2 * i + 1) / (2 * count)) / size - 1 for i in range(count)]
    )


def field_of(
    spec: SignalSpec, network: Network | None = None, blocks: BlockGrid | None = None
) -> Field:
    network = network or known_network(spec.coordinate_features, spec.channels)
    omega = (1.0,) * network.size.in_features
    record = FitRecord("siren", omega, 0, 1, 1, (1e-3,), 1.0, 1.0, 1.0, None)
    return Field(network, spec, record, blocks or BlockGrid.single(spec))


def in_full(field: Field, plan: RenderPlan) -> Values:
    """A render in float64, by the formula: every sample, every block that reaches it."""
    network = Network(field.network.family, field.network.size, field.network.values.double())
    values = np.zeros((*plan.spec.shape, field.spec.channels))
    for sample in np.ndindex(*plan.spec.shape):
        positions = [
            axis.start + (number + 0.5) * axis.step
            for axis, number in zip(plan.axes, sample, strict=True)
        ]
        for number in range(field.blocks.count):
            for share, local in shares(field.blocks, number, positions):
                point = torch.tensor([[local]], dtype=torch.float64)
                values[sample] += share * network.member(number)(point)[0, 0].numpy()
    return values / field.blocks.ensemble


def shares(
    blocks: BlockGrid, number: int, positions: list[float]
) -> list[tuple[float, list[float]]]:
    """Each image of a position in a block's reach: the window there, and the local coordinates."""
    found = []
    turns = [
        (-axis.size, 0, axis.size) if axis.wraps and axis.count > 1 else (0,)
        for axis in blocks.axes
    ]
    for shift in itertools.product(*turns):
        share, local = 1.0, []
        places = zip(blocks.axes, blocks.places(number), positions, shift, strict=True)
        for axis, place, position, turn in places:
            x = position + turn
            begin, end = place * axis.size // axis.count, (place + 1) * axis.size // axis.count
            before = axis.margin if axis.count > 1 and (axis.wraps or place > 0) else 0
            behind = axis.margin if axis.count > 1 and (axis.wraps or place + 1 < axis.count) else 0
            if not begin - before <= x < end + behind:
                share = 0.0
                break
            if before and x < begin + before:
                share *= math.sin(math.pi * (x - begin + before) / (4 * before)) ** 2
            if behind and x > end - behind:
                share *= math.cos(math.pi * (x - end + behind) / (4 * behind)) ** 2
            local.append(2 * (x - begin + before) / (end - begin + before + behind) - 1)
        if share:
            found.append((share, local))
    return found


@st.composite
def fields_of_blocks(draw: st.DrawFn) -> Field:
    spec = draw(
        st.sampled_from(
            [
                image_spec((9, 7), 3),
                sound_spec(23, channels=2),
                clip_spec((4, 5, 6)),
                array_spec((11,)),
                array_spec((3, 4, 2, 5)),
                array_spec((5, 8), domain="sphere"),
            ]
        )
    )
    counts = [draw(st.integers(1, min(size, 4))) for size in spec.shape]
    if math.prod(counts) == 1:
        counts[-1] = 2
    margins = [
        draw(st.integers(0, size // count // 2)) if count > 1 else 0
        for size, count in zip(spec.shape, counts, strict=True)
    ]
    blocks = BlockGrid.over(spec, counts, margins, draw(st.integers(1, 3)))
    size = NetworkSize(spec.axes, 4, draw(st.integers(1, 2)), spec.channels)
    families: list[Family] = [SINE, PARABOLAS]
    family = draw(st.sampled_from(families))
    return field_of(spec, random_network(size, blocks.count, family=family), blocks)


@st.composite
def requests(draw: st.DrawFn, spec: SignalSpec) -> RenderRequest:
    factor = draw(st.sampled_from([0.4, 0.5, 1.0, 1.7]))
    if spec.kind == "audio":
        start = draw(st.floats(0, 0.002))
        return RenderRequest(rate=Fraction(round(8000 * factor)), start=start, footprint="point")
    if spec.kind == "image":
        x, y = draw(st.floats(0, 3)), draw(st.floats(0, 3))
        return RenderRequest(scale=(factor,), region=(x, y, 3.5, 4.0), footprint="point")
    if spec.kind == "video":
        return RenderRequest(scale=(factor,), fps=Fraction(40), start=0.02, footprint="point")
    return RenderRequest(scale=(factor,), footprint="point")
