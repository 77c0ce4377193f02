"""Settings that a caller gives, checked for their type and range and brought into one form.

NumPy numbers, arrays and tensors stand for the numbers they hold. Each function raises SettingError
with the setting's name, its value and what would be right.
"""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, SupportsFloat

from sinefit.errors import SettingError

THREADS_PER_CORE: Final = 4
"""Most threads per core: some more than one repeat a fit of a larger machine bit by bit, many only
wait for one another."""


def whole_number(name: str, value: object, *, least: int = 1, most: int | None = None) -> int:
    """Return a whole number within bounds; a float that is whole is one."""
    plain = _unboxed(value)
    try:
        if isinstance(plain, bool):
            raise TypeError
        is_whole = isinstance(plain, float) and plain.is_integer()
        number = int(plain) if is_whole else operator.index(plain)
    except TypeError:
        raise refusal(name, value, "a whole number") from None
    if number < least or (most is not None and number > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise SettingError(f"`{name}` is {shown(number)}: it must be {bounds}")
    return number


def number(name: str, value: object, wanted: str = "a number") -> float:
    """Return a number of any size, infinity and NaN among them; `wanted` says what would be."""
    plain = _unboxed(value)
    is_one = isinstance(plain, SupportsFloat) and not hasattr(plain, "shape")
    if isinstance(plain, bool) or not is_one:
        raise refusal(name, value, wanted)
    try:
        return float(plain)
    except OverflowError:
        return math.inf if plain > 0 else -math.inf


def positive(name: str, value: object, unit: str = "") -> float:
    """Return a finite number above 0; `unit` follows the 0 in the message."""
    wanted = f"more than 0 {unit}" if unit else "greater than 0"
    found = number(name, value, wanted)
    if not (math.isfinite(found) and found > 0):
        raise SettingError(f"`{name}` is {found:g}: it must be {wanted}")
    return found


def seconds(name: str, value: object) -> float:
    """Return a finite number of seconds above 0."""
    return positive(name, value, "seconds")


def numbers(name: str, value: object, count: int | None = None) -> tuple[float, ...]:
    """Return one number, or several in a sequence or an array; `count` of them where it is given.

    Their size is left to the caller.
    """
    wanted = "a number, or several" if count is None else f"{count} numbers"
    return tuple(number(name, item, wanted) for item in _items(name, value, count, wanted))


def whole_numbers(name: str, value: object, count: int | None = None) -> tuple[int, ...]:
    """Return whole numbers of up to 64 bits, as `numbers` does."""
    wanted = "whole numbers" if count is None else f"{count} whole numbers"
    found = []
    for item in _items(name, value, count, wanted):
        try:
            found.append(whole_number(name, item, least=-(2**63), most=2**63 - 1))
        except SettingError:
            raise refusal(name, value, wanted) from None
    return tuple(found)


def fraction(name: str, value: object) -> Fraction:
    """Return a finite number as an exact fraction."""
    plain = _unboxed(value)
    if isinstance(plain, bool | str):
        raise refusal(name, value, "a number")
    try:
        return Fraction(plain)
    except (TypeError, ValueError, OverflowError):
        raise refusal(name, value, "a number") from None


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise SettingError unless a value is one of a few texts."""
    wanted = f"one of {', '.join(choices)}"
    if not isinstance(value, str):
        raise refusal(name, value, wanted)
    if value not in choices:
        raise SettingError(f"`{name}` is {value}: it must be {wanted}")


def check_type(name: str, value: object, kind: type, wanted: str) -> None:
    """Raise SettingError unless a value is a `kind`, which `wanted` says in words."""
    if not isinstance(value, kind):
        raise refusal(name, value, wanted)


def truth(name: str, value: object) -> bool:
    """Return True or False, which no other value stands for."""
    plain = _unboxed(value)
    if not isinstance(plain, bool):
        raise refusal(name, value, "True or False")
    return plain


def check_callback(name: str, value: object) -> None:
    """Raise SettingError unless a value is something to call, or None."""
    if value is not None and not callable(value):
        raise refusal(name, value, "a function, or None")


def check_callbacks(**callbacks: object) -> None:
    """Do as `check_callback` for each of several by their names."""
    for name, value in callbacks.items():
        check_callback(name, value)


def file_name(name: str, value: object) -> Path:
    """Return the path of a file's name."""
    if not isinstance(value, str | os.PathLike):
        raise refusal(name, value, "a file's name")
    return Path(value)


def threads(value: object) -> int:
    """Return a number of CPU threads that this machine has the cores for."""
    count = whole_number("threads", value)
    cores = os.cpu_count() or 1
    most = THREADS_PER_CORE * cores
    if count > most:
        raise SettingError(
            f"`threads` is {shown(count)}: this machine has {cores} cores, so it must be at most "
            f"{most}"
        )
    return count


def refusal(name: str, value: object, wanted: str) -> SettingError:
    """Return the error for a value that is not what is wanted."""
    return SettingError(f"`{name}` is {shown(value)}: it must be {wanted}")


def shown(value: object) -> str:
    """Return a value as Python writes it, in one short line."""
    try:
        return " ".join(reprlib.repr(_unboxed(value)).split())
    except ValueError:  # Python writes no number of thousands of digits
        return "out of all bounds"


def settle(instance: object, **values: Any) -> None:
    """Put checked values in place of what a frozen dataclass was given."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _unboxed(value: Any) -> Any:
    """Return what a NumPy number, or an array or tensor without axes, holds; others as they are."""
    is_box = getattr(value, "shape", None) == () and hasattr(value, "item")
    return value.item() if is_box else value


def _items(name: str, value: Any, count: int | None, wanted: str) -> Sequence[object]:
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, str | bytes):
        raise refusal(name, value, wanted)
    items = plain if isinstance(plain, Sequence) else (plain,)
    if len(items) != (count or len(items) or 1):
        raise refusal(name, value, wanted)
    return items
