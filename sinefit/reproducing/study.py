"""What a study of a published result is, and what comes out of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sinefit.signals.signal import Signal

Scale = Literal["toy", "reduced", "full"]
"""How large a study is run: in seconds, for tests; in minutes; as the paper did."""
SCALES: Final[tuple[Scale, ...]] = get_args(Scale)


@dataclass(frozen=True)
class Materials:
    """What a study is run on."""

    seed: int = 0
    """Of all draws."""
    image: Signal | None = None
    """In place of the drawn picture."""
    sound: Signal | None = None
    """In place of the drawn sound."""
    tell: Callable[[str], None] = field(default=lambda _: None, repr=False)
    """Called with what is done next."""


@dataclass(frozen=True)
class Row:
    """One line of a study's table."""

    name: str
    """What was measured: a scheme, a depth."""
    ours: tuple[float | None, ...]
    """A figure for each of the study's measures; none where there is nothing to measure."""
    paper: tuple[float | None, ...] = ()
    """The paper's figures for them, published or by its formula; none where it has none."""


@dataclass(frozen=True)
class Claim:
    """What the paper says, and whether it holds in this run."""

    sentence: str
    """The claim."""
    holds: bool
    """Whether it holds here."""
    measured: str
    """The figures that say so."""


@dataclass(frozen=True)
class Findings:
    """What came out of a study."""

    setting: str
    """How it was run here."""
    measures: tuple[str, ...]
    """What the figures of each row are, with units."""
    rows: tuple[Row, ...]
    """The table."""
    claims: tuple[Claim, ...]
    """The verdicts."""


@dataclass(frozen=True)
class Study:
    """A published result that can be run again."""

    name: str
    """What `sinefit reproduce` calls it."""
    paper: str
    """Authors, year and where in the paper."""
    shows: str
    """What it is about, in one sentence."""
    setting: str
    """How the paper ran it, as far as it says so."""
    sizes: Mapping[Scale, Any]
    """The numbers that a run is scaled by."""
    run: Callable[[Any, Materials], Findings] = field(repr=False)
    """Run it at one of the sizes."""


def steadily(values: Sequence[float], slack: float = 0.0) -> bool:
    """Tell whether values rise, each to above the one before less a relative slack."""
    pairs = itertools.pairwise(values)
    return all(after > before * (1.0 - slack) for before, after in pairs)
