"""Networks of any family and their values in float64, for comparison with formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sinefit.networks.network import Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.networks.family import Published
    from sinefit.networks.size import NetworkSize

SHAPE = (40, 60)
"""Samples along the coordinates of the signal that networks are drawn for."""


def drawn(family: Published, size: NetworkSize, seed: int = 0) -> Network:
    """Return a stack of one as the family draws it."""
    generator = torch.Generator().manual_seed(seed)
    shape = (SHAPE * 2)[: size.in_features]
    parameters = family.draw(size, shape, generator)
    return Network.of(family, size, {name: value[None] for name, value in parameters.items()})


def numbers(network: Network, name: str) -> NDArray[np.float64]:
    """Return a parameter of the first member in float64."""
    return network.parameters[name][0].double().numpy()


def points(features: int, count: int = 9) -> NDArray[np.float64]:
    """Return positions in the domain (count, features)."""
    return np.random.default_rng(3).uniform(-1.0, 1.0, (count, features))


def values_at(network: Network, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the family makes of coordinates (count, features), in float64."""
    double = Network(network.family, network.size, network.values.double())
    return double(torch.from_numpy(coordinates)[None])[0].numpy()
