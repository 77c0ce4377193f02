"""The training step in C, on the tile registers of the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.native import TileNetwork

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.sine import SineNetwork


class NativeEngine:
    """The mean squared error and its gradient by `TileNetwork`.

    With `split` factors the gradients are within 1e-5 of the reference's, else they have the
    rounding of bfloat16. The phases of all sines are float32 in both.
    """

    def __init__(self, network: SineNetwork, threads: int, *, split: bool) -> None:
        self._weights = [parameter.detach() for parameter in network.weights]
        self._biases = [parameter.detach() for parameter in network.biases]
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self._weight_gradients = [_gradient(parameter) for parameter in network.weights]
        self._bias_gradients = [_gradient(parameter) for parameter in network.biases]
        self._tiles = TileNetwork(network.size, threads, split=split, training=True)

    @property
    def bytes(self) -> int:
        """Memory that the step holds besides the network and its gradients."""
        return self._tiles.bytes

    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss and its gradient."""
        self._tiles.load(self._weights, self._biases)
        loss = self._tiles.train(coordinates, targets, self._weight_gradients, self._bias_gradients)
        return torch.tensor(loss, dtype=torch.float32)


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    gradient = parameter.grad
    assert gradient is not None
    return gradient
