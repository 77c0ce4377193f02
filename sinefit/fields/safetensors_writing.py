"""The safetensors format, written piece by piece: no copy of all tensors is ever in memory.

The bytes are those of the safetensors library, with the metadata in order: it writes them in one
that differs from run to run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from sinefit.fields.content import PIECE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TYPES: Final[Mapping[torch.dtype, str]] = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int32: "I32",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.int64: "I64",
}
"""Names of types in the header. Tensors are stored by type, the last of these first."""


@dataclass(frozen=True)
class Stored:
    """A tensor and the type that it is stored in."""

    tensor: torch.Tensor
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        """What it takes in the file."""
        return self.tensor.numel() * self.dtype.itemsize


def safetensors_pieces(
    tensors: Mapping[str, Stored], metadata: Mapping[str, str], piece_bytes: int = PIECE_BYTES
) -> Iterator[bytes]:
    """Yield the bytes of a safetensors file, its header first, then `piece_bytes` at a time.

    What is more than that is a single row of a tensor's first axis.
    """
    order = list(TYPES)
    names = sorted(tensors, key=lambda name: (-order.index(tensors[name].dtype), name))
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name in names:
        stored = tensors[name]
        begin, end = end, end + stored.bytes
        header[name] = {
            "dtype": TYPES[stored.dtype],
            "shape": list(stored.tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        yield from _pieces(tensors[name], piece_bytes)


def _pieces(stored: Stored, piece_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of a tensor by rows of its first axis."""
    tensor = stored.tensor.detach()
    tensor = tensor.reshape(1) if tensor.ndim == 0 else tensor
    row_bytes = math.prod(tensor.shape[1:]) * stored.dtype.itemsize
    rows = max(1, piece_bytes // max(1, row_bytes))
    for first in range(0, len(tensor), rows):
        flat = tensor[first : first + rows].to("cpu", stored.dtype).contiguous().view(-1)
        yield flat.view(torch.uint8).numpy().tobytes()
