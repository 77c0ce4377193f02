"""The samples of a signal as training sees them: coordinates and targets by index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from sinefit.signals.signal import Signal

RESIDENT_SHARE: Final = 0.25
"""Share of a device's free memory that the targets may take there."""
SHUFFLE_LIMIT: Final = 2**24
"""Samples above which an epoch is no longer shuffled as a whole but drawn with replacement."""


class TrainingSamples:
    """Coordinates and targets of a signal, on the device that trains.

    Targets are mapped to [-1, 1]. They stay in the file's own type in host memory (or on disk, for
    long signals) and are mapped batch by batch; on a device with enough memory they are resident.
    """

    def __init__(self, signal: Signal, device: torch.device) -> None:
        self.spec = signal.spec
        self._device = device
        self.count = signal.spec.sample_count
        self._grid = Grid.of_signal(signal.spec, device)
        self._host = signal.samples.reshape(self.count, signal.spec.channels)
        self._resident: Tensor | None = None
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if self._host.size * 4 <= free * RESIDENT_SHARE:
                self._resident = torch.from_numpy(self.spec.to_unit(self._host)).to(device)

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return coordinates (batch, features) and targets (batch, channels), float32.

        `indices` (batch,) are sample numbers, int64, on the CPU.
        """
        on_device = indices.to(self._device, non_blocking=True)
        coordinates = self._grid.coordinates(on_device)
        if self._resident is not None:
            return coordinates, self._resident[on_device]
        values = self.spec.to_unit(np.take(self._host, indices.numpy(), axis=0))
        return coordinates, torch.from_numpy(values).to(self._device)

    def pieces(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples in order, in pieces of at most `size`."""
        for begin in range(0, self.count, size):
            yield self.batch(torch.arange(begin, min(begin + size, self.count)))


class BatchOrder:
    """Draws batches of sample numbers: shuffled epochs without replacement, batches of equal size.

    A signal smaller than the batch gives batches of all its samples. One too long to shuffle as a
    whole is drawn from with replacement.
    """

    def __init__(self, count: int, batch: int, generator: torch.Generator) -> None:
        self.size = min(batch, count)
        self._count = count
        self._generator = generator
        self._rest = torch.empty(0, dtype=torch.int64)
        self._order = self._rest
        self._position = 0
        self._before_epoch = generator.get_state()

    def draw(self) -> Tensor:
        """Return the next batch of sample numbers (size,), int64."""
        if self._count > SHUFFLE_LIMIT:
            return torch.randint(self._count, (self.size,), generator=self._generator)
        if self._position + self.size > len(self._order):
            # What is left of an epoch opens the next, so that every sample comes equally often.
            self._rest = self._order[self._position :].clone()
            self._before_epoch = self._generator.get_state()
            self._shuffle()
            self._position = 0
        batch = self._order[self._position : self._position + self.size]
        self._position += self.size
        return batch

    def state(self) -> dict[str, Tensor]:
        """Return where the order stands: not the epoch itself, but what it is shuffled from."""
        return {
            "order.generator": self._generator.get_state(),
            "order.before_epoch": self._before_epoch,
            "order.rest": self._rest,
            "order.position": torch.tensor([self._position, len(self._order)]),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` returned; raises ValueError for what cannot have come from it."""
        position, length = (int(value) for value in state["order.position"])
        self._rest = state["order.rest"]
        self._before_epoch = state["order.before_epoch"]
        self._order = torch.empty(0, dtype=torch.int64)
        if length:
            self._generator.set_state(self._before_epoch)
            self._shuffle()
        within = bool(((self._rest >= 0) & (self._rest < self._count)).all())
        if len(self._order) != length or not 0 <= position <= length or not within:
            raise ValueError("the order of the samples does not fit the signal")
        self._position = position
        self._generator.set_state(state["order.generator"])

    def _shuffle(self) -> None:
        epoch = torch.randperm(self._count, generator=self._generator)
        self._order = torch.cat([self._rest, epoch])
