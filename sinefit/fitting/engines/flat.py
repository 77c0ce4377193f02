"""A network's parameters and their gradients, each in one stretch of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.sine import SineNetwork
    from sinefit.networks.size import NetworkSize


class SumLayout:
    """Where each of a step's sums over samples stands in a row of them.

    The biases of the sine layers come first, then the first layer's weights (width, features), the
    last one's (channels, width), its biases and the loss.
    """

    def __init__(self, size: NetworkSize) -> None:
        self._width = size.width
        self.first = size.depth * size.width
        self.last = self.first + size.width * size.in_features
        self.last_bias = self.last + size.out_features * size.width
        self.loss = self.last_bias + size.out_features
        self.count = self.loss + 1

    def bias(self, layer: int) -> int:
        """Return the place of the biases (width,) of a sine layer, counted from 0."""
        return layer * self._width


class FlatNetwork:
    """A network whose parameters and gradients are views of one row each.

    One operation then converts, sums or updates all of them, where a launch costs more than its
    arithmetic. The parameters stay the same objects. In both rows the hidden weights come first,
    then what `SumLayout` says; the row of gradients ends with the loss.
    """

    def __init__(self, network: SineNetwork) -> None:
        size = network.size
        self.network = network
        self.size = size
        device = network.weights[0].device
        self.values = torch.empty(size.parameter_count, device=device)
        row = torch.zeros(size.parameter_count + 1, device=device)
        self.gradients = row[:-1]
        self.loss = row[-1]
        hidden = (size.depth - 1) * size.width**2
        self.sums = row[hidden:]  # (SumLayout.count,)
        self.hidden = self.values[:hidden].view(-1, size.width, size.width)
        self.hidden_gradients = self.gradients[:hidden].view_as(self.hidden)
        first, *between, last = network.weights
        *biases, last_bias = network.biases
        self._places: dict[torch.nn.Parameter, slice] = {}
        begin = 0
        with torch.no_grad():
            for parameter in (*between, *biases, first, last, last_bias):
                place = slice(begin, begin + parameter.numel())
                self._places[parameter] = place
                view = self.values[place].view_as(parameter)
                view.copy_(parameter)
                parameter.data = view
                parameter.grad = self.gradients[place].view_as(parameter)
                begin = place.stop

    def part(self, row: Tensor, parameter: torch.nn.Parameter) -> Tensor:
        """Return a parameter's part, in its shape, of a row laid out like `values`."""
        return row[self._places[parameter]].view(parameter.shape)
