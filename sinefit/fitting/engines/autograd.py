"""The plain training engine, the reference of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fitting.objective import Objective
    from sinefit.networks.sine import SineNetwork


class AutogradEngine:
    """The reference: the network's own forward pass, differentiated by autograd, all in float32."""

    def __init__(self, network: SineNetwork, objective: Objective) -> None:
        self._network = network
        self._objective = objective

    def step(self, coordinates: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss and its gradient."""
        self._network.zero_grad(set_to_none=True)
        with products_of(torch.float32):
            loss = self._objective.loss(self._network(coordinates), targets)
            loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
