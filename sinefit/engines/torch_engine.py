"""The training step of sine networks written out in torch operations, for any device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.processor.products import bfloat16_products, products_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch
    from sinefit.networks.network import Network


class TorchEngine:
    """Forward and backward written out, over buffers that are allocated once.

    The factors of the hidden layers' products have the `precision` asked for; the first layer,
    whose coordinates lose their resolution in bfloat16, and the last, whose outputs meet the
    targets, are float32. A batch goes by parts of `work.targets`, whose gradients add up, so that
    memory does not grow with it and the buffers stay in cache. One member cannot disturb another.
    Weights of float64 have everything in that.
    """

    def __init__(self, network: Network, work: Work, precision: Precision) -> None:
        self._network = network
        self._work = work
        self._operands = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.gradient = torch.zeros_like(network.values)
        size, layers = network.size, range(network.size.depth + 1)
        self._weights = [network.parameters[weight_name(layer)] for layer in layers]
        self._biases = [network.parameters[bias_name(layer)][:, None] for layer in layers]
        gradients = network.views(self.gradient)
        self._weight_gradients = [gradients[weight_name(layer)] for layer in layers]
        self._bias_gradients = [gradients[bias_name(layer)][:, None] for layer in layers]
        room = network.members * work.samples * size.width
        shape, values = (2 * size.depth + 1, room), network.values
        self._buffers = torch.empty(shape, dtype=values.dtype, device=values.device)

    @torch.no_grad()
    def step(self, batch: Batch) -> Tensor:
        """Compute the losses (members,) and their gradient."""
        self.gradient.zero_()
        objective, targets = self._work.objective, batch.targets.shape[1]
        losses = self.gradient.new_zeros(self._network.members)
        for begin in range(0, targets, self._work.targets):
            part = batch.part(begin, min(begin + self._work.targets, targets))
            share = part.targets.shape[1] / targets
            sines, cosines, phase = self._views(part.coordinates.shape[1])
            outputs = self._forward(part.coordinates, sines, cosines, phase)
            losses += objective.loss(outputs, part).mul_(share)
            derivative = objective.derivative(outputs, part).mul_(share)
            self._backward(part.coordinates, derivative, sines, cosines, phase)
        return losses

    def _views(self, count: int) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Return buffers (members, count, width), each contiguous: sines, cosines, and one more."""
        members, size = self._network.members, self._network.size
        used = self._buffers[:, : members * count * size.width]
        views = list(used.view(-1, members, count, size.width))
        return views[: size.depth], views[size.depth : -1], views[-1]

    def _forward(
        self, coordinates: Tensor, sines: list[Tensor], cosines: list[Tensor], phase: Tensor
    ) -> Tensor:
        """Return the outputs (members, count, out); leave sines and cosines of every layer."""
        with products_of(torch.float32):
            torch.baddbmm(self._biases[0], coordinates, self._weights[0].mT, out=phase)
        torch.sin(phase, out=sines[0])
        torch.cos(phase, out=cosines[0])
        with products_of(self._operands):
            for layer in range(1, len(sines)):
                torch.bmm(sines[layer - 1], self._weights[layer].mT, out=phase)
                phase.add_(self._biases[layer])
                torch.sin(phase, out=sines[layer])
                torch.cos(phase, out=cosines[layer])
        with products_of(torch.float32):
            return torch.baddbmm(self._biases[-1], sines[-1], self._weights[-1].mT)

    def _backward(
        self,
        coordinates: Tensor,
        derivative: Tensor,
        sines: list[Tensor],
        cosines: list[Tensor],
        flow: Tensor,
    ) -> None:
        """Add a part's gradients, from the derivative by the outputs (members, count, out).

        What flows back is the derivative by a layer's sines; times the cosines, whose buffers it
        takes, it is that by the phases.
        """
        with products_of(torch.float32):
            self._weight_gradients[-1].baddbmm_(derivative.mT, sines[-1])
            torch.bmm(derivative, self._weights[-1], out=flow)
        self._bias_gradients[-1].add_(derivative.sum(dim=1, keepdim=True))
        with products_of(self._operands):
            for layer in range(len(sines) - 1, 0, -1):
                phase = cosines[layer].mul_(flow)
                self._bias_gradients[layer].add_(phase.sum(dim=1, keepdim=True))
                self._weight_gradients[layer].baddbmm_(phase.mT, sines[layer - 1])
                torch.bmm(phase, self._weights[layer], out=flow)
        phase = cosines[0].mul_(flow)
        self._bias_gradients[0].add_(phase.sum(dim=1, keepdim=True))
        with products_of(torch.float32):
            self._weight_gradients[0].baddbmm_(phase.mT, coordinates)


class _Torch:
    name: Final = "torch"
    has_own_threads: Final = False
    can_be_recorded: Final = False
    in_parts: Final = True

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return float32, after bfloat16 where the CPU has such products; sine networks only.

        It is for their values. Of work in float64 it is that.
        """
        if work.family is not SINE or work.outputs is not None:
            return ()
        if work.dtype == torch.float64:
            return ("float64",)
        if work.device.type == "cpu" and bfloat16_products():
            return ("bfloat16", "float32")
        return ("float32",)

    def memory(self, work: Work) -> int:
        """Return the bytes of the buffers: sines, cosines and what flows between them."""
        samples = work.members * work.samples
        return work.dtype.itemsize * samples * work.size.width * (2 * work.size.depth + 1)

    def make(self, network: Network, work: Work, precision: Precision) -> TorchEngine:
        """Allocate the engine."""
        return TorchEngine(network, work, precision)


TORCH: Final = _Torch()
