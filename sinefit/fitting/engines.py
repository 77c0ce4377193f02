"""Training engines: ways to compute the loss of a batch and its gradient.

`AutogradEngine` is the plain reference. `ManualEngine` writes the same forward and backward pass
out by hand over buffers that are allocated once, with the products of the hidden layers in bfloat16
where the device multiplies it faster. Both leave the gradient in the parameters' `.grad`, float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fitting.objective import Objective
    from sinefit.networks.sine import SineNetwork


class Engine(Protocol):
    """Computes a batch's loss and leaves its gradient in the network's parameters."""

    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Take coordinates (batch, in) and targets (batch, out), float32; return the loss, 0-d."""


class AutogradEngine:
    """The reference: the network's own forward pass, differentiated by autograd, all in float32."""

    def __init__(self, network: SineNetwork, objective: Objective) -> None:
        self._network = network
        self._objective = objective

    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss and its gradient."""
        self._network.zero_grad(set_to_none=True)
        loss = self._objective.loss(self._network(coordinates), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()


class ManualEngine:
    """Forward and backward written out, for batches of one fixed size.

    The first layer stays in float32, since coordinates lose their resolution in bfloat16; so does
    the last, whose outputs meet the targets. `operands` is the type of the factors in the hidden
    layers' products, which are summed in float32.
    """

    def __init__(
        self, network: SineNetwork, objective: Objective, batch: int, operands: torch.dtype
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

        def buffers(dtype: torch.dtype) -> list[Tensor]:
            shape = (batch, size.width)
            return [torch.empty(shape, dtype=dtype, device=device) for _ in range(size.depth)]

        self._single = torch.empty((batch, size.width), device=device)  # (batch, width), float32
        self._double = torch.empty((batch, size.width), device=device)
        self._sines = buffers(operands)
        self._cosines = buffers(operands)
        self._phase = torch.empty((batch, size.width), dtype=operands, device=device)
        self._backward = torch.empty((batch, size.width), dtype=operands, device=device)
        # Copies of the hidden weights and biases in the operands' type, refreshed at every step.
        hidden = range(1, size.depth)
        self._low_weights = {layer: self._weights[layer].to(operands) for layer in hidden}
        self._low_biases = {layer: self._biases[layer].to(operands) for layer in hidden}
        self._low_gradients = {
            layer: torch.empty_like(self._low_weights[layer]) for layer in hidden
        }

    @torch.no_grad()
    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss and its gradient."""
        outputs = self._forward(coordinates)  # (batch, out)
        loss = self._objective.loss(outputs, targets)
        self._backpropagate(coordinates, self._objective.derivative(outputs, targets))
        return loss

    def _forward(self, coordinates: Tensor) -> Tensor:
        phase = torch.addmm(
            self._biases[0], coordinates, self._weights[0].T, out=self._single
        )  # (batch, width)
        self._sines[0].copy_(torch.sin(phase, out=self._double))
        self._cosines[0].copy_(torch.cos(phase, out=self._double))
        for layer in range(1, len(self._sines)):
            weight = self._low_weights[layer].copy_(self._weights[layer])
            bias = self._low_biases[layer].copy_(self._biases[layer])
            torch.addmm(bias, self._sines[layer - 1], weight.T, out=self._phase)
            torch.sin(self._phase, out=self._sines[layer])
            torch.cos(self._phase, out=self._cosines[layer])
        # The last layer reads the sines in float32; they stay in this buffer for its gradient.
        hidden = self._single.copy_(self._sines[-1])
        return torch.addmm(self._biases[-1], hidden, self._weights[-1].T)

    def _backpropagate(self, coordinates: Tensor, derivative: Tensor) -> None:
        torch.mm(derivative.T, self._single, out=self._weight_gradients[-1])
        torch.sum(derivative, dim=0, out=self._bias_gradients[-1])
        flowing, spare = self._backward, self._phase
        flowing.copy_(torch.mm(derivative, self._weights[-1], out=self._double))
        for layer in range(len(self._sines) - 1, 0, -1):
            flowing.mul_(self._cosines[layer])
            torch.mm(flowing.T, self._sines[layer - 1], out=self._low_gradients[layer])
            self._weight_gradients[layer].copy_(self._low_gradients[layer])
            torch.sum(flowing, dim=0, dtype=torch.float32, out=self._bias_gradients[layer])
            # A product cannot be written over its factor: the two buffers take turns.
            flowing, spare = torch.mm(flowing, self._low_weights[layer], out=spare), flowing
        first = self._double.copy_(flowing).mul_(self._single.copy_(self._cosines[0]))
        torch.mm(first.T, coordinates, out=self._weight_gradients[0])
        torch.sum(first, dim=0, out=self._bias_gradients[0])


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    gradient = parameter.grad
    assert gradient is not None
    return gradient


def fast_operands(device: torch.device) -> torch.dtype:
    """Return the type in which this device multiplies matrices fastest without harm to a fit.

    bfloat16 where there is hardware for it (AMX or AVX512-BF16 on the CPU, Ampere and later on
    CUDA), else float32.
    """
    if device.type == "cpu":
        # These probes have no public name; where they are missing float32 is always right.
        probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        if any(getattr(torch.cpu, probe, bool)() for probe in probes):
            return torch.bfloat16
    elif device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32
