"""The plain sine network: h <- sin(W h + b) layer by layer, the last layer linear.

Every scheme of the papers is stored in this form, in *effective* weights: sin(omega (W x + b)) is
kept as sin(W' x + b') with W' = omega W and b' = omega b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class SineNetwork(nn.Module):
    """A sine network of a given size; its forward pass is the reference for every faster one."""

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> None:
        """Take the layers' weights, each (fan_out, fan_in), and biases, each (fan_out,)."""
        super().__init__()
        self.size = NetworkSize.of_layers([tuple(weight.shape) for weight in weights])
        self.weights = nn.ParameterList(nn.Parameter(weight) for weight in weights)
        self.biases = nn.ParameterList(nn.Parameter(bias) for bias in biases)

    def forward(self, coordinates: Tensor) -> Tensor:
        """Map coordinates (batch, in_features) to values (batch, out_features)."""
        hidden = coordinates
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.addmm(bias, hidden, weight.T)  # (batch, fan_out)
            if layer < last:
                hidden = torch.sin(hidden)
        return hidden
