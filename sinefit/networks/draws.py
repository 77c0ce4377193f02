"""Random tensors for starting weights, from a given generator, always float32.

torch is imported inside the functions: the registries of networks and initializers also serve
`--help` and completion, which must not wait for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    """Draw from U(-bound, bound)."""
    import torch

    return (torch.rand(shape, generator=generator) * 2.0 - 1.0) * bound


def normal(shape: tuple[int, ...], std: float, generator: torch.Generator) -> Tensor:
    """Draw from N(0, std^2)."""
    import torch

    return torch.randn(shape, generator=generator) * std


def gamma(shape: tuple[int, ...], concentration: float, generator: torch.Generator) -> Tensor:
    """Draw from the gamma distribution of scale 1, by Marsaglia & Tsang's rejection (2000).

    Below a concentration of 1 it is that of one more, times U(0, 1) to the power 1/concentration.
    """
    import torch

    d = concentration + (1.0 if concentration < 1.0 else 0.0) - 1.0 / 3.0
    found = torch.zeros(shape)
    missing = torch.ones(shape, dtype=torch.bool)
    while bool(missing.any()):
        x = torch.randn(shape, generator=generator)
        v = (1.0 + x / math.sqrt(9.0 * d)) ** 3
        u = torch.rand(shape, generator=generator)
        # Where v is not above 0 the right side is NaN, which nothing is below.
        taken = missing & (u.log() < 0.5 * x * x + d * (1.0 - v + v.log()))
        found[taken] = d * v[taken]
        missing &= ~taken
    if concentration < 1.0:
        found *= torch.rand(shape, generator=generator) ** (1.0 / concentration)
    return found


def zeros(shape: tuple[int, ...]) -> Tensor:
    """Return zeros."""
    import torch

    return torch.zeros(shape)
