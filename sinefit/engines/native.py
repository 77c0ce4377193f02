"""The training step of one sine network in C, on the tile registers of the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.native import TileNetwork, tiles_supported
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


class NativeEngine:
    """The mean squared error and its gradient by `TileNetwork`.

    In two bfloat16 the gradients are within 1e-5 of the reference's, in bfloat16 they have its
    rounding. The phases of all sines are float32 in both.
    """

    def __init__(self, network: Network, work: Work, precision: Precision) -> None:
        self.gradient = torch.zeros_like(network.values)
        size = network.size
        # Each weight is multiplied and added once forward and twice backward.
        each = 6 * size.parameter_count
        self._part = min(work.targets, max(_FEWEST, _LONGEST_CALL // each))
        self._parameters = _weights_and_biases(size, network.parameters)
        self._fresh = torch.empty_like(network.values)
        self._gradients = _weights_and_biases(size, network.views(self._fresh))
        split = precision == "two bfloat16"
        self._tiles = TileNetwork(size, work.threads, split=split, training=True)

    def step(self, batch: Batch) -> Tensor:
        """Compute the loss (1,) and its gradient."""
        self._tiles.load(*self._parameters)
        targets = batch.targets.shape[1]
        loss = torch.zeros(1)
        self.gradient.zero_()
        for begin in range(0, targets, self._part):
            part = batch.part(begin, min(begin + self._part, targets))
            share = part.targets.shape[1] / targets
            loss += share * self._tiles.train(
                part.coordinates[0].contiguous(), part.targets[0].contiguous(), *self._gradients
            )
            self.gradient.add_(self._fresh, alpha=share)
        return loss


def _weights_and_biases(
    size: NetworkSize, parameters: Mapping[str, Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    layers = range(size.depth + 1)
    return (
        [parameters[weight_name(layer)][0] for layer in layers],
        [parameters[bias_name(layer)][0] for layer in layers],
    )


_LONGEST_CALL: Final = 200_000_000_000
"""Multiplications and additions of one call, some tenths of a second: only between calls can a
second Ctrl-C end the command."""

_FEWEST: Final = 4096
"""Targets of a call, however large the network."""

_THREAD_ROWS: Final = 512
"""Samples that a thread has room for, however small the batch."""


class _Native:
    name: Final = "native"
    has_own_threads: Final = True
    can_be_recorded: Final = False
    in_parts: Final = True

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return bfloat16 and two bfloat16, for one sine network and a target per point."""
        serves = work.is_plain and work.device.type == "cpu" and tiles_supported(work.size)
        return ("bfloat16", "two bfloat16") if serves else ()

    def memory(self, work: Work) -> int:
        """Return the bytes of the tiles and of each thread's gradients and buffers."""
        size, threads = work.size, work.threads
        rows = max(work.samples, _THREAD_ROWS * threads)
        buffers = rows * (size.width * (2 * size.depth + 4) + size.in_features + size.out_features)
        return 4 * ((2 + threads) * size.parameter_count + buffers)

    def make(self, network: Network, work: Work, precision: Precision) -> NativeEngine:
        """Allocate the engine and start its threads."""
        return NativeEngine(network, work, precision)


NATIVE: Final = _Native()
