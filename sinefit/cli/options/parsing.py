"""Reading the values of options: durations, rates, sizes, scales, regions."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from sinefit.errors import SettingError

_SECONDS: Final = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0}
_RATE: Final = r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|[0-9]{1,18}/[0-9]{1,18})"
_NUMBER: Final = r"(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"


def parse_seconds(flag: str, text: str) -> float:
    """Read a duration: "90", "90s", "1.5m", "250ms", "2h"."""
    match = re.fullmatch(rf"({_NUMBER})\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in _SECONDS:
        raise SettingError(f"{flag} is {text!r}: write seconds, or a number with s, m or h: 90s")
    return float(match[1]) * _SECONDS[match[2]]


def parse_scale(text: str) -> tuple[float, ...]:
    """Read `--scale`: a number, or several with x between them."""
    try:
        return tuple(float(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise SettingError(
            f"--scale is {text!r}: write a number, or width and height: 2x3"
        ) from error


def parse_size(text: str) -> tuple[int | None, ...]:
    """Read `--size`: whole numbers with x between them; a side that is left out is None."""
    parts = [part.strip() for part in text.lower().split("x")]
    try:
        if not any(parts):
            raise ValueError(text)
        return tuple(int(part) if part else None for part in parts)
    except ValueError as error:
        raise SettingError(
            f"--size is {text!r}: write width and height, 3000x2000, or one of them: 3000x"
        ) from error


def parse_rate(flag: str, text: str) -> Fraction:
    """Read a rate: "96000", "29.97", "30000/1001"; it must be greater than 0."""
    try:
        # No exponents and no endless digits: an exact fraction of them could take any memory.
        if re.fullmatch(_RATE, text.strip()) is None:
            raise ValueError(text)
        rate = Fraction(text.strip())
    except ZeroDivisionError:
        raise SettingError(f"{flag} is {text!r}: nothing can be divided by 0") from None
    except ValueError as error:
        raise SettingError(f"{flag} is {text!r}: write a number or a ratio: 30000/1001") from error
    if rate <= 0:
        raise SettingError(f"{flag} is {text!r}: it must be greater than 0")
    return rate


def parse_region(text: str) -> tuple[float, float, float, float]:
    """Read `--region`: "X,Y,W,H"."""
    try:
        numbers = [float(part) for part in text.split(",")]
        x, y, width, height = numbers
    except ValueError as error:
        raise SettingError(f"--region is {text!r}: write X,Y,WIDTH,HEIGHT in pixels") from error
    return x, y, width, height


def parse_pixel_region(text: str) -> tuple[int, int, int, int]:
    """Read `--region` in whole pixels."""
    region = parse_region(text)
    if not all(number.is_integer() for number in region):
        raise SettingError(f"--region is {text!r}: to fit a part, write whole pixels")
    x, y, width, height = region
    return int(x), int(y), int(width), int(height)
