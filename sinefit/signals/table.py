"""What the tables of formats of all kinds have in common: a row, and the refusal by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sinefit.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Format:
    """A file format: how its files are named and told, and whether they are written."""

    extensions: tuple[str, ...]
    """Endings of file names, with the dot, the usual one first."""
    signature: bytes = field(default=b"", kw_only=True)
    """Regular expression of how its files begin; empty where that takes more to tell, or where the
    table of another kind has it."""
    written: bool = field(default=True, kw_only=True)
    """Whether signals are written in it too."""
    lossy: bool = field(default=False, kw_only=True)
    """Whether a quality can be asked for."""


def check_refusal(
    refusal: Callable[[str], str | None], format: str, formats: Iterable[str], cure: str
) -> None:
    """Raise OutputError when `refusal` tells why `format` cannot hold what is to be written.

    It names those of `formats` that can, or else the `cure`.
    """
    reason = refusal(format)
    if reason is not None:
        able = [each for each in formats if refusal(each) is None]
        raise OutputError(f"{reason}: {'use ' + ' or '.join(able) if able else cure}")
