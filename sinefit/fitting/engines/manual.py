"""The training step written out in torch operations, for any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fitting.objective import Objective
    from sinefit.networks.sine import SineNetwork


class ManualEngine:
    """Forward and backward written out, piece by piece over buffers that are allocated once.

    `operands` is the type to which the factors of the hidden layers' products are rounded, on a CPU
    that has such products; all else is float32, their sums, phases and sines included. The first
    layer takes no rounded factors, since coordinates lose their resolution in bfloat16, nor does
    the last, whose outputs meet the targets. A batch larger than `piece` goes by pieces whose
    gradients add up, so that memory does not grow with it and the buffers stay in cache.
    """

    def __init__(
        self, network: SineNetwork, objective: Objective, operands: torch.dtype, piece: int
    ) -> None:
        self._objective = objective
        self._operands = operands
        self._weights = [parameter.detach() for parameter in network.weights]
        self._biases = [parameter.detach() for parameter in network.biases]
        size = network.size
        device = self._weights[0].device
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self._weight_gradients = [_gradient(parameter) for parameter in network.weights]
        self._bias_gradients = [_gradient(parameter) for parameter in network.biases]
        self._piece = piece

        def buffer() -> Tensor:
            return torch.empty((piece, size.width), device=device)

        self._sines = [buffer() for _ in range(size.depth)]
        self._cosines = [buffer() for _ in range(size.depth)]
        self._phases = buffer()
        self._flow = buffer()

    @torch.no_grad()
    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss and its gradient."""
        for gradient in (*self._weight_gradients, *self._bias_gradients):
            gradient.zero_()
        batch = len(coordinates)
        loss = torch.zeros((), device=coordinates.device)
        for begin in range(0, batch, self._piece):
            part = slice(begin, begin + self._piece)
            loss += self._work_on(coordinates[part], targets[part], batch)
        return loss

    def _work_on(self, coordinates: Tensor, targets: Tensor, batch: int) -> Tensor:
        """Add a piece's gradients; return its share of the batch's loss, 0-d."""
        count = len(coordinates)
        phases = self._phases[:count]
        with products_of(torch.float32):
            torch.addmm(self._biases[0], coordinates, self._weights[0].T, out=phases)
        self._activate(0, phases)
        with products_of(self._operands):
            for layer in range(1, len(self._sines)):
                below = self._sines[layer - 1][:count]
                torch.addmm(self._biases[layer], below, self._weights[layer].T, out=phases)
                self._activate(layer, phases)
        with products_of(torch.float32):
            top = self._sines[-1][:count]
            outputs = torch.addmm(self._biases[-1], top, self._weights[-1].T)  # (count, out)
            share = count / batch
            loss = share * self._objective.loss(outputs, targets)
            derivative = self._objective.derivative(outputs, targets).mul_(share)
            self._weight_gradients[-1].addmm_(derivative.T, top)
            self._bias_gradients[-1].add_(derivative.sum(dim=0))
            flow = torch.mm(derivative, self._weights[-1], out=self._flow[:count])
        with products_of(self._operands):
            spare = phases
            for layer in range(len(self._sines) - 1, 0, -1):
                flow.mul_(self._cosines[layer][:count])
                self._weight_gradients[layer].addmm_(flow.T, self._sines[layer - 1][:count])
                self._bias_gradients[layer].add_(flow.sum(dim=0))
                # A product cannot be written over its factor: the two buffers take turns.
                flow, spare = torch.mm(flow, self._weights[layer], out=spare), flow
        flow.mul_(self._cosines[0][:count])
        with products_of(torch.float32):
            self._weight_gradients[0].addmm_(flow.T, coordinates)
        self._bias_gradients[0].add_(flow.sum(dim=0))
        return loss

    def _activate(self, layer: int, phases: Tensor) -> None:
        """Leave the sines and cosines of a layer behind."""
        torch.sin(phases, out=self._sines[layer][: len(phases)])
        torch.cos(phases, out=self._cosines[layer][: len(phases)])


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    gradient = parameter.grad
    assert gradient is not None
    return gradient
