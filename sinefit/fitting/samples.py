"""The samples of a signal as training sees them: coordinates and targets by index.

Those that are held out have no index here: training cannot ask for them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import torch

from sinefit.fitting.choice import SampleChoice
from sinefit.signals.grid import Grid
from sinefit.signals.signal import to_unit
from sinefit.signals.storage import let_go

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.fitting.holdout import Holdout
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal, SignalSpec, Targets

RESIDENT_SHARE: Final = 0.25
"""Share of a device's free memory that coordinates and targets may take there."""
RESIDENT_PIECE: Final = 2**20
"""Samples that are mapped and sent to the device at a time."""
SHAPES_KEPT: Final = 8
"""Shapes of blocks whose coordinates are kept: along a row of blocks there are a few."""
TABLE_BYTES: Final = 2**28
"""Bytes of all blocks' tables up to which they are kept."""


class TrainingSamples:
    """Coordinates and targets of a signal's fitted samples, on the device that trains.

    Samples are mapped to the spec's `targets`. They stay in the file's own type in host memory (or
    on disk, for long signals) and are mapped batch by batch; on a CUDA device with enough memory
    they are resident, together with the coordinates.
    """

    def __init__(
        self,
        signal: Signal,
        device: torch.device,
        fitted: NDArray[np.int64] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Take a signal and the numbers of its samples to train on, None for all.

        Coordinates and targets are handed out in float32 or float64.
        """
        self.spec = signal.spec
        self.device = device
        self.dtype = dtype
        self.count = signal.spec.sample_count if fitted is None else len(fitted)
        """Samples to train on."""
        self._fitted = None if fitted is None else torch.from_numpy(fitted)
        self._grid = Grid.of_signal(signal.spec, device, exact=dtype == torch.float64)
        self._host = signal.samples.reshape(signal.spec.sample_count, signal.spec.channels)
        self._resident: Tensor | None = None
        features = signal.spec.coordinate_features
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            row = (features + signal.spec.channels) * dtype.itemsize
            if self.count * row <= free * RESIDENT_SHARE:
                self.make_resident()

    @property
    def resident(self) -> bool:
        """Whether a batch takes nothing but its sample numbers, which may then be on the device."""
        return self._resident is not None

    def make_resident(self) -> None:
        """Keep coordinates and targets of all samples in the device's memory."""
        self._resident = self.rows()

    def rows(self) -> Tensor:
        """Return coordinates and targets of all samples side by side, on the device.

        They have the shape (count, features + channels).
        """
        features = self.spec.coordinate_features
        shape = (self.count, features + self.spec.channels)
        rows = torch.empty(shape, device=self.device, dtype=self.dtype)
        for begin in range(0, self.count, RESIDENT_PIECE):
            piece = torch.arange(begin, min(begin + RESIDENT_PIECE, self.count))
            coordinates, targets = self.batch(piece)
            rows[begin : begin + len(piece), :features] = coordinates
            rows[begin : begin + len(piece), features:] = targets
        return rows

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return coordinates (batch, features) and targets (batch, channels).

        `indices` (batch,) count the samples to train on, int64, on the CPU or, of resident samples,
        anywhere.
        """
        if self._resident is None and self._fitted is not None:
            indices = self._fitted[indices]
        on_device = indices.to(self.device, non_blocking=True)
        if self._resident is not None:
            rows = self._resident.index_select(0, on_device)
            features = self.spec.coordinate_features
            return rows[:, :features], rows[:, features:]
        coordinates = self._grid.coordinates(on_device)
        values = np.take(self._host, indices.numpy(), axis=0)
        let_go(self._host)
        return coordinates, _targets(self.spec, values, self.dtype).to(self.device)

    def pieces(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples in order, in pieces of at most `size`."""
        for begin in range(0, self.count, size):
            yield self.batch(torch.arange(begin, min(begin + size, self.count)))


def _targets(spec: SignalSpec, values: NDArray[np.generic], dtype: torch.dtype) -> Tensor:
    """Return what samples are mapped to, on the CPU."""
    name = str(dtype).removeprefix("torch.")
    table = _target_table(spec.dtype, spec.low, spec.high, spec.targets, name)
    if table is None:
        return torch.from_numpy(spec.to_unit(values, name))
    # Looking values up takes a tenth of the time of mapping them.
    return torch.from_numpy(table[values])


@lru_cache(maxsize=4)
def _target_table(
    dtype: str, low: float, high: float, targets: Targets, target_dtype: str
) -> NDArray[np.floating] | None:
    """Return what each value of a type of 8 or 16 bits is mapped to, None for other types."""
    if np.dtype(dtype) not in (np.uint8, np.uint16):
        return None
    values = np.arange(np.iinfo(dtype).max + 1)
    return to_unit(values, low, high, targets, target_dtype)


class PartSource(Protocol):
    """Where the samples of blocks are from."""

    def part(self, number: int) -> Signal:
        """Return what a block reaches of the signal, as a signal of its own."""

    def fitted(self, number: int) -> NDArray[np.int64] | None:
        """Return which of those samples it is fitted to, None for all."""

    def let_go(self) -> None:
        """Have the system take back the memory of samples in a file."""


class _WholeSignal:
    """A signal that is here as a whole."""

    def __init__(self, signal: Signal, blocks: BlockGrid, holdout: Holdout | None) -> None:
        self._signal = signal
        self._blocks = blocks
        self._choice = SampleChoice.of(signal, holdout)

    def part(self, number: int) -> Signal:
        return self._blocks.part(self._signal, number)

    def fitted(self, number: int) -> NDArray[np.int64] | None:
        return self._choice.fitted_in(self._blocks, number)

    def let_go(self) -> None:
        let_go(self._signal.samples)


class PartSamples:
    """The samples of a signal to train on, by block."""

    _whole: TrainingSamples | None

    def __init__(
        self,
        signal: Signal,
        blocks: BlockGrid,
        device: torch.device,
        *,
        dtype: torch.dtype = torch.float32,
        keeps: bool | None = None,
        holdout: Holdout | None = None,
    ) -> None:
        """Take a signal without the samples to hold out.

        `keeps` tells whether tables are kept, None: as far as they fit. Coordinates and targets are
        handed out in float32 or float64.
        """
        source = _WholeSignal(signal, blocks, holdout)
        keeps = tables_fit(signal.spec, blocks) if keeps is None else keeps
        self._set_up(source, blocks, device, dtype, keeps=keeps)
        if blocks.count == 1:
            self._whole = TrainingSamples(signal, device, self._fitted(0), dtype)

    @classmethod
    def of_source(
        cls, source: PartSource, blocks: BlockGrid, device: torch.device, dtype: torch.dtype
    ) -> PartSamples:
        """Return the samples of some of several blocks, whose tables are kept."""
        found = cls.__new__(cls)
        found._set_up(source, blocks, device, dtype, keeps=True)
        return found

    def _set_up(
        self,
        source: PartSource,
        blocks: BlockGrid,
        device: torch.device,
        dtype: torch.dtype,
        *,
        keeps: bool,
    ) -> None:
        self.blocks = blocks
        self.device = device
        self.keeps = keeps
        """Whether tables are kept, once they are made."""
        self._source = source
        self._dtype = dtype
        self._whole = None
        self._tables: dict[int, Tensor] = {}
        self._coordinates: dict[tuple[int, ...], Tensor] = {}

    def part(self, number: int) -> Signal:
        """Return what a block reaches of the signal."""
        return self._source.part(self.blocks.in_first_covering(number))

    def of(self, number: int) -> TrainingSamples:
        """Return the samples of a block."""
        if self._whole is not None:
            return self._whole
        part = self.part(number)
        return TrainingSamples(part, self.device, self._fitted(number), self._dtype)

    def count_in(self, number: int) -> int:
        """Return how many samples a block has."""
        if self._whole is not None:
            return self._whole.count
        fitted = self._fitted(number)
        return self.blocks.samples_in(number) if fitted is None else len(fitted)

    def table(self, number: int) -> Tensor:
        """Return coordinates and targets of a block, see `TrainingSamples.rows`."""
        number = self.blocks.in_first_covering(number)  # one table serves an ensemble
        kept = self._tables.get(number)
        if kept is None:
            kept = self._rows(number) if self._whole is None else self._whole.rows()
            if self.keeps:
                self._tables[number] = kept
        return kept

    def rows_at(self, number: int, indices: Tensor) -> Tensor:
        """Return rows of the table of one of several blocks, by their numbers (count,), int64.

        They take less time than all of a large block.
        """
        part = self.part(number)
        spec = part.spec
        fitted = self._fitted(number)
        if fitted is not None:
            indices = torch.from_numpy(fitted[indices.numpy()])
        values = part.samples[np.unravel_index(indices.numpy(), spec.shape)]
        self._source.let_go()
        targets = _targets(spec, values, self._dtype)
        return torch.cat([self._coordinates_of(spec)[indices], targets], dim=1).to(self.device)

    def _rows(self, number: int) -> Tensor:
        """Return the table of one of several blocks."""
        if self._fitted(number) is not None:
            return self.rows_at(number, torch.arange(self.count_in(number)))
        part = self.part(number)
        spec = part.spec
        axes, values = spec.axes, part.samples.reshape(spec.sample_count, spec.channels)
        rows = torch.empty((spec.sample_count, axes + spec.channels), dtype=self._dtype)
        rows[:, :axes] = self._coordinates_of(spec)
        for begin in range(0, len(values), RESIDENT_PIECE):
            piece = values[begin : begin + RESIDENT_PIECE]
            rows[begin : begin + len(piece), axes:] = _targets(spec, piece, self._dtype)
        self._source.let_go()
        return rows.to(self.device)

    def _fitted(self, number: int) -> NDArray[np.int64] | None:
        """Return which of the samples that a block reaches it has, None for all."""
        return self._source.fitted(self.blocks.in_first_covering(number))

    def _coordinates_of(self, spec: SignalSpec) -> Tensor:
        """Return the coordinates of all samples of a block (count, axes), on the CPU.

        They are those of all blocks of its shape, of which there are few.
        """
        found = self._coordinates.pop(spec.shape, None)
        if found is None:
            grid = Grid.of_signal(spec, exact=self._dtype == torch.float64)
            found = grid.coordinates(torch.arange(spec.sample_count))
        if len(self._coordinates) == SHAPES_KEPT:
            self._coordinates.pop(next(iter(self._coordinates)))
        self._coordinates[spec.shape] = found  # the last of the dictionary, whose first goes next
        return found


def tables_fit(spec: SignalSpec, blocks: BlockGrid) -> bool:
    """Tell whether the tables of all blocks of a signal are kept, once they are made."""
    row = spec.axes + spec.channels
    most = math.prod(axis.size + 2 * axis.margin * axis.count for axis in blocks.axes)
    return 4 * row * most <= TABLE_BYTES
