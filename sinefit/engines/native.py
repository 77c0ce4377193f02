"""The training step of one sine network in C, on tile registers or by vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.native import TileNetwork, tiles_supported
from sinefit.native.instruction_sets import instruction_sets
from sinefit.native.one_network import OneNetwork
from sinefit.networks.sine import bias_name, weight_name
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch
    from sinefit.networks.network import Network


class TileEngine:
    """The mean squared error and its gradient by `TileNetwork`.

    In two bfloat16 the gradients are within 1e-5 of the reference's, in bfloat16 they have its
    rounding. The phases of all sines are float32 in both.
    """

    def __init__(self, network: Network, work: Work, precision: Precision) -> None:
        self.gradient = torch.zeros_like(network.values)
        size = network.size
        self._part = _part_of(work)
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


class VectorEngine:
    """The same by `OneNetwork`, in float32 throughout; the number of threads changes no bit."""

    def __init__(self, network: Network, work: Work) -> None:
        self.gradient = torch.zeros_like(network.values)
        self._values = network.values
        self._part = _part_of(work)
        self._fresh = torch.empty_like(network.values)
        self._network = OneNetwork(network.size, work.threads)

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


def _part_of(work: Work) -> int:
    """Return the targets of a call."""
    # Each weight is multiplied and added once forward and twice backward.
    return min(work.targets, max(_FEWEST, _LONGEST_CALL // (6 * work.size.parameter_count)))


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

_MOST_PARTS: Final = 16
"""Parts of a batch with a gradient of their own, however many threads there are."""

_GROUP: Final = 64
"""Samples that a thread takes through the layers at a time by vectors."""

_THREAD_ROWS: Final = 512
"""Samples that a thread has room for, however small the batch."""


class _Native:
    name: Final = "native"
    has_own_threads: Final = True
    can_be_recorded: Final = False
    in_parts: Final = True

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return what serves one sine network with a target per point here.

        On tile registers that is bfloat16 and two bfloat16, by vectors float32.
        """
        if not work.is_plain or work.device.type != "cpu":
            return ()
        if tiles_supported(work.size):
            return ("bfloat16", "two bfloat16")
        return ("float32",) if instruction_sets() else ()

    def memory(self, work: Work) -> int:
        """Return the bytes of weights, of gradients, and of each thread's buffers."""
        size, threads = work.size, work.threads
        if tiles_supported(size):
            rows = max(work.samples, _THREAD_ROWS * threads)
            row = size.width * (2 * size.depth + 4) + size.in_features + size.out_features
            return 4 * ((2 + threads) * size.parameter_count + rows * row)
        padded = NetworkSize(size.in_features, _padded(size.width), size.depth, size.out_features)
        row = padded.width * (2 * size.depth) + 2 * _padded(size.out_features) + size.in_features
        weights = padded.parameter_count + padded.width * _padded(size.out_features)
        return 4 * ((3 + _MOST_PARTS) * weights + threads * _GROUP * row)

    def make(self, network: Network, work: Work, precision: Precision) -> TileEngine | VectorEngine:
        """Allocate the engine and start its threads."""
        if precision == "float32":
            return VectorEngine(network, work)
        return TileEngine(network, work, precision)


def _padded(count: int) -> int:
    """Return the floats that a row of so many takes at most."""
    return -(-count // 16) * 16 + 16


NATIVE: Final = _Native()
