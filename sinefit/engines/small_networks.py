"""The training of stacks of small sine networks in C, many steps of each in one core's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.compiled import instructions_for, precisions_of
from sinefit.engines.torch_engine import TORCH
from sinefit.native import small_networks
from sinefit.native.shuffles import Shuffles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.engines.engine import Engine, Precision, Work
    from sinefit.native.instruction_sets import InstructionSet
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


class SmallNetworksTraining:
    """Trains every member on one thread, as many members at a time as there are threads."""

    def __init__(
        self,
        size: NetworkSize,
        adam: Adam,
        tables: Sequence[Tensor],
        threads: int,
        instructions: InstructionSet,
        offsets: Tensor | None = None,
    ) -> None:
        self._offsets = offsets
        self._size = size
        self._instructions = instructions
        self._adam = adam
        self._tables = [table.contiguous() for table in tables]
        self._threads = threads

    def take(self, indices: Tensor | Shuffles, factors: Tensor) -> Tensor:
        """Take steps on samples (steps, members, batch) at factors (steps, members) on the rates.

        Shuffles instead of samples are drawn beside the training.

        Returns the sums of the members' losses before the steps (members,).
        """
        adam = self._adam
        steps = indices.steps if isinstance(indices, Shuffles) else len(indices)
        if not isinstance(indices, Shuffles):
            indices = indices.transpose(0, 1).to(torch.int32).contiguous()
        losses = small_networks.train(
            self._size,
            adam.values,
            adam.averages,
            rates=adam.rates,
            bounds=adam.bounds,
            samples=self._tables,
            indices=indices,
            offsets=self._offsets,
            factors=(factors.float() * torch.from_numpy(adam.scales)).T.contiguous(),
            taken=[int(steps) for steps in adam.steps],
            constants=adam.constants,
            threads=self._threads,
            instructions=self._instructions,
        )
        adam.steps += steps
        return losses


class _SmallNetworks:
    name: Final = "small"
    has_own_threads: Final = True
    can_be_recorded: Final = False
    in_parts: Final = True
    together: Final = 32

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return what serves stacks of sine networks here."""
        serves = work.is_sine and work.members > 1 and work.device.type == "cpu"
        serves = serves and not work.has_gains
        return precisions_of(work.size.width, work.members) if serves else ()

    def memory(self, work: Work) -> int:
        """Return the bytes of the threads' workspaces: gradients and a few hundred samples."""
        size = work.size
        rows = 256 * size.width * (2 * size.depth + 4)
        return 4 * work.threads * (3 * size.parameter_count + rows)

    def make(self, network: Network, work: Work, precision: Precision) -> Engine:
        """Allocate the engine in torch, for a caller who wants gradients alone."""
        return TORCH.make(network, work, precision)

    def make_training(
        self,
        network: Network,
        adam: Adam,
        tables: Sequence[Tensor],
        work: Work,
        precision: Precision,
        offsets: Tensor | None = None,
    ) -> SmallNetworksTraining:
        """Prepare the training of a stack."""
        instructions = instructions_for(precision, network.size.width)
        threads = work.threads
        return SmallNetworksTraining(network.size, adam, tables, threads, instructions, offsets)


SMALL_NETWORKS: Final = _SmallNetworks()
