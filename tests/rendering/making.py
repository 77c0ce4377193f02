"""Fields whose values are known: what the tests of rendering compare with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import torch

from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import SignalSpec

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
