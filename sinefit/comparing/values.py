"""A comparison by name and of types that JSON has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sinefit.comparing.results import FIGURES

if TYPE_CHECKING:
    from sinefit.comparing.results import Comparison, Row

_CHOICE = ("file", "network", "init", "omega", "width", "depth", "settings", "parameters")


def comparison_values(comparison: Comparison) -> dict[str, Any]:
    """Return the cells, and the rows of the table: means over the seeds and their spread."""
    return {
        "budget": comparison.budget,
        "cells": [dataclasses.asdict(cell) for cell in comparison.cells],
        "rows": [_row_values(comparison, row) for row in comparison.rows],
    }


def _row_values(comparison: Comparison, row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(row.first, name) for name in _CHOICE}
    values["seeds"] = len(row.cells)
    for name in FIGURES:
        values[name] = row.mean(name)
        values[f"{name}_spread"] = row.spread(name)
    values["best"] = list(comparison.best(row))
    return values
