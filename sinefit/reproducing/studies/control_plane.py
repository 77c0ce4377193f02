"""Combette et al.: variances over the plane of c_w and c_b are those of the fixed points."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.starts import line, start
from sinefit.reproducing.study import Claim, Findings, Row, Study
from sinefit.theory.layer_statistics import measure_layers
from sinefit.theory.variance_map import fixed_point, jacobian_gain

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

_EDGE: Final = "c_w 1.73205, c_b 0"
TOLERANCE: Final = 0.1
"""Relative, of a standard deviation measured on one network."""


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    width: int
    depth: int
    c_w: tuple[float, ...]
    c_b: tuple[float, ...]


def run(size: Size, materials: Materials) -> Findings:
    """Measure the last hidden layers over the plane."""
    rows = []
    for c_w, c_b in itertools.product(size.c_w, size.c_b):
        materials.tell(f"measuring c_w {c_w:g}, c_b {c_b:g}")
        text = f"custom:c_w={c_w}:c_b={c_b}"
        network = start(text, 100.0, width=size.width, depth=size.depth, seed=materials.seed)
        deep = measure_layers(network, line(256).float())[-4:-1]
        sigma_a = math.sqrt(sum(layer.variance for layer in deep) / len(deep))
        sigma_g = math.sqrt(sum(layer.jacobian_gain for layer in deep) / len(deep))
        variance = fixed_point(c_w, c_b * c_b)
        rows.append(
            Row(
                f"c_w {c_w:g}, c_b {c_b:g}",
                (sigma_a, sigma_g),
                (math.sqrt(variance), math.sqrt(jacobian_gain(c_w, variance))),
            )
        )
    errors = [
        max(
            abs((ours or 0.0) - (paper or 0.0))
            for ours, paper in zip(row.ours, row.paper, strict=True)
        )
        / max(1.0, *(value or 0.0 for value in row.paper))
        for row in rows
    ]
    # At its edge without biases, c_w = √3, the variance falls as 1/depth, and is not there yet.
    settled = [n for n, row in enumerate(rows) if row.name != _EDGE]
    worst = max(settled, key=errors.__getitem__)
    edge = next(row.ours[0] or 0.0 for row in rows if row.name == _EDGE)
    expected = 1.0 / math.sqrt(size.depth - 1)
    return Findings(
        f"omega 100, {size.depth} sine layers of {size.width}, layers {size.depth - 2} to "
        f"{size.depth}, one seed; the paper's columns are its closed forms",
        ("sigma_a", "sigma_g"),
        tuple(rows),
        (
            Claim(
                "Deep layers have the standard deviations of the fixed points, away from the edge "
                "where the variance dies out.",
                errors[worst] < TOLERANCE,
                f"the largest distance is {errors[worst]:.1%}, at {rows[worst].name}",
            ),
            Claim(
                "On that edge, the proposal sigma_a = 0, the variance falls as 1/depth.",
                0.75 < edge / expected < 1.33,
                f"the deviation is {edge:.3f} around layer {size.depth - 1}, "
                f"1/√{size.depth - 1} is {expected:.3f}",
            ),
        ),
    )


def _distance(row: Row) -> float:
    """Return the larger distance of both figures, relative to the formula's where that is large."""
    return max(
        abs((ours or 0.0) - (formula or 0.0)) / max(1.0, formula or 0.0)
        for ours, formula in zip(row.ours, row.paper, strict=True)
    )


STUDY: Final = Study(
    "control-plane",
    "Combette, Venaille, Pustelnik (2025), theorem 3.1, figure 3",
    "Standard deviations of pre-activations and Jacobians over (c_w, c_b) are the fixed points'.",
    "Networks of great width, deep layers.",
    {
        "toy": Size(64, 6, (1.7320508, 3.0), (0.0, 0.5)),
        "reduced": Size(512, 10, (1.0, 1.7320508, 2.4494897, 4.0), (0.0, 0.3, 0.8)),
        "full": Size(
            2048,
            20,
            (0.5, 1.0, 1.5, 1.7320508, 2.0, 2.4494897, 3.0, 4.0),
            (0.0, 0.2, 0.4, 0.8, 1.2),
        ),
    },
    run,
)
