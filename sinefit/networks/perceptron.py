"""The frame of most published networks: features, layers of one activation, a linear layer."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from sinefit.networks.family import Published
from sinefit.networks.layers import affine, layer_count, layer_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from sinefit.networks.size import NetworkSize


class Perceptron(Published):
    """`size.depth` layers of `size.width` neurons on features of the coordinates, a linear one."""

    @abstractmethod
    def activation(self, phase: Tensor) -> Tensor:
        """Return what a layer makes of W h + b, entry by entry."""

    def layers(self, size: NetworkSize) -> tuple[tuple[int, int], ...]:
        """Return (fan_out, fan_in) of each layer, the linear one last."""
        (width, _), *others = size.layers
        return ((width, self.feature_count(size.in_features)), *others)

    def feature_count(self, in_features: int) -> int:
        """Return how many features the first layer sees of so many coordinates."""
        return in_features

    def features(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Return the features (members, count, features) of coordinates (members, count, in)."""
        del parameters
        return coordinates

    def finish(self, outputs: Tensor) -> Tensor:
        """Return the values that stand for the last layer's outputs."""
        return outputs

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of the layers' weights and biases."""
        return layer_shapes(self.layers(size))

    def forward(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to values (members, count, out)."""
        return self.through(self.activation, parameters, coordinates)

    def through(
        self,
        activation: Callable[[Tensor], Tensor],
        parameters: Mapping[str, Tensor],
        coordinates: Tensor,
    ) -> Tensor:
        """Return the values (members, count, out) with an activation of this or another slope."""
        hidden = self.features(parameters, coordinates)
        last = layer_count(parameters) - 1
        for layer in range(last):
            hidden = activation(affine(parameters, layer, hidden))
        return self.finish(affine(parameters, last, hidden))
