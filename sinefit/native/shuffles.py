"""The order in which the networks of a stack see their samples: shuffled epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Shuffles:
    """Batches one after the other of a stack's members, drawn by whoever trains on them.

    Each epoch of each member is all of its samples in the order of keys of 24 bits that are mixed
    from the member's seed, the epoch's number and the sample's, equal ones in the samples' own; an
    epoch goes on where the one before it ends. So a batch follows from the seeds and the number of
    its step, whatever is drawn with it and wherever, and there is nothing to keep. Of fewer samples
    than it has it holds several epochs.

    `small_networks.train` draws them beside the network in C; `indices` is the same by torch.
    """

    counts: Tensor
    """Samples of each member (members,), int64."""
    fewest: int
    """The least of the counts, at least 1, for which a device need not be asked."""
    most: int
    """And the greatest."""
    seeds: Tensor
    """One for each member (members,), int64, of 31 bits."""
    first: int
    """Number of the first step."""
    steps: int
    size: int
    """Samples of a batch."""

    def indices(self) -> Tensor:
        """Return the samples of each step (steps, members, size), int64, on the seeds' device."""
        members = len(self.counts)
        together = members
        if self.counts.device.type == "cpu":
            together = max(1, _SORTED_AT_ONCE // (self.steps * self.size + 2 * self.most))
        parts = [
            self._sorted(slice(begin, begin + together)) for begin in range(0, members, together)
        ]
        drawn = torch.cat(parts) if parts else self.counts.new_empty(0, self.steps * self.size)
        return drawn.view(-1, self.steps, self.size).transpose(0, 1)

    def _sorted(self, members: slice) -> Tensor:
        """Return what members draw (members, steps * size), by sorting epochs side by side."""
        counts, device = self.counts[members, None], self.counts.device
        begin, drawn = self.first * self.size, self.steps * self.size
        epochs = 1 + -(-drawn // self.fewest)  # of the one with the most
        before = begin // counts  # (members, 1), epochs that have ended
        numbers = before + torch.arange(epochs, device=device)  # (members, epochs)
        seeds = _mixed(self.seeds[members, None] ^ _mixed(numbers))
        samples = torch.arange(self.most, device=device)
        keys = _mixed(seeds[..., None] ^ _mixed(samples)) >> (_BITS - _KEY_BITS)
        # No two are equal with the numbers behind them; those of no sample come last.
        keys = torch.where(samples < counts[..., None], keys, 1 << _KEY_BITS) << _BITS | samples
        shuffled = _in_order(keys) & _LOW_BITS
        place = torch.arange(begin, begin + drawn, device=device).expand(len(counts), -1)
        flat = (place // counts - before) * self.most + place % counts  # (members, drawn)
        return shuffled.flatten(1).gather(1, flat)


_BITS: Final = 31
_LOW_BITS: Final = 2**_BITS - 1
_KEY_BITS: Final = 24
_SORTED_AT_ONCE: Final = 2**19
"""Numbers, about, for which there is memory in a part of a draw on the CPU."""


def _in_order(keys: Tensor) -> Tensor:
    """Return keys (..., count) that rise along the last axis."""
    if keys.device.type != "cpu":
        return keys.sort(dim=-1).values
    return torch.from_numpy(np.sort(keys.numpy(), axis=-1))  # several times as fast as torch


def _mixed(values: Tensor) -> Tensor:
    """Return numbers of 31 bits, each bit of which hangs on all bits of the values (int64).

    Shifts and multipliers are those that Wellons found by search ("hash-prospector", 2018).
    """
    values = values & _LOW_BITS
    values = ((values ^ (values >> 15)) * 0x2C1B3C6D) & _LOW_BITS
    values = ((values ^ (values >> 12)) * 0x297A2D39) & _LOW_BITS
    return values ^ (values >> 15)
