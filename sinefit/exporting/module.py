"""A field as a torch module: what exporters of torch take, and what any program can run.

Positions come in, values go out. At a position at most two blocks along an axis have a share: the
one whose cell it lies in and the neighbour beyond the nearer edge. The module takes the weights of
both from the stack, of every combination over the axes, and adds up what they say.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fields.field import Field
    from sinefit.signals.blocks import AxisBlocks


class FieldModule(nn.Module):
    """Maps positions (count, axes), float64, to values (count, channels), float32.

    Positions are in samples of what was fitted, in the order of its axes: the first sample's centre
    is 0.5. Values are in the signal's units, neither rounded nor clipped.
    """

    def __init__(self, field: Field) -> None:
        super().__init__()
        spec, network = field.spec, field.network
        self.family = network.family
        self.is_sphere = spec.domain == "sphere" and field.blocks.count == 1
        self.is_one = field.blocks.count == 1
        self.counts = field.blocks.counts
        self.coverings = [each * field.blocks.cell_count for each in range(field.blocks.ensemble)]
        self.axes = nn.ModuleList(_Axis(axis) for axis in field.blocks.axes)
        self.names = list(network.parameters)
        for place, name in enumerate(self.names):
            values = network.parameters[name].detach().cpu().clone()
            self.register_buffer(f"parameter_{place}", values)
        self.offset = 0.5 * (spec.low + spec.high)
        self.factor = 0.5 * (spec.high - spec.low)

    def forward(self, positions: Tensor) -> Tensor:
        """Evaluate the field."""
        return self._outputs(positions) * self.factor + self.offset

    def _outputs(self, positions: Tensor) -> Tensor:
        along = [axis(positions[:, place]) for place, axis in enumerate(self.axes)]
        parameters = {name: self.get_buffer(f"parameter_{n}") for n, name in enumerate(self.names)}
        if self.is_one:
            coordinates = torch.stack([pair[0][1] for pair in along], dim=1)  # (count, axes)
            if self.is_sphere:
                coordinates = _on_sphere(coordinates)
            return self.family.forward(parameters, coordinates.float()[None])[0]
        total = torch.zeros(1)
        for choice in itertools.product(*along):
            number: Tensor = torch.zeros_like(positions[:, 0], dtype=torch.int64)
            share = torch.ones_like(positions[:, 0])
            for count, (place, _, part) in zip(self.counts, choice, strict=True):
                number = number * count + place
                share = share * part
            coordinates = torch.stack([coordinate for _, coordinate, _ in choice], dim=1)
            for first in self.coverings:
                own = {name: values[first + number] for name, values in parameters.items()}
                values = self.family.forward(own, coordinates.float()[:, None])[:, 0]
                total = total + share.float()[:, None] * values  # (count, channels)
        return total / len(self.coverings)


class _Axis(nn.Module):
    """The blocks along one axis, as numbers."""

    begins: Tensor
    ends: Tensor

    def __init__(self, blocks: AxisBlocks) -> None:
        super().__init__()
        cells = torch.tensor([blocks.cell(place) for place in range(blocks.count)])
        self.register_buffer("begins", cells[:, 0].double())
        self.register_buffer("ends", cells[:, 1].double())
        self.size, self.count = blocks.size, blocks.count
        self.margin, self.wraps = blocks.margin, blocks.wraps

    def forward(self, position: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return the blocks at positions (count,): their place, coordinate and share, (count,)."""
        if self.count == 1:
            coordinate = 2.0 * position / self.size - 1.0
            return [(torch.zeros_like(position, dtype=torch.int64), coordinate, torch.ones(1))]
        # Cells begin at whole samples: at or after where equal ones would.
        place = torch.floor(position * self.count / self.size).clamp(0, self.count - 1).long()
        place = (place + (position >= self.ends[place]).long()).clamp(max=self.count - 1)
        begin, end = self.begins[place], self.ends[place]
        own = (place, self._coordinate(place, position), torch.ones_like(position))
        if self.margin == 0:
            return [own]
        behind = (end - position < position - begin).long()
        other = place + 2 * behind - 1
        turns = torch.div(other, self.count, rounding_mode="floor")
        has_neighbour = torch.ones_like(turns) if self.wraps else (turns == 0).long()
        distance = torch.minimum(position - begin, end - position)
        progress = ((distance / self.margin + 1.0) / 2.0).clamp(0.0, 1.0)
        share = 0.5 - 0.5 * torch.cos(math.pi * progress)
        share = torch.where(has_neighbour == 1, share, torch.ones_like(share))
        neighbour = other - turns * self.count
        moved = self._coordinate(neighbour, position - (turns * self.size).double())
        return [(own[0], own[1], share), (neighbour, moved, 1.0 - share)]

    def _coordinate(self, place: Tensor, position: Tensor) -> Tensor:
        """Return a position in a block's own coordinates, [-1, 1] over what it reaches."""
        first = torch.zeros_like(place) if self.wraps else (place == 0).long()
        last = torch.zeros_like(place) if self.wraps else (place == self.count - 1).long()
        begin = self.begins[place] - self.margin * (1 - first).double()
        end = self.ends[place] + self.margin * (1 - last).double()
        return 2.0 * (position - begin) / (end - begin) - 1.0


def _on_sphere(coordinates: Tensor) -> Tensor:
    """Map latitude and longitude in [-1, 1] to points on the unit sphere, see `Grid`."""
    latitude, longitude = coordinates[:, 0] * (-math.pi / 2), coordinates[:, 1] * math.pi
    across = torch.cos(latitude)
    return torch.stack(
        [across * torch.cos(longitude), across * torch.sin(longitude), torch.sin(latitude)], dim=1
    )
