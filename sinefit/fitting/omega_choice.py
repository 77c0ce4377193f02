"""What a fit can be told of its first layer's frequencies: numbers, shares of Nyquist, or nothing.

As text, "auto" leaves them to the signal, "30" is a number for all axes, "90,60" one per axis, and
"nyquist" or "0.5nyquist" takes the place of a number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.errors import SettingError
from sinefit.validation import number, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNIT: Final = "nyquist"


@dataclass(frozen=True)
class NyquistShare:
    """A share of an axis's Nyquist frequency, the highest that its samples can hold.

    As text "nyquist" or, with the share in front, "0.5nyquist".
    """

    share: float = 1.0

    def __str__(self) -> str:
        return _UNIT if self.share == 1.0 else f"{self.share!r}{_UNIT}"


OmegaChoice = tuple[float | NyquistShare, ...] | None
"""One factor for all axes or one per axis; None derives them from the signal's spectrum."""


def parse_omega(text: str) -> OmegaChoice:
    """Read "auto", one factor, or several with commas between them.

    Raises `SettingError` for anything else.
    """
    if text.strip().lower() == "auto":
        return None
    try:
        return tuple(_factor(part) for part in text.split(","))
    except ValueError as error:
        raise SettingError(
            f"`omega` is {text!r}: write auto, a number, or one per axis: 90,60; "
            "nyquist or 0.5nyquist may stand for a number"
        ) from error


def omega_text(omega: Iterable[float | NyquistShare]) -> str:
    """Return factors as `parse_omega` takes them, numbers to six digits."""
    return ",".join(
        str(factor) if isinstance(factor, NyquistShare) else f"{factor:g}" for factor in omega
    )


def checked_omega(omega: object) -> tuple[float | NyquistShare, ...]:
    """Return one factor or several as a tuple; raises SettingError unless all are above 0."""
    given = omega if isinstance(omega, tuple | list) else (omega,)
    found: tuple[float | NyquistShare, ...]
    if any(isinstance(factor, NyquistShare) for factor in given):
        found = tuple(
            factor if isinstance(factor, NyquistShare) else number("omega", factor)
            for factor in given
        )
    else:
        found = numbers("omega", omega)
    values = (factor.share if isinstance(factor, NyquistShare) else factor for factor in found)
    if not all(math.isfinite(value) and value > 0.0 for value in values):
        raise SettingError(f"`omega` is {omega_text(found)}: every factor must be greater than 0")
    return found


def _factor(word: str) -> float | NyquistShare:
    """Read one factor; raises ValueError for what is none."""
    match = re.fullmatch(rf"(.*){_UNIT}", word.strip().lower())
    if match is None:
        return float(word)
    return NyquistShare(float(match[1]) if match[1] else 1.0)
