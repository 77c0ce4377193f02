"""Networks for the tests of the theory."""

from __future__ import annotations

import torch

from sinefit.initializers import SignalTraits, parse_initializer
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize


def tiny(size: NetworkSize, seed: int = 0) -> Network:
    """A network of normal weights in float64."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn((1, size.parameter_count), generator=generator, dtype=torch.float64)
    return Network(SINE, size, values)


def drawn(
    text: str, *, omega: float = 60.0, width: int = 64, depth: int = 4, axes: int = 1, seed: int = 0
) -> Network:
    """The start of an initializer."""
    size = NetworkSize(axes, width, depth, 1)
    generator = torch.Generator().manual_seed(seed)
    traits = SignalTraits((256,) * axes, 1)
    return parse_initializer(text).draw(size, (omega,) * axes, traits, generator)


def line(count: int) -> torch.Tensor:
    """Cell centres of [-1, 1] in float64 (count, 1)."""
    return torch.linspace(-1, 1, 2 * count + 1, dtype=torch.float64)[1::2, None]
