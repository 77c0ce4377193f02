"""A cell of a comparison: one combination of settings, one seed, one signal."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.fitting.checkpoint import fingerprint, settings_values
from sinefit.version import __version__

if TYPE_CHECKING:
    from sinefit.comparing.budgets import EqualBudget
    from sinefit.comparing.combinations import Combination
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import Signal


@dataclass(frozen=True)
class Cell:
    """One fit of a comparison."""

    file: str
    """What is fitted, as it was named."""
    combination: Combination
    config: FitConfig
    """All settings, with the seed and the budget."""
    name: str
    """Of its files, without an ending: what they are of, and a digest of all that decides it."""

    @property
    def label(self) -> str:
        """What sets it apart in a few words."""
        return f"{combination_label(self.combination)} seed {self.config.seed}"


def make_cell(
    file: str, signal: Signal, combination: Combination, seed: int, budget: EqualBudget
) -> Cell:
    """Return the cell of a signal.

    Cells of the same signal, settings and version of sinefit have the same name.
    """
    config = replace(combination.config, seed=seed)
    config = replace(config, budget=budget.of(config, signal.spec))
    decides: dict[str, Any] = {
        "version": __version__,
        "signal": fingerprint(signal),
        "settings": settings_values(config),
    }
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:12]
    words = f"{Path(file).stem} {combination_label(combination)} seed{seed}"
    slug = re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-")[:80]
    return Cell(file, combination, config, f"{slug}-{digest}")


def combination_label(combination: Combination) -> str:
    """Return what sets a combination apart in a few words."""
    words = [combination.start, f"depth {combination.depth}"]
    if combination.omega not in (None, "auto"):
        words.append(f"omega {combination.omega}")
    if combination.config.width is not None:
        words.append(f"width {combination.config.width}")
    return " ".join([*words, *combination.settings])
