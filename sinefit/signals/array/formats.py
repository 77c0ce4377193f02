"""The array formats: NumPy's .npy files, and .npz archives of one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.signals.signal import SignalSpec

ARRAY_FORMATS: Mapping[str, tuple[str, ...]] = {"npy": (".npy",), "npz": (".npz",)}
"""Format name -> endings of file names with the dot."""

ARRAY_WRITTEN = ("npy",)
"""The names of the formats that arrays are written in."""


def check_array_writable(spec: SignalSpec, format: str) -> None:
    """Raise OutputError when `format` cannot hold the samples; .npy holds those of every signal."""
    if format not in ARRAY_WRITTEN:
        raise OutputError(f"format {format} cannot hold {spec.kind}: arrays are written as npy")
