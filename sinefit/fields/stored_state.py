"""The tensors of a checkpoint that are no field, read when they are asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from sinefit.engines.state import PiecewiseState
from sinefit.fields.content import PIECE_BYTES
from sinefit.fields.safetensors_writing import TYPES
from sinefit.fields.tensors import STATE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from sinefit.fields.content import Content
    from sinefit.fields.metadata import WeightsHeader


class StoredState(PiecewiseState):
    """The state of a training in a checkpoint's file, of which nothing is kept in memory."""

    def __init__(
        self, content: Content, header: WeightsHeader, piece_bytes: int = PIECE_BYTES
    ) -> None:
        """Take a file whose header has been read; raises ValueError for an unknown type."""
        types = {name: dtype for dtype, name in TYPES.items()}
        self._content = content
        self._piece_bytes = piece_bytes
        self._entries: dict[str, tuple[torch.dtype, tuple[int, ...], int]] = {}
        for key, (kind, shape) in header.kinds.items():
            if key.startswith(STATE_PREFIX):
                if kind not in types:
                    raise ValueError(f"a tensor of its state is of type {kind}")
                entry = types[kind], shape, header.places[key][0]
                self._entries[key.removeprefix(STATE_PREFIX)] = entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, name: str) -> Tensor:
        """Read a tensor; raises InputError if the file cannot be read."""
        dtype, shape, begin = self._entries[name]
        return self._read(dtype, shape, begin)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape; raises KeyError for a name that there is not."""
        return self._entries[name][1]

    def pieces(self, name: str) -> Iterator[Tensor]:
        """Yield consecutive rows of a tensor's first axis, some megabytes at a time."""
        dtype, shape, begin = self._entries[name]
        row = shape[1:]
        row_bytes = math.prod(row) * dtype.itemsize
        rows = max(1, self._piece_bytes // max(1, row_bytes))
        for first in range(0, shape[0], rows):
            count = min(rows, shape[0] - first)
            yield self._read(dtype, (count, *row), begin + first * row_bytes)

    def _read(self, dtype: torch.dtype, shape: tuple[int, ...], begin: int) -> Tensor:
        size = math.prod(shape) * dtype.itemsize
        if size == 0:
            return torch.empty(shape, dtype=dtype)
        return torch.frombuffer(self._content.read(begin, begin + size), dtype=dtype).view(shape)
