"""SSN: normal weights of the same variance keep siren's distribution of activations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.starts import SITZMANN, line, start
from sinefit.reproducing.study import Claim, Findings, Row, Study
from sinefit.theory.layer_statistics import measure_layers

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

TOLERANCE: Final = 0.08


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    width: int
    depth: int


def run(size: Size, materials: Materials) -> Findings:
    """Measure both starts layer by layer, without the first, whose omega means another spread."""
    measured = {}
    for text, omega in (("ssn", 100.0), (SITZMANN, 100.0 * math.sqrt(6.0))):
        materials.tell(f"measuring {text}")
        network = start(text, omega, width=size.width, depth=size.depth, seed=materials.seed)
        measured[text] = measure_layers(network, line(512).float())[1:-1]
    rows = tuple(
        Row(
            f"layer {one.layer}",
            (math.sqrt(one.variance), math.sqrt(other.variance)),
        )
        for one, other in zip(measured["ssn"], measured[SITZMANN], strict=True)
    )
    worst = max(abs((row.ours[0] or 0.0) / (row.ours[1] or 1.0) - 1.0) for row in rows)
    return Findings(
        f"{size.depth} sine layers of {size.width}, first layers of equal deviation, no biases in "
        "ssn and plain ones in siren",
        ("ssn: standard deviation of pre-activations", "siren"),
        rows,
        (
            Claim(
                "Normal weights of variance 2/n keep the variances of siren's uniform ones.",
                worst < TOLERANCE,
                f"layer by layer they differ by at most {worst:.1%}",
            ),
        ),
    )


STUDY: Final = Study(
    "simple-variance",
    "Belbute-Peres, Kolter (2023), Simple initialization and architecture of sinusoidal networks "
    "via their NTK, section 2",
    "A simple normal start has siren's variances.",
    "Networks of 5 layers.",
    {"toy": Size(96, 3), "reduced": Size(512, 6), "full": Size(2048, 10)},
    run,
)
