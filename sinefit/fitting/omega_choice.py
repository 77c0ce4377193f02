"""What a fit can be told of its first layer's frequencies: numbers, shares of Nyquist, or auto.

As text, "auto" leaves them to the signal, "30" is a number for all axes, "90,60" one per axis, and
"nyquist" or "0.5nyquist" takes the place of a number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sinefit.errors import SettingError
from sinefit.validation import number, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

AUTO: Final = "auto"
_UNIT: Final = "nyquist"


@dataclass(frozen=True)
class NyquistShare:
    """A share of an axis's Nyquist frequency, the highest that its samples can hold.

    As text "nyquist" or, with the share in front, "0.5nyquist".
    """

    share: float = 1.0

    def __str__(self) -> str:
        return _UNIT if self.share == 1.0 else f"{self.share!r}{_UNIT}"


OmegaChoice = tuple[float | NyquistShare, ...] | Literal["auto"] | None
"""One factor for all axes or one per axis; "auto" derives them from the signal's spectrum, None
leaves them to the recipe."""


def parse_omega(text: str) -> tuple[float | NyquistShare, ...] | Literal["auto"]:
    """Read "auto", one factor, or several with commas between them.

    Raises `SettingError` for anything else.
    """
    if text.strip().lower() == AUTO:
        return AUTO
    try:
        return tuple(_factor(part) for part in text.split(","))
    except ValueError as error:
        raise SettingError(
            f"`omega` is {text!r}: write auto, a number, or one per axis: 90,60; "
            "nyquist or 0.5nyquist may stand for a number"
        ) from error


def omega_text(omega: Iterable[float | NyquistShare] | Literal["auto"]) -> str:
    """Return what `parse_omega` takes, numbers to six digits."""
    if omega == AUTO:
        return AUTO
    return ",".join(
        str(factor) if isinstance(factor, NyquistShare) else f"{factor:g}" for factor in omega
    )


def checked_omega(omega: object) -> tuple[float | NyquistShare, ...] | Literal["auto"]:
    """Return one factor or several as a tuple, or "auto".

    Raises SettingError for another text, and unless all factors are above 0.
    """
    if isinstance(omega, str):
        return checked_omega(parse_omega(omega)) if omega != AUTO else AUTO
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
