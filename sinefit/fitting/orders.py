"""The order in which a network sees its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import torch

from sinefit.native.shuffles import Shuffles

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


class StackOrder:
    """The shuffled epochs of the networks of a stack, on any device."""

    def __init__(
        self,
        counts: Sequence[int],
        batch: int,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
    ) -> None:
        """Draw batches of one size for members with so many samples each."""
        self.size = batch
        self._counts = torch.tensor(counts, device=device)  # (members,)
        self._fewest, self._most = min(counts), max(counts)
        folded = [(seed * _GOLDEN % 2**64) >> 33 for seed in seeds]
        self._seeds = torch.tensor(folded, device=device)

    def draw(self, first: int, steps: int) -> Shuffles:
        """Return the batches of so many steps from the step `first` on."""
        return Shuffles(
            self._counts, self._fewest, self._most, self._seeds, first, steps, self.size
        )


_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: the upper bits of its products hang on all bits of a seed."""


class EpochOrder:
    """What `StackOrder` is to one network of the stack."""

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self.size = batch
        self._stack = StackOrder([count], batch, [seed])

    def draw(self, first: int, steps: int) -> Tensor:
        """Return the batches of so many steps from the step `first` on, (steps, size), int64."""
        return self._stack.draw(first, steps).indices()[:, 0]

    def state(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Do nothing."""


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
