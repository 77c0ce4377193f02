"""Networks' values with their derivatives along an axis, exact, by forward differentiation.

A tangent is carried through the network beside the values (Griewank & Walther, 2008, ch. 3), and a
tangent of the tangent for the second derivative. It costs two to four forward passes, whatever the
family, and no graph is kept.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.evaluation import FamilyEvaluator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from sinefit.networks.network import Network

JET_PIECE: Final = 4096
"""Samples per call on the CPU: values and two derivatives of them stay in cache."""

Jet = tuple["Tensor", ...]
"""Values, their derivatives along an axis and, of order 2, their second derivatives."""


class JetEvaluator:
    """Computes a stack's values and derivatives along an axis of its coordinates."""

    def __init__(
        self, network: Network, features_at: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        """Prepare for a network that sees `features_at` coordinates, the coordinates if None."""
        self._forward = FamilyEvaluator(network)
        self._features_at = features_at
        self.device = network.device
        self.piece = JET_PIECE if self.device.type == "cpu" else self._forward.piece

    def __call__(
        self, coordinates: Tensor, members: Sequence[int] | None, axis: int, order: int
    ) -> Jet:
        """Return a jet of `order` 1 or 2 at coordinates (members, count, axes).

        Each of its parts is (members, count, out); derivatives are by the coordinate of an `axis`.
        """

        def values(points: Tensor) -> Tensor:
            features = points if self._features_at is None else self._features_at(points)
            return self._forward(features, members)

        return jet_of(values, coordinates, axis, order)


def jet_of(function: Callable[[Tensor], Tensor], points: Tensor, axis: int, order: int) -> Jet:
    """Return the jet of `order` 1 or 2 of a function along an axis of its points (..., axes).

    Autograd can differentiate it by what the function is made of, as by a network's weights.
    """
    _load_rules()
    along = torch.zeros_like(points)
    along[..., axis] = 1.0

    def first(places: Tensor) -> Jet:
        return torch.func.jvp(function, (places,), (along,))

    if order == 1:
        return first(points)
    lower, upper = torch.func.jvp(first, (points,), (along,))[:2]
    return *lower, upper[1]


@cache
def _load_rules() -> None:
    """Have torch load its rules of forward differentiation, some of them by a way it warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.func.jvp(torch.sin, (torch.zeros(1),), (torch.ones(1),))
