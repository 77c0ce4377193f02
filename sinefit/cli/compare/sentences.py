"""What is said of a comparison before and after its fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.networks.family import Published
from sinefit.networks.registry import parse_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.comparing.budgets import EqualBudget
    from sinefit.comparing.cells import Cell
    from sinefit.comparing.combinations import Combination
    from sinefit.comparing.results import CellResult, Comparison


def plan_sentence(
    cells: Sequence[Cell], found: Sequence[Combination], seeds: int, budget: EqualBudget
) -> str:
    """Return how many cells there are, and what all of them have alike."""
    files = len({cell.file for cell in cells})
    configs = [cell.config for cell in cells]
    alike = [f"{budget.words} each"]
    if {config.blocks for config in configs} == {(1,)}:
        alike.append("one network per signal")
    widths = {config.width for config in configs}
    if len(widths) == 1:
        alike.append(f"width {widths.pop()}")
    if configs[0].holdout is not None:
        alike.append(f"{configs[0].holdout} held out")
    return (
        f"{_count(len(cells), 'cell')}: {_count(len(found), 'combination')}, "
        f"{_count(seeds, 'seed')}, {_count(files, 'file')}; {', '.join(alike)}"
    )


def rate_sentences(
    comparison: Comparison, equal_rate: float | None, *, is_given: bool
) -> list[str]:
    """Return at which learning rates the fits were made, and whose rates they are.

    `is_given` tells whether --lr was.
    """
    if equal_rate is not None:
        return [f"all at one learning rate, {equal_rate:g}, before the initializers' scales"]
    found: dict[str, list[CellResult]] = {}
    for cell in comparison.cells:
        found.setdefault(cell.start, []).append(cell)
    return [
        f"{start}: learning rate {_rates(cells, is_given=is_given)}"
        for start, cells in found.items()
    ]


def _rates(cells: Sequence[CellResult], *, is_given: bool) -> str:
    rates = [rate for cell in cells for rate in cell.learning_rates if rate > 0.0]
    low, high = f"{min(rates):.2g}", f"{max(rates):.2g}"
    told = low if low == high else f"{low} to {high} by layer"
    if is_given:
        return f"{told}, by --lr"
    network = parse_network(cells[0].network)
    if isinstance(network, Published):
        return f"{told}, its usual one ({network.rate_source})"
    return f"{told}, its usual ones"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
