"""The array formats: NumPy's .npy files, and .npz archives of one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.errors import OutputError
from sinefit.signals.table import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.signals.signal import SignalSpec

ARRAY_FORMATS: Mapping[str, Format] = {
    "npy": Format((".npy",), signature=rb"\x93NUMPY"),
    "npz": Format((".npz",), written=False),
}
"""How each format is named and told, by the format's name."""


def check_array_writable(spec: SignalSpec, format: str) -> None:
    """Raise OutputError when `format` cannot hold the samples; .npy holds those of every signal."""
    if format not in ARRAY_FORMATS or not ARRAY_FORMATS[format].written:
        raise OutputError(f"format {format} cannot hold {spec.kind}: arrays are written as npy")
