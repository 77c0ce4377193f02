"""The plain training engine, the reference of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.engines.derived import DerivedOutputs
    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch, Objective
    from sinefit.networks.network import Network


class ReferenceEngine:
    """The networks' own forward pass, differentiated by autograd, in the type of their values.

    It serves every family and every objective. A batch goes by parts of `targets` per member, whose
    gradients add up, so that memory does not grow with it.
    """

    def __init__(
        self,
        network: Network,
        objective: Objective,
        targets: int | None = None,
        outputs: DerivedOutputs | None = None,
    ) -> None:
        """Take at most so many targets per member at a time, all of a batch unless given.

        `outputs` is what of the networks meets them, None for their values.
        """
        self._network = network
        self._objective = objective
        self._targets = targets
        self._derived = outputs
        self.gradient = torch.zeros_like(network.values)

    def step(self, batch: Batch) -> Tensor:
        """Compute the losses (members,) and their gradient.

        The gradient is that of the sum over all outputs of the family, the losses are of the last.
        """
        network = self._network
        count = batch.targets.shape[1]
        step = self._targets or count
        total = network.values.new_zeros(network.members)
        self.gradient.zero_()
        for begin in range(0, count, step):
            part = batch.part(begin, min(begin + step, count))
            share = part.targets.shape[1] / count
            values = network.values.detach().requires_grad_()
            with products_of(torch.float32):  # whatever the caller's process allows
                outputs = self._outputs(network.views(values), part.coordinates)
                losses = [self._objective.loss(output, part) * share for output in outputs]
                (gradient,) = torch.autograd.grad(torch.stack(losses).sum(), values)
            self.gradient += gradient
            total += losses[-1].detach()
        return total

    def _outputs(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> tuple[Tensor, ...]:
        family = self._network.family
        if self._derived is None:
            return family.outputs(parameters, coordinates)
        return (self._derived(family, parameters, coordinates),)


class _Reference:
    name: Final = "reference"
    has_own_threads: Final = False
    can_be_recorded: Final = False
    in_parts: Final = True

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return the precision of the work's type: it does any work."""
        return ("float64",) if work.dtype == torch.float64 else ("float32",)

    def memory(self, work: Work) -> int:
        """Return about what autograd keeps of every layer, and what flows back."""
        each = work.size.width * (work.family.kept_values * work.size.depth + 2)
        if work.outputs is not None:
            each *= work.outputs.kept_values
        return work.dtype.itemsize * work.members * work.samples * each

    def make(self, network: Network, work: Work, precision: Precision) -> ReferenceEngine:
        """Return the engine."""
        del precision
        return ReferenceEngine(network, work.objective, work.targets, work.outputs)


REFERENCE: Final = _Reference()
