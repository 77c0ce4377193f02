"""Weights of a field as if it had the usual coordinates and targets, which a page evaluates.

Samples from end to end have n / (n - 1) times the coordinates of centres of cells: the first layer
takes the factor. Targets from 0 to 1 are half of those from -1 to 1, and a half more: the last
layer, which is linear, doubles its values and takes 1 away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from sinefit.networks.sine import bias_name, weight_name
from sinefit.signals.grid import native_axis

if TYPE_CHECKING:
    from sinefit.fields.field import Field


def usually_mapped(field: Field) -> Field:
    """Return a field of plain sine networks with the same values, its samples at cells' centres.

    Its targets are from -1 to 1. One that has both already is returned as it is.
    """
    spec = field.spec
    usual = replace(spec, coordinates="centres", targets="-1,1")
    if usual == spec:
        return field
    network = field.network.clone()
    first = network.parameters[weight_name(0)]  # (members, width, features)
    for member in range(network.members):
        edges = [end - begin for begin, end in field.blocks.reaches(member)]
        factors = [
            axis.per_sample(spec.coordinates) / axis.per_sample("centres")
            for axis in map(native_axis, edges)
        ]
        if spec.coordinates != "centres":
            first[member] *= torch.tensor(factors, device=network.device)
    factor = 2.0 / spec.target_range
    network.parameters[weight_name(network.size.depth)].mul_(factor)
    network.parameters[bias_name(network.size.depth)].sub_(spec.target_low).mul_(factor).sub_(1.0)
    return replace(field, spec=usual, network=network)
