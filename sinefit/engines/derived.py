"""Derivatives of networks as what meets the targets, in place of their values or beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from sinefit.engines.jets import jet_of
from sinefit.engines.sine_jets import sine_jets
from sinefit.networks.sine import SINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from sinefit.networks.family import Family

Quantity = Literal["gradient", "laplacian"]
"""The derivatives along each axis, axis by axis, or the sum of the second ones."""


@dataclass(frozen=True)
class DerivedOutputs:
    """What of a network meets the targets: its derivatives, and its values or not."""

    quantity: Quantity
    per_sample: tuple[float, ...]
    """How far apart the coordinates of neighbouring samples are along each axis: derivatives are
    per sample."""
    unit: float
    """Factor on the derivatives, which weighs them against the values."""
    with_values: bool
    """Whether the values come before them."""

    @property
    def order(self) -> int:
        """Of the derivatives."""
        return 1 if self.quantity == "gradient" else 2

    @property
    def kept_values(self) -> int:
        """How often a training keeps of a neuron what it keeps of one without derivatives."""
        return 1 + self.order * len(self.per_sample)

    def __call__(
        self, family: Family, parameters: Mapping[str, Tensor], coordinates: Tensor
    ) -> Tensor:
        """Map coordinates (members, count, in) to columns (members, count, columns).

        Autograd can differentiate it by the parameters.
        """
        values, highest = (_sine if family is SINE else _any)(
            family, parameters, coordinates, self.order
        )
        steps = (each**self.order for each in self.per_sample)
        scaled = [each * (self.unit * step) for each, step in zip(highest, steps, strict=True)]
        if self.quantity == "laplacian":
            scaled = [torch.stack(scaled).sum(dim=0)]
        return torch.cat([values, *scaled] if self.with_values else scaled, dim=-1)


def _sine(
    _family: Family, parameters: Mapping[str, Tensor], coordinates: Tensor, order: int
) -> tuple[Tensor, Sequence[Tensor]]:
    """Return values and highest derivatives by all axes at once, member by member."""
    found = []
    for member, points in enumerate(coordinates):
        own = {name: each[member : member + 1] for name, each in parameters.items()}
        values, first, second = sine_jets(own, points, (order,) * points.shape[-1])
        highest = (first if order == 1 else second).values()
        found.append(torch.stack([values, *highest]))
    values, *others = torch.stack(found, dim=1)
    return values, others


def _any(
    family: Family, parameters: Mapping[str, Tensor], coordinates: Tensor, order: int
) -> tuple[Tensor, Sequence[Tensor]]:
    """Return the same of any family, one axis after another: the reference."""
    jets = [
        jet_of(lambda points: family.forward(parameters, points), coordinates, axis, order)
        for axis in range(coordinates.shape[-1])
    ]
    return jets[0][0], [jet[-1] for jet in jets]
