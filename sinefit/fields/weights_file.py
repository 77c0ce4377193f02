"""The weights file: a field in one self-describing safetensors file.

Tensors: the network's parameters by name, of a sine network `layers.0.weight` (fan_out, fan_in),
`layers.0.bias` (fan_out,) and so on, in effective weights, and the bytes of `icc_profile` and
`soundtrack` where the signal has them. Of a field of several blocks each parameter has the blocks
as a first axis, by their number. Metadata: the keys below, each but the first three a JSON object.

| key | content |
|---|---|
| `format` | "sinefit" |
| `format_version` | "1"; "2" of several blocks |
| `tool_version` | the sinefit that wrote the file |
| `signal` | the fields of `SignalSpec`, without the bytes that are tensors |
| `network` | of each block `family`, its `settings` if any, the fields of `NetworkSize` |
| `fit` | the fields of `FitRecord` |
| `blocks` | of several: `counts` and `margins`, a number per axis, as in `BlockGrid` |
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import math
from typing import TYPE_CHECKING

import torch

from sinefit.errors import InputError, SettingError
from sinefit.fields.content import PIECE_BYTES, MemoryContent, open_content
from sinefit.fields.field import Field
from sinefit.fields.metadata import header_of, make_metadata
from sinefit.fields.safetensors_writing import Stored, safetensors_pieces
from sinefit.fields.tensors import BYTE_TENSORS, NOT_FINITE
from sinefit.memory import check_memory
from sinefit.networks.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sinefit.fields.content import Content
    from sinefit.fields.metadata import WeightsHeader
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import SignalSpec


def encode_field(
    field: Field,
    storage: torch.dtype = torch.float32,
    *,
    state: Mapping[str, torch.Tensor] | None = None,
    checkpoint: str | None = None,
) -> bytes:
    """Return the weights file of a field; `storage` is the type of the stored weights.

    `state` and `checkpoint` are the further tensors and the metadata that make it a checkpoint.
    Raises SettingError where that type cannot hold the weights, and for a field read in part.
    """
    return b"".join(field_pieces(field, storage, state=state, checkpoint=checkpoint))


def field_pieces(
    field: Field,
    storage: torch.dtype = torch.float32,
    *,
    state: Mapping[str, torch.Tensor] | None = None,
    checkpoint: str | None = None,
) -> Iterator[bytes]:
    """Return what `encode_field` does, to be written piece by piece, some megabytes each."""
    network = field.network
    if field.numbers is not None:
        raise SettingError("a field that was read in part cannot be saved: read the whole of it")
    check_holds(storage, network)
    tensors = {
        name: Stored(values if field.blocks.count > 1 else values[0], storage)
        for name, values in network.parameters.items()
    }
    for name in BYTE_TENSORS:
        content = getattr(field.spec, name)
        if content:
            tensors[name] = _as_it_is(torch.frombuffer(bytearray(content), dtype=torch.uint8))
    tensors |= {name: _as_it_is(tensor) for name, tensor in (state or {}).items()}
    metadata = make_metadata(field.spec, network.family, network.size, field.blocks, field.record)
    if checkpoint is not None:
        metadata["checkpoint"] = checkpoint
    return safetensors_pieces(tensors, metadata)


def check_holds(storage: torch.dtype, network: Network) -> None:
    """Raise SettingError unless a type can hold a stack's weights."""
    smallest, largest = (float(value) for value in network.values.detach().aminmax())
    largest = max(-smallest, largest)
    if torch.finfo(storage).max < largest < float("inf"):
        name = str(storage).removeprefix("torch.")
        raise SettingError(f"`dtype` is {name}: it cannot hold weights of {largest:g}; use float32")


def _as_it_is(tensor: torch.Tensor) -> Stored:
    return Stored(tensor, tensor.dtype)


def read_field(path: Path, axes: Sequence[GridAxis] | None = None) -> Field:
    """Read a weights file; raises InputError for anything that is not a sound one.

    With `axes` only the blocks are read that a grid of them touches.
    """
    with open_field(path) as stored:
        return stored.field(axes)


def decode_field(content: bytes, name: str) -> Field:
    """Return the field in a weights file's bytes; `name` is what error messages call the file."""
    return StoredField(MemoryContent(content, name)).field()


@contextlib.contextmanager
def open_field(path: Path) -> Iterator[StoredField]:
    """Open a weights file, to read of it what is needed.

    Raises InputError for anything that is not a sound one.
    """
    with open_content(path) as content:
        yield StoredField(content)


class StoredField:
    """A field in a weights file, of which the header has been checked and no weight read."""

    def __init__(
        self,
        content: Content,
        piece_bytes: int = PIECE_BYTES,
        *,
        header: WeightsHeader | None = None,
    ) -> None:
        """Read the header unless it is given, and later `piece_bytes` at a time.

        Raises InputError if the header is not sound.
        """
        self._content = content
        self._piece_bytes = piece_bytes
        self.header = header_of(content) if header is None else header

    @functools.cached_property
    def spec(self) -> SignalSpec:
        """The fitted signal."""
        places = self.header.places
        icc_profile, soundtrack = (
            bytes(self._content.read(*places[name])) if name in places else None
            for name in BYTE_TENSORS
        )
        return dataclasses.replace(self.header.spec, icc_profile=icc_profile, soundtrack=soundtrack)

    def field(self, axes: Sequence[GridAxis] | None = None) -> Field:
        """Read the field, with `axes` only the blocks that a grid of them touches.

        Raises InputError for weights that are not finite, MemoryLimitError for more than there is
        room for.
        """
        header = self.header
        blocks = header.blocks
        numbers = None if axes is None else tuple(blocks.touched(axes))
        if numbers is not None and len(numbers) == blocks.count:
            numbers = None
        network = self._network(range(blocks.count) if numbers is None else numbers)
        return Field(network, self.spec, header.record, blocks, numbers)

    def _network(self, numbers: Sequence[int]) -> Network:
        """Read the members with rising numbers."""
        header = self.header
        count = header.family.parameter_count(header.size)
        check_memory(
            4 * count * len(numbers),
            f"{self._content.name}: its weights need {{}} in memory",
            "render a part of it",
        )
        network = Network(header.family, header.size, torch.empty((len(numbers), count)))
        storage = getattr(torch, header.storage)
        for name, rows in network.parameters.items():
            row_bytes = math.prod(rows.shape[1:]) * storage.itemsize
            for row, begin, end in _runs(numbers, max(1, self._piece_bytes // row_bytes)):
                start = header.places[name][0]
                piece = self._content.read(start + begin * row_bytes, start + end * row_bytes)
                target = rows[row : row + end - begin]
                target.copy_(torch.frombuffer(piece, dtype=storage).view(target.shape))
                if not bool(target.isfinite().all()):
                    raise InputError(f"{self._content.name}: {NOT_FINITE}")
        return network


def _runs(numbers: Sequence[int], most: int) -> Iterator[tuple[int, int, int]]:
    """Yield runs of rising numbers as the place of the first, itself and the first behind them.

    No run is longer than `most`.
    """
    place = 0
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        begin, length = numbers[place], sum(1 for _ in run)
        for first in range(0, length, most):
            last = min(first + most, length)
            yield place + first, begin + first, begin + last
        place += length
