"""The order in which a network sees its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

SHUFFLE_LIMIT: Final = 2**24
"""Samples above which an epoch is no longer shuffled as a whole but drawn with replacement."""


class Order(Protocol):
    """Draws batches of sample numbers."""

    size: int
    """Samples per batch."""

    def draw(self, first: int, steps: int) -> Tensor:
        """Return the batches of so many steps from the step `first` on, (steps, size), int64."""

    def state(self) -> dict[str, Tensor]:
        """Return where the order stands; what follows from the number of steps is no part."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned; raises ValueError for what cannot have come from it."""


class WholeOrder:
    """All samples in every batch, in their own order: nothing is drawn."""

    def __init__(self, count: int, device: torch.device | str = "cpu") -> None:
        self.size = count
        self._all = torch.arange(count, device=device)

    def draw(self, first: int, steps: int) -> Tensor:  # noqa: ARG002 (all batches are alike)
        """Return the batches of so many steps (steps, size), int64, which share their memory."""
        return self._all.expand(steps, self.size)

    def state(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Do nothing."""


class EpochOrder:
    """Epochs that are each shuffled by a generator of their own, one behind the other.

    A batch follows from the seed and the number of its step, so that there is nothing to keep. Of
    fewer samples than it has it holds several epochs.
    """

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self.size = batch
        self._count = count
        self._seed = seed

    def draw(self, first: int, steps: int) -> Tensor:
        """Return the batches of so many steps from the step `first` on, (steps, size), int64."""
        begin, end = first * self.size, (first + steps) * self.size
        epoch = begin // self._count
        shuffled = []
        for number in range(epoch, -(-end // self._count)):
            generator = torch.Generator().manual_seed((self._seed ^ (number * _STRIDE)) % 2**63)
            shuffled.append(torch.randperm(self._count, generator=generator))
        begin -= epoch * self._count
        return torch.cat(shuffled)[begin : begin + steps * self.size].view(steps, self.size)

    def state(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Do nothing."""


_STRIDE: Final = 0x5851F42D4C957F2D
"""Odd, so that no two epochs have one seed."""


class StackOrder:
    """What `EpochOrder` is to a network, to many of them at once and on any device.

    Each epoch of each member is all of its samples in the order of numbers that are mixed from the
    member's seed, the epoch's number and the sample's. So a batch follows from the seeds and the
    number of its step, and a device draws the batches of all members in a few operations.
    """

    def __init__(
        self, counts: Sequence[int], batch: int, seeds: Sequence[int], device: torch.device
    ) -> None:
        """Draw batches of one size for members with so many samples each."""
        self.size = batch
        self._counts = torch.tensor(counts, device=device)  # (members,)
        self._fewest, self._most = min(counts), max(counts)
        folded = [(seed * _GOLDEN % 2**64) >> 33 for seed in seeds]
        self._seeds = torch.tensor(folded, device=device)

    def draw(self, first: int, steps: int) -> Tensor:
        """Return the batches of so many steps from the step `first` on (steps, members, size)."""
        counts, device = self._counts[:, None], self._counts.device
        begin, drawn = first * self.size, steps * self.size
        epochs = 1 + -(-drawn // self._fewest)  # of the one with the most
        before = begin // counts  # (members, 1), epochs that have ended
        numbers = before + torch.arange(epochs, device=device)  # (members, epochs)
        seeds = _mixed(self._seeds[:, None] ^ _mixed(numbers))
        samples = torch.arange(self._most, device=device)
        keys = _mixed(seeds[..., None] ^ _mixed(samples)) & (_LOW_BITS >> 1)
        keys = torch.where(samples < counts[..., None], keys, _LOW_BITS)  # behind all others
        shuffled = keys.to(torch.int32).argsort(dim=2)
        place = torch.arange(begin, begin + drawn, device=device).expand(len(counts), -1)
        epoch = place // counts - before
        flat = epoch * self._most + place % counts  # (members, drawn)
        found = shuffled.flatten(1).gather(1, flat)
        return found.view(-1, steps, self.size).transpose(0, 1)


_LOW_BITS: Final = 2**31 - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: the upper bits of its products hang on all bits of a seed."""


def _mixed(values: Tensor) -> Tensor:
    """Return numbers of 31 bits, each bit of which hangs on all bits of the values (int64).

    Shifts and multipliers are those that Wellons found by search ("hash-prospector", 2018).
    """
    values = values & _LOW_BITS
    values = ((values ^ (values >> 15)) * 0x2C1B3C6D) & _LOW_BITS
    values = ((values ^ (values >> 12)) * 0x297A2D39) & _LOW_BITS
    return values ^ (values >> 15)


class BatchOrder:
    """Draws batches of sample numbers: shuffled epochs without replacement, batches of equal size.

    A signal too long to shuffle as a whole is drawn from with replacement. The numbers are on the
    generator's device.
    """

    def __init__(self, count: int, batch: int, generator: torch.Generator) -> None:
        self.size = min(batch, count)
        self._count = count
        self._generator = generator
        self._device = generator.device
        self._rest = torch.empty(0, dtype=torch.int64, device=self._device)
        self._order = self._rest
        self._position = 0
        self._before_epoch = generator.get_state()

    def draw(self, first: int, steps: int) -> Tensor:  # noqa: ARG002 (part of the protocol)
        """Return the next batches of sample numbers (steps, size), int64.

        They follow those drawn before: `first` is not looked at.
        """
        if self._count > SHUFFLE_LIMIT:
            return torch.stack([self._at_random() for _ in range(steps)])
        found = []
        while steps > 0:
            ready = min(steps, (len(self._order) - self._position) // self.size)
            if ready == 0:
                # What is left of an epoch opens the next, so that every sample comes equally often.
                self._rest = self._order[self._position :].clone()
                self._before_epoch = self._generator.get_state()
                self._shuffle()
                self._position = 0
                continue
            end = self._position + ready * self.size
            found.append(self._order[self._position : end].view(ready, self.size))
            self._position = end
            steps -= ready
        return torch.cat(found)

    def _at_random(self) -> Tensor:
        return torch.randint(
            self._count, (self.size,), generator=self._generator, device=self._device
        )

    def state(self) -> dict[str, Tensor]:
        """Return where the order stands: not the epoch itself, but what it is shuffled from."""
        return {
            "order.generator": self._generator.get_state(),
            "order.before_epoch": self._before_epoch,
            "order.rest": self._rest.cpu(),
            "order.position": torch.tensor([self._position, len(self._order)]),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned; raises ValueError for what cannot have come from it.

        The order of a generator on another kind of device cannot be gone on with; a new epoch
        begins in its stead.
        """
        position, length = (int(value) for value in state["order.position"])
        if state["order.generator"].shape != self._generator.get_state().shape:
            return
        self._rest = state["order.rest"].to(self._device)
        self._before_epoch = state["order.before_epoch"]
        self._order = torch.empty(0, dtype=torch.int64, device=self._device)
        if length:
            self._generator.set_state(self._before_epoch)
            self._shuffle()
        within = bool(((self._rest >= 0) & (self._rest < self._count)).all())
        if len(self._order) != length or not 0 <= position <= length or not within:
            raise ValueError("the order of the samples does not fit the signal")
        self._position = position
        self._generator.set_state(state["order.generator"])

    def _shuffle(self) -> None:
        epoch = torch.randperm(self._count, generator=self._generator, device=self._device)
        self._order = torch.cat([self._rest, epoch])
