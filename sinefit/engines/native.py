"""The training step of one sine network in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.compiled import instructions_for, precisions_of
from sinefit.native.one_network import FEWEST_PARTS, MOST_GRADIENT_FLOATS, PARTS, OneNetwork

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch
    from sinefit.networks.network import Network


class NativeEngine:
    """The mean squared error and its gradient by `OneNetwork`.

    In two bfloat16 the gradients are within 1e-5 of the reference's, in bfloat16 they have its
    rounding. The phases of all sines are float32 in all precisions. The number of threads changes
    no bit.
    """

    def __init__(self, network: Network, work: Work, precision: Precision) -> None:
        self.gradient = torch.zeros_like(network.values)
        self._values = network.values
        # Each weight is multiplied and added once forward and twice backward.
        each = 6 * work.size.parameter_count
        self._part = min(work.targets, max(_FEWEST, _LONGEST_CALL // each))
        self._fresh = torch.empty_like(network.values)
        instructions = instructions_for(precision, work.size.width)
        self._network = OneNetwork(network.size, work.threads, instructions)

    def step(self, batch: Batch) -> Tensor:
        """Compute the loss (1,) and its gradient."""
        targets = batch.targets.shape[1]
        if targets <= self._part:
            return torch.tensor([self._differentiate(batch, self.gradient)])
        loss = torch.zeros(1)
        self.gradient.zero_()
        for begin in range(0, targets, self._part):
            part = batch.part(begin, min(begin + self._part, targets))
            share = part.targets.shape[1] / targets
            loss += share * self._differentiate(part, self._fresh)
            self.gradient.add_(self._fresh, alpha=share)
        return loss

    def _differentiate(self, batch: Batch, gradient: Tensor) -> float:
        coordinates, targets = batch.coordinates[0].contiguous(), batch.targets[0].contiguous()
        return self._network.differentiate(self._values[0], coordinates, targets, gradient[0])


_LONGEST_CALL: Final = 20_000_000_000
"""Multiplications and additions of one call, some tenths of a second of one slow core: only between
calls is a Ctrl-C heard, and two within one call are heard as one."""

_FEWEST: Final = 1024
"""Targets of a call, however large the network."""

_GROUP: Final = 256
"""Samples that a thread takes through the layers at a time, at most."""


class _Native:
    name: Final = "native"
    has_own_threads: Final = True
    can_be_recorded: Final = False
    in_parts: Final = True

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return what serves one sine network with a target per point here."""
        if not work.is_plain or work.device.type != "cpu":
            return ()
        return precisions_of(work.size.width)

    def memory(self, work: Work) -> int:
        """Return the bytes of weights, of gradients, and of each thread's buffers."""
        size, threads = work.size, work.threads
        width, channels = _padded(size.width), _padded(size.out_features)
        ends = size.depth + size.in_features + 2 * channels
        weights = ((size.depth - 1) * width + ends) * width + channels
        parts = min(PARTS, max(FEWEST_PARTS, MOST_GRADIENT_FLOATS // weights))
        row = width * (2 * size.depth + 6) + 2 * channels + size.in_features
        # A gradient beside the trainer's, and the weights in their layout and for each way through.
        return 4 * ((4 + parts) * weights + threads * (_GROUP * row + 2048))

    def make(self, network: Network, work: Work, precision: Precision) -> NativeEngine:
        """Allocate the engine and start its threads."""
        return NativeEngine(network, work, precision)


def _padded(count: int) -> int:
    """Return the floats that a row of so many takes at most."""
    return -(-count // 16) * 16 + 16


NATIVE: Final = _Native()
