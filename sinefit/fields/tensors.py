"""What a weights file's header says of its tensors, checked before one of them is made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from sinefit.fields.content import PIECE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sinefit.fields.content import Content

BYTE_TENSORS: Final = ("icc_profile", "soundtrack")
"""Fields of `SignalSpec` that are kept as tensors of bytes."""
STATE_PREFIX: Final = "state."
"""How the names of tensors begin that only a checkpoint has."""
STORAGE_TYPES: Final = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Types of stored weights, by their name in the header."""

_ITEM_BYTES: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}
"""Bytes of one value, by the name of its type in the header."""
_EXPONENTS: Final = {
    "float32": ("<u4", 0x7F800000),
    "float16": ("<u2", 0x7C00),
    "bfloat16": ("<u2", 0x7F80),
}
"""How many bits a stored weight has, and which of them are its exponent."""
NOT_FINITE: Final = "damaged weights file: some weights are not finite numbers"


class UnsoundError(Exception):
    """The content contradicts itself or the format; the message says how."""


def check_tensors(
    header: dict[str, Any], expected: Mapping[str, tuple[int, ...]], *, is_checkpoint: bool
) -> str:
    """Check that the header has tensors of these shapes and no others; return their type."""
    for name, shape in expected.items():
        entry = header.get(name)
        if not isinstance(entry, dict):
            raise UnsoundError(f"damaged weights file: tensor {name} is missing")
        if entry.get("dtype") not in STORAGE_TYPES or entry.get("shape") != list(shape):
            raise UnsoundError(f"damaged weights file: tensor {name} has a wrong type or shape")
    for name, entry in header.items():
        if name in expected or (is_checkpoint and name.startswith(STATE_PREFIX)):
            continue
        if name not in BYTE_TENSORS:
            raise UnsoundError(f"damaged weights file: tensor {name!r} does not belong there")
        if not isinstance(entry, dict) or entry.get("dtype") != "U8":
            raise UnsoundError(f"damaged weights file: tensor {name} has a wrong type")
    (*types,) = {header[name]["dtype"] for name in expected}
    if len(types) > 1:
        raise UnsoundError("damaged weights file: its tensors are of different types")
    return STORAGE_TYPES[types[0]]


def check_places(header: dict[str, Any], available: int) -> None:
    """Check that the tensors follow each other without a gap and end where the file does."""
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, last = entry["data_offsets"]
        size = math.prod(entry["shape"]) * _ITEM_BYTES[entry["dtype"]]
        # A number of JSON may equal a whole one without being one.
        whole = all(type(number) is int for number in (begin, last, *entry["shape"]))
        lowest = min(entry["shape"], default=0)
        if not whole or begin != end or last - begin != size or lowest < 0:
            raise UnsoundError(f"damaged weights file: tensor {name} lies where it cannot")
        end = last
    if end > available:
        raise UnsoundError("damaged weights file: it ends within its tensors; get another copy")
    if end < available:
        raise UnsoundError("damaged weights file: it goes on after its tensors; get another copy")


def check_finite(content: Content, storage: str, places: Iterable[tuple[int, int]]) -> None:
    """Check that all weights in these places are numbers, none of them NaN or infinite."""
    for begin, end in places:
        for first in range(begin, end, PIECE_BYTES):
            piece = content.read(first, min(first + PIECE_BYTES, end))
            if not _is_finite(piece, storage):
                raise UnsoundError(NOT_FINITE)


def _is_finite(piece: bytearray, storage: str) -> bool:
    """Tell whether no exponent is the one of NaN and infinity."""
    word, exponent = _EXPONENTS[storage]
    size = int(word[-1])
    highest = exponent >> 8 * (size - 1)
    usual = bytes(byte for byte in range(256) if byte & highest != highest)
    if not piece[size - 1 :: size].translate(None, delete=usual):
        return True
    # Weights so large are rare, and NumPy, which looks at them, takes long to load.
    import numpy as np

    bits = np.frombuffer(piece, word)
    return not bool(((bits & exponent) == exponent).any())
