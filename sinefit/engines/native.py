"""The training step of one sine network in C, on the tile registers of the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.native import TileNetwork, tiles_supported
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch
    from sinefit.networks.network import Network


class NativeEngine:
    """The mean squared error and its gradient by `TileNetwork`.

    In two bfloat16 the gradients are within 1e-5 of the reference's, in bfloat16 they have its
    rounding. The phases of all sines are float32 in both.
    """

    def __init__(self, network: Network, work: Work, precision: Precision) -> None:
        self.gradient = torch.zeros_like(network.values)
        gradients = network.views(self.gradient)
        weights = [weight_name(layer) for layer in range(network.size.depth + 1)]
        biases = [bias_name(layer) for layer in range(network.size.depth + 1)]
        self._parameters = (
            [network.parameters[name][0] for name in weights],
            [network.parameters[name][0] for name in biases],
        )
        self._gradients = (
            [gradients[name][0] for name in weights],
            [gradients[name][0] for name in biases],
        )
        split = precision == "two bfloat16"
        self._tiles = TileNetwork(network.size, work.threads, split=split, training=True)

    def step(self, batch: Batch) -> Tensor:
        """Compute the loss (1,) and its gradient."""
        self._tiles.load(*self._parameters)
        loss = self._tiles.train(
            batch.coordinates[0].contiguous(), batch.targets[0].contiguous(), *self._gradients
        )
        return torch.tensor([loss], dtype=torch.float32)


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
        return 4 * ((1 + threads) * size.parameter_count + buffers)

    def make(self, network: Network, work: Work, precision: Precision) -> NativeEngine:
        """Allocate the engine and start its threads."""
        return NativeEngine(network, work, precision)


NATIVE: Final = _Native()
