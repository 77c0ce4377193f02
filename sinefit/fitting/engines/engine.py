"""What the loop asks of a training engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Engine(Protocol):
    """Computes a batch's loss and leaves its gradient in the network's parameters."""

    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Take coordinates (batch, in) and targets (batch, out), float32; return the loss, 0-d."""
