"""What the readers of sounds share: how much is kept, its peak, and the spec that they make."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.signals.signal import SignalSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.signals.selection import Selection


def wanted_samples(selection: Selection, rate: int, most: int, name: str) -> tuple[int, int]:
    """Return the first sample to keep and how many, each of them at most `most`.

    Raises SettingError, which calls the file `name`, for less than a sample.
    """
    # Bounded before it is rounded: any finite number of seconds may be asked for.
    first = round(min(selection.start * rate, most))
    if selection.duration is None:
        return first, most
    wanted = round(min(selection.duration * rate, most))
    if wanted == 0:
        raise SettingError(
            f"`duration` is {selection.duration:g}: one sample of {name} takes {1 / rate:g} seconds"
        )
    return first, wanted


def start_too_late(selection: Selection, count: int, rate: int, name: str) -> SettingError:
    """Return the error for a start behind the `count` samples of the file `name`."""
    length = f"{count / rate:g}"
    return SettingError(f"`start` is {selection.start:g}: {name} is only {length} seconds long")


def peak_of(block: NDArray[np.float32], begin: int, rate: int, name: str) -> float:
    """Return the largest magnitude in a block of samples that begins at sample `begin`.

    Raises InputError, which calls the file `name`, when it is not finite.
    """
    peak = float(np.abs(block).max(initial=0.0))
    if not np.isfinite(peak):
        raise InputError(
            f"{name} holds samples that are not finite (near {begin / rate:.2f} s): "
            "repair the sound first"
        )
    return peak


def sound_spec(
    shape: tuple[int, int], rate: int, peak: float, format: str, bit_depth: int, encoding: str
) -> SignalSpec:
    """Return the spec of samples (count, channels) whose range is minus to plus their peak."""
    limit = peak if peak > 0 else 1.0
    return SignalSpec(
        kind="audio",
        shape=shape[:1],
        channels=shape[1],
        dtype="float32",
        low=-limit,
        high=limit,
        format=format,
        bit_depth=bit_depth,
        rate=Fraction(rate),
        encoding=encoding,
    )
