"""What a fit minimises, as a function of the network's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Objective(Protocol):
    """A loss with its own derivative, so that engines need no graph to train it."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss, a scalar tensor, for outputs and targets (batch, channels)."""

    def derivative(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the derivative of the loss by the outputs (batch, channels)."""


class MeanSquaredError:
    """Mean over samples and channels of the squared difference."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error."""
        return (outputs - targets).square().mean()

    def derivative(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return 2 (outputs - targets) / (batch * channels)."""
        return (outputs - targets).mul_(2.0 / outputs.numel())
