"""The starts of the studies that train nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from sinefit.initializers.base import SignalTraits
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.network import Network

SITZMANN = "siren:bias=plain:last=hidden"
"""What Combette et al. call the Sitzmann scheme: theorem 3.1 draws all later layers alike."""


def start(
    text: str, omega: float, *, width: int, depth: int, seed: int, samples: int = 512
) -> Network:
    """Draw a start on one axis."""
    generator = torch.Generator().manual_seed(seed)
    size = NetworkSize(1, width, depth, 1)
    return parse_initializer(text).draw(size, (omega,), SignalTraits((samples,), 1), generator)


def line(count: int) -> Tensor:
    """Return cell centres of [-1, 1] in float64 (count, 1)."""
    return torch.linspace(-1.0, 1.0, 2 * count + 1, dtype=torch.float64)[1::2, None]


def straightness(x: list[float], y: list[float]) -> float:
    """Return R² of a straight line through points."""
    values = np.asarray(y)
    slope, offset = np.polyfit(x, values, 1)
    left = values - slope * np.asarray(x) - offset
    spread = float(np.square(values - values.mean()).sum())
    return 1.0 - float(np.square(left).sum()) / (spread or math.inf)
