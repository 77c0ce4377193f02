"""The training step written out in torch operations, for any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fitting.objective import Objective
    from sinefit.networks.sine import SineNetwork


class ManualEngine:
    """Forward and backward written out, piece by piece over buffers that are allocated once.

    The first layer stays in float32, since coordinates lose their resolution in bfloat16; so does
    the last, whose outputs meet the targets. `operands` is the type of the factors in the hidden
    layers' products, which are summed in float32. A batch larger than `piece` goes by pieces whose
    gradients add up, so that memory does not grow with it and the buffers stay in cache.
    """

    def __init__(
        self, network: SineNetwork, objective: Objective, operands: torch.dtype, piece: int
    ) -> None:
        self._objective = objective
        self._weights = [parameter.detach() for parameter in network.weights]
        self._biases = [parameter.detach() for parameter in network.biases]
        size = network.size
        device = self._weights[0].device
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self._weight_gradients = [_gradient(parameter) for parameter in network.weights]
        self._bias_gradients = [_gradient(parameter) for parameter in network.biases]
        self._piece = piece
        hidden = range(1, size.depth)

        def buffer(dtype: torch.dtype) -> Tensor:
            return torch.empty((piece, size.width), dtype=dtype, device=device)

        self._single = buffer(torch.float32)  # (piece, width)
        self._double = buffer(torch.float32)
        self._sines = [buffer(operands) for _ in range(size.depth)]
        self._cosines = [buffer(operands) for _ in range(size.depth)]
        self._phase = buffer(operands)
        self._backward = buffer(operands)
        # Copies of the hidden weights and biases in the operands' type, refreshed at every step.
        self._low_weights = {layer: self._weights[layer].to(operands) for layer in hidden}
        self._low_biases = {layer: self._biases[layer].to(operands) for layer in hidden}
        self._low_gradients = {
            layer: torch.empty_like(self._low_weights[layer]) for layer in hidden
        }

    @torch.no_grad()
    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss and its gradient."""
        for layer, weight in self._low_weights.items():
            weight.copy_(self._weights[layer])
            self._low_biases[layer].copy_(self._biases[layer])
        for gradient in (*self._weight_gradients, *self._bias_gradients):
            gradient.zero_()
        batch = len(coordinates)
        loss = torch.zeros((), device=coordinates.device)
        for begin in range(0, batch, self._piece):
            part = slice(begin, begin + self._piece)
            outputs = self._forward(coordinates[part])  # (count, out)
            share = len(outputs) / batch
            loss += share * self._objective.loss(outputs, targets[part])
            derivative = self._objective.derivative(outputs, targets[part]).mul_(share)
            self._backpropagate(coordinates[part], derivative)
        return loss

    def _forward(self, coordinates: Tensor) -> Tensor:
        """Return the outputs (count, out); leave the sines and cosines of every layer behind."""
        count = len(coordinates)
        single, double = self._single[:count], self._double[:count]
        torch.addmm(self._biases[0], coordinates, self._weights[0].T, out=single)
        self._sines[0][:count].copy_(torch.sin(single, out=double))
        self._cosines[0][:count].copy_(torch.cos(single, out=double))
        phase = self._phase[:count]
        for layer in range(1, len(self._sines)):
            below, weight = self._sines[layer - 1][:count], self._low_weights[layer]
            torch.addmm(self._low_biases[layer], below, weight.T, out=phase)
            torch.sin(phase, out=self._sines[layer][:count])
            torch.cos(phase, out=self._cosines[layer][:count])
        # The last layer reads the sines in float32; they stay in this buffer for its gradient.
        hidden = single.copy_(self._sines[-1][:count])
        return torch.addmm(self._biases[-1], hidden, self._weights[-1].T)

    def _backpropagate(self, coordinates: Tensor, derivative: Tensor) -> None:
        """Add a piece's gradients, from the derivative of the loss by its outputs (count, out)."""
        count = len(coordinates)
        single, double = self._single[:count], self._double[:count]
        self._weight_gradients[-1].addmm_(derivative.T, single)
        self._bias_gradients[-1].add_(derivative.sum(dim=0))
        flowing, spare = self._backward[:count], self._phase[:count]
        flowing.copy_(torch.mm(derivative, self._weights[-1], out=double))
        for layer in range(len(self._sines) - 1, 0, -1):
            flowing.mul_(self._cosines[layer][:count])
            low_gradient = self._low_gradients[layer]
            torch.mm(flowing.T, self._sines[layer - 1][:count], out=low_gradient)
            self._weight_gradients[layer].add_(low_gradient)
            self._bias_gradients[layer].add_(flowing.sum(dim=0, dtype=torch.float32))
            # A product cannot be written over its factor: the two buffers take turns.
            flowing, spare = torch.mm(flowing, self._low_weights[layer], out=spare), flowing
        first = double.copy_(flowing).mul_(single.copy_(self._cosines[0][:count]))
        self._weight_gradients[0].addmm_(first.T, coordinates)
        self._bias_gradients[0].add_(first.sum(dim=0))


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    gradient = parameter.grad
    assert gradient is not None
    return gradient
