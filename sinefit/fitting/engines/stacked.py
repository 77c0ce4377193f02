"""The training step of many networks of one size at once, in batched torch operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fitting.stack import Stack


class StackedEngine:
    """The mean squared error of every network of a stack and its gradient, by batched products.

    It computes what `ManualEngine` does, with the same types in the same places: `operands` is the
    type of the factors in the hidden layers' products, all else is float32. A batch larger than
    `piece` goes by pieces of as many samples of each network. One network cannot disturb another.
    """

    def __init__(self, stack: Stack, operands: torch.dtype, piece: int) -> None:
        self._stack = stack
        self._operands = operands
        self._piece = piece
        size, fits = stack.size, stack.fits
        hidden = range(1, size.depth)

        def buffer(dtype: torch.dtype) -> Tensor:
            return torch.empty(fits * piece * size.width, dtype=dtype, device=stack.device)

        self._single = buffer(torch.float32)
        self._double = buffer(torch.float32)
        self._sines = [buffer(operands) for _ in range(size.depth)]
        self._cosines = [buffer(operands) for _ in range(size.depth)]
        self._phase = buffer(operands)
        self._backward = buffer(operands)
        # Copies of the hidden weights and biases in the operands' type, refreshed at every step.
        self._low_weights = {
            layer: stack.weights[layer].to(operands, copy=True) for layer in hidden
        }
        self._low_biases = {layer: stack.biases[layer].to(operands, copy=True) for layer in hidden}
        self._low_gradients = {
            layer: torch.empty_like(self._low_weights[layer]) for layer in hidden
        }

    @torch.no_grad()
    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the losses (fits,), and their gradients in the stack.

        Takes coordinates (fits, batch, in) and targets (fits, batch, out), float32.
        """
        for layer, weight in self._low_weights.items():
            weight.copy_(self._stack.weights[layer])
            self._low_biases[layer].copy_(self._stack.biases[layer])
        self._stack.gradient.zero_()
        fits, batch, channels = targets.shape
        losses = torch.zeros(fits, device=targets.device)
        for begin in range(0, batch, self._piece):
            part = slice(begin, begin + self._piece)
            difference = self._forward(coordinates[:, part]).sub_(targets[:, part])
            losses += difference.square().sum(dim=(1, 2))
            derivative = difference.mul_(2.0 / (batch * channels))  # (fits, count, out)
            self._backpropagate(coordinates[:, part], derivative)
        return losses / (batch * channels)

    def _view(self, buffer: Tensor, count: int) -> Tensor:
        """Return the part of a buffer for `count` samples of each network, contiguous."""
        fits, width = self._stack.fits, self._stack.size.width
        return buffer[: fits * count * width].view(fits, count, width)

    def _forward(self, coordinates: Tensor) -> Tensor:
        """Return the outputs (fits, count, out); leave sines and cosines of every layer behind."""
        stack, count = self._stack, coordinates.shape[1]
        single, double = self._view(self._single, count), self._view(self._double, count)
        torch.baddbmm(stack.biases[0], coordinates, stack.weights[0].mT, out=single)
        self._view(self._sines[0], count).copy_(torch.sin(single, out=double))
        self._view(self._cosines[0], count).copy_(torch.cos(single, out=double))
        phase = self._view(self._phase, count)
        for layer in range(1, stack.size.depth):
            below = self._view(self._sines[layer - 1], count)
            torch.baddbmm(self._low_biases[layer], below, self._low_weights[layer].mT, out=phase)
            torch.sin(phase, out=self._view(self._sines[layer], count))
            torch.cos(phase, out=self._view(self._cosines[layer], count))
        # The last layer reads the sines in float32; they stay in this buffer for its gradient.
        hidden = single.copy_(self._view(self._sines[-1], count))
        return torch.baddbmm(stack.biases[-1], hidden, stack.weights[-1].mT)

    def _backpropagate(self, coordinates: Tensor, derivative: Tensor) -> None:
        """Add a piece's gradients, from the derivative by the outputs (fits, count, out)."""
        stack, count = self._stack, coordinates.shape[1]
        single, double = self._view(self._single, count), self._view(self._double, count)
        stack.weight_gradients[-1].baddbmm_(derivative.mT, single)
        stack.bias_gradients[-1].add_(derivative.sum(dim=1, keepdim=True))
        flowing = self._view(self._backward, count)
        spare = self._view(self._phase, count)
        flowing.copy_(torch.bmm(derivative, stack.weights[-1], out=double))
        for layer in range(stack.size.depth - 1, 0, -1):
            flowing.mul_(self._view(self._cosines[layer], count))
            low_gradient = self._low_gradients[layer]
            torch.bmm(flowing.mT, self._view(self._sines[layer - 1], count), out=low_gradient)
            stack.weight_gradients[layer].add_(low_gradient)
            stack.bias_gradients[layer].add_(flowing.sum(dim=1, keepdim=True, dtype=torch.float32))
            # A product cannot be written over its factor: the two buffers take turns.
            flowing, spare = torch.bmm(flowing, self._low_weights[layer], out=spare), flowing
        first = double.copy_(flowing).mul_(single.copy_(self._view(self._cosines[0], count)))
        stack.weight_gradients[0].baddbmm_(first.mT, coordinates)
        stack.bias_gradients[0].add_(first.sum(dim=1, keepdim=True))
