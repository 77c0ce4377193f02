"""Random tensors for starting weights, from a given generator, always float32.

torch is imported inside the functions: the registries of networks and initializers also serve
`--help` and completion, which must not wait for it.
"""

from __future__ import annotations

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


def zeros(shape: tuple[int, ...]) -> Tensor:
    """Return zeros."""
    import torch

    return torch.zeros(shape)
