"""What the rows of a comparison are called in figures and sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.comparing.results import Row

NUMBERS: Final = ("omega", "width", "depth")
"""Settings that are told only where rows differ by them."""


def differing(rows: Sequence[Row]) -> list[str]:
    """Return those of `NUMBERS` by which rows differ."""
    return [
        name for name in NUMBERS if len({getattr(row.first, name) for row in rows} - {None}) > 1
    ]


def row_labels(rows: Sequence[Row]) -> list[str]:
    """Return what sets each row apart from the others."""
    names = differing(rows)
    found = []
    for row in rows:
        values = {name: getattr(row.first, name) for name in names}
        told = (f"{name} {value}" for name, value in values.items() if value is not None)
        found.append(" ".join([row.first.start, *told, *row.first.settings]))
    return found
