"""The textbook method: SIREN's training step as its paper gives it, in plain eager PyTorch.

Sitzmann, Martel, Bergman, Lindell, Wetzstein (2020), "Implicit Neural Representations with Periodic
Activation Functions", NeurIPS: the mean squared error over all samples at once, Adam at 1e-4,
omega 30 inside every sine, float32, gradients by autograd. Nothing here is clever: it is what the
benchmark measures sinefit against.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import Signal

OMEGA: Final = 30.0
"""The factor inside every sine (section 3.2)."""
LEARNING_RATE: Final = 1e-4
"""Adam's step."""


class Siren(nn.Module):
    """h <- sin(30 (W h + b)) layer by layer, the last layer linear.

    First W ~ U(±1/fan_in), the others U(±√(6/fan_in)/30); b as PyTorch's linear layers have it,
    U(±1/√fan_in), which the paper leaves open and the authors' code leaves alone.
    """

    def __init__(self, size: NetworkSize, generator: torch.Generator) -> None:
        """Draw the weights of a network of a given size, on the CPU."""
        super().__init__()
        self.layers = nn.ModuleList()
        for number, (fan_out, fan_in) in enumerate(size.layers):
            # Drawn nowhere, the layer takes no numbers from PyTorch's global generator.
            layer = nn.Linear(fan_in, fan_out, device="meta").to_empty(device="cpu")
            weight_bound = math.sqrt(6.0 / fan_in) / OMEGA if number else 1.0 / fan_in
            bias_bound = 1.0 / math.sqrt(fan_in)
            with torch.no_grad():
                layer.weight.uniform_(-weight_bound, weight_bound, generator=generator)
                layer.bias.uniform_(-bias_bound, bias_bound, generator=generator)
            self.layers.append(layer)

    def forward(self, coordinates: Tensor) -> Tensor:
        """Map coordinates (batch, in_features) to values (batch, out_features)."""
        hidden = coordinates
        for layer in self.layers[:-1]:
            hidden = torch.sin(OMEGA * layer(hidden))
        values: Tensor = self.layers[-1](hidden)
        return values


class TextbookTraining:
    """A SIREN, all samples of a signal, and Adam."""

    def __init__(
        self, signal: Signal, size: NetworkSize, device: torch.device, seed: int = 0
    ) -> None:
        """Draw the network and lay out coordinates (count, features) and targets in [-1, 1]."""
        spec = signal.spec
        everything = torch.arange(spec.sample_count, device=device)
        self.coordinates = Grid.of_signal(spec, device).coordinates(everything)
        values = signal.samples.reshape(spec.sample_count, spec.channels)
        self.targets = torch.from_numpy(spec.to_unit(values)).to(device)
        self.network = Siren(size, torch.Generator().manual_seed(seed)).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE)

    @property
    def count(self) -> int:
        """Samples per step: all there are."""
        return len(self.coordinates)

    def step(self) -> Tensor:
        """Take one step; return the mean squared error before it, over all samples, 0-d."""
        self.optimizer.zero_grad()
        loss: Tensor = (self.network(self.coordinates) - self.targets).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()
