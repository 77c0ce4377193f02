"""The training step of many networks of one size at once, in batched torch operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fitting.stack import Stack


class StackedEngine:
    """The mean squared error of every network of a stack and its gradient, by batched products.

    It computes what `ManualEngine` does in float32. A batch larger than `piece` goes by pieces of
    as many samples of each network. One network cannot disturb another.
    """

    def __init__(self, stack: Stack, piece: int) -> None:
        self._stack = stack
        self._piece = piece
        size, fits = stack.size, stack.fits

        def buffer() -> Tensor:
            return torch.empty(fits * piece * size.width, device=stack.device)

        self._sines = [buffer() for _ in range(size.depth)]
        self._cosines = [buffer() for _ in range(size.depth)]
        self._phases = buffer()
        self._flow = buffer()

    @torch.no_grad()
    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the losses (fits,), and their gradients in the stack.

        Takes coordinates (fits, batch, in) and targets (fits, batch, out), float32.
        """
        self._stack.gradient.zero_()
        fits, batch, channels = targets.shape
        losses = torch.zeros(fits, device=targets.device)
        with products_of(torch.float32):
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
        phases = self._view(self._phases, count)
        hidden = coordinates
        for layer in range(stack.size.depth):
            torch.baddbmm(stack.biases[layer], hidden, stack.weights[layer].mT, out=phases)
            hidden = torch.sin(phases, out=self._view(self._sines[layer], count))
            torch.cos(phases, out=self._view(self._cosines[layer], count))
        return torch.baddbmm(stack.biases[-1], hidden, stack.weights[-1].mT)

    def _backpropagate(self, coordinates: Tensor, derivative: Tensor) -> None:
        """Add a piece's gradients, from the derivative by the outputs (fits, count, out)."""
        stack, count = self._stack, coordinates.shape[1]
        flow, spare = derivative, self._view(self._phases, count)
        free = self._view(self._flow, count)
        for layer in range(stack.size.depth, -1, -1):
            below = self._view(self._sines[layer - 1], count) if layer else coordinates
            stack.weight_gradients[layer].baddbmm_(flow.mT, below)
            stack.bias_gradients[layer].add_(flow.sum(dim=1, keepdim=True))
            if layer:
                # A product cannot be written over its factor: the two buffers take turns.
                torch.bmm(flow, stack.weights[layer], out=spare)
                flow = spare.mul_(self._view(self._cosines[layer - 1], count))
                spare, free = free, spare
