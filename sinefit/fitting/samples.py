"""The samples of a signal as training sees them: coordinates and targets by index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.signals.signal import Signal

RESIDENT_SHARE: Final = 0.25
"""Share of a device's free memory that coordinates and targets may take there."""
RESIDENT_PIECE: Final = 2**20
"""Samples that are mapped and sent to the device at a time."""
SHUFFLE_LIMIT: Final = 2**24
"""Samples above which an epoch is no longer shuffled as a whole but drawn with replacement."""


class TrainingSamples:
    """Coordinates and targets of a signal, on the device that trains.

    Targets are mapped to [-1, 1]. They stay in the file's own type in host memory (or on disk, for
    long signals) and are mapped batch by batch; on a CUDA device with enough memory they are
    resident, together with the coordinates.
    """

    def __init__(self, signal: Signal, device: torch.device) -> None:
        self.spec = signal.spec
        self.device = device
        self.count = signal.spec.sample_count
        self._grid = Grid.of_signal(signal.spec, device)
        self._host = signal.samples.reshape(self.count, signal.spec.channels)
        self._table = _unit_table(signal)
        self._resident: Tensor | None = None
        features = signal.spec.coordinate_features
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if self.count * (features + signal.spec.channels) * 4 <= free * RESIDENT_SHARE:
                self.make_resident()

    @property
    def resident(self) -> bool:
        """Whether a batch takes nothing but its sample numbers, which may then be on the device."""
        return self._resident is not None

    def make_resident(self) -> None:
        """Put coordinates and targets of all samples side by side in the device's memory."""
        features = self.spec.coordinate_features
        rows = torch.empty((self.count, features + self.spec.channels), device=self.device)
        for begin in range(0, self.count, RESIDENT_PIECE):
            piece = torch.arange(begin, min(begin + RESIDENT_PIECE, self.count))
            coordinates, targets = self.batch(piece)
            rows[begin : begin + len(piece), :features] = coordinates
            rows[begin : begin + len(piece), features:] = targets
        self._resident = rows

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return coordinates (batch, features) and targets (batch, channels), float32.

        `indices` (batch,) are sample numbers, int64, on the CPU or, of resident samples, anywhere.
        """
        on_device = indices.to(self.device, non_blocking=True)
        if self._resident is not None:
            rows = self._resident.index_select(0, on_device)
            features = self.spec.coordinate_features
            return rows[:, :features], rows[:, features:]
        coordinates = self._grid.coordinates(on_device)
        values = np.take(self._host, indices.numpy(), axis=0)
        # Looking values up takes a tenth of the time of mapping them.
        mapped = self.spec.to_unit(values) if self._table is None else self._table[values]
        return coordinates, torch.from_numpy(mapped).to(self.device)

    def pieces(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples in order, in pieces of at most `size`."""
        for begin in range(0, self.count, size):
            yield self.batch(torch.arange(begin, min(begin + size, self.count)))


def _unit_table(signal: Signal) -> NDArray[np.float32] | None:
    """Return what each value of a type of 8 or 16 bits is mapped to, None for other types."""
    if np.dtype(signal.spec.dtype) not in (np.uint8, np.uint16):
        return None
    values = np.arange(np.iinfo(signal.spec.dtype).max + 1)
    return signal.spec.to_unit(values)


class BatchOrder:
    """Draws batches of sample numbers: shuffled epochs without replacement, batches of equal size.

    A signal smaller than the batch gives batches of all its samples. One too long to shuffle as a
    whole is drawn from with replacement. The numbers are on the generator's device.
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

    def draw(self) -> Tensor:
        """Return the next batch of sample numbers (size,), int64."""
        if self._count > SHUFFLE_LIMIT:
            return torch.randint(
                self._count, (self.size,), generator=self._generator, device=self._device
            )
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
