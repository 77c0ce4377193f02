"""The plain training engine, the reference of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch, Objective
    from sinefit.networks.network import Network


class ReferenceEngine:
    """The networks' own forward pass, differentiated by autograd, in the type of their values.

    It serves every family and every objective.
    """

    def __init__(self, network: Network, objective: Objective) -> None:
        self._network = network
        self._objective = objective
        self.gradient = torch.zeros_like(network.values)

    def step(self, batch: Batch) -> Tensor:
        """Compute the losses (members,) and their gradient."""
        network = self._network
        values = network.values.detach().requires_grad_()
        with products_of(torch.float32):  # whatever the caller's process allows
            outputs = network.family.forward(network.views(values), batch.coordinates)
            losses = self._objective.loss(outputs, batch)
            (gradient,) = torch.autograd.grad(losses.sum(), values)
        self.gradient.copy_(gradient)
        return losses.detach()


class _Reference:
    name: Final = "reference"
    has_own_threads: Final = False
    can_be_recorded: Final = False
    in_parts: Final = False

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return float32: it does any work."""
        del work
        return ("float32",)

    def memory(self, work: Work) -> int:
        """Return about what autograd keeps: phases and sines of every layer, and what flows."""
        each = work.size.width * (2 * work.size.depth + 2)
        return 4 * work.members * work.samples * each

    def make(self, network: Network, work: Work, precision: Precision) -> ReferenceEngine:
        """Return the engine."""
        del precision
        return ReferenceEngine(network, work.objective)


REFERENCE: Final = _Reference()
