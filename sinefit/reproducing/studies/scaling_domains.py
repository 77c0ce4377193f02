"""Weight scaling beside siren on other signals: sound, the sphere, occupancy.

The networks stay wide when all else is scaled down: the scheme is for wide ones, and with a hundred
neurons its start is too hot for the paper's rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.reproducing.fits import quality, train
from sinefit.reproducing.materials import globe, solid, sound_samples
from sinefit.reproducing.study import Claim, Findings, Row, Study

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.reproducing.study import Materials

_INITIALIZERS: Final = ("siren", "ws")


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    samples: int
    rows: int
    side: int
    width: int
    steps: int


def run_sound(size: Size, materials: Materials) -> Findings:
    """Fit a sound; the first layer's omega is the authors' 3000 over a second of it."""
    sound = sound_samples(materials, size.samples)
    found = {}
    for init in _INITIALIZERS:
        field = train(
            materials, sound, init, init=init, omega=3000.0, width=size.width, depth=4,
            steps=size.steps,
        )  # fmt: skip
        found[init] = (quality(field),)
    return _findings(
        f"{size.samples} samples of a sound, omega 3000, width {size.width}, {size.steps} steps",
        ("PSNR (dB)",),
        found,
        {"siren": (37.37,), "ws": (45.04,)},
    )


def run_sphere(size: Size, materials: Materials) -> Findings:
    """Fit values over latitude and longitude, on the points of the unit sphere."""
    values = globe(materials, size.rows)
    found = {}
    for init in _INITIALIZERS:
        field = train(
            materials, values, init, init=init, width=size.width, depth=4, steps=size.steps
        )
        found[init] = (quality(field),)
    return _findings(
        f"{size.rows}x{2 * size.rows} values on the sphere, width {size.width}, {size.steps} steps",
        ("PSNR (dB)",),
        found,
        {"siren": (38.72,), "ws": (45.28,)},
    )


def run_occupancy(size: Size, materials: Materials) -> Findings:
    """Fit occupancy and compare the bodies by the intersection over their union."""
    body = solid(materials, size.side)
    inside = body.samples.astype(bool)
    found = {}
    for init in _INITIALIZERS:
        field = train(
            materials, body, init, init=init, omega=10.0, width=size.width, depth=4,
            steps=size.steps,
        )  # fmt: skip
        made = field.render().samples.astype(bool)
        share = float(np.logical_and(made, inside).sum() / np.logical_or(made, inside).sum())
        found[init] = (share, quality(field))
    return _findings(
        f"a body in {size.side}^3 points, omega 10, width {size.width}, {size.steps} steps",
        ("IoU", "PSNR (dB)"),
        found,
        {"siren": (0.9925, None), "ws": (0.9941, None)},
    )


def _findings(
    setting: str,
    measures: tuple[str, ...],
    found: Mapping[str, tuple[float, ...]],
    paper: Mapping[str, tuple[float | None, ...]],
) -> Findings:
    rows = tuple(Row(init, values, paper[init]) for init, values in found.items())
    siren, scaled = found["siren"], found["ws"]
    return Findings(
        f"{setting}, full batches",
        measures,
        rows,
        (
            Claim(
                "Weight scaling is ahead of siren after as many steps.",
                scaled > siren,
                "; ".join(
                    f"{measure}: {mine:.4g} against {other:.4g}"
                    for measure, mine, other in zip(measures, scaled, siren, strict=True)
                ),
            ),
        ),
    )


_PAPER: Final = "Yeom, Lee, Lee (2025), table 1"

SOUND: Final = Study(
    "scaling-sound",
    _PAPER,
    "A sound after 150 steps, weight scaling beside siren.",
    "Bach, width 512, 150 full-batch steps at 1e-4.",
    {
        "toy": Size(256, 0, 0, 16, 3),
        "reduced": Size(8000, 0, 0, 256, 150),
        "full": Size(308_207, 0, 0, 512, 150),
    },
    run_sound,
)
SPHERE: Final = Study(
    "scaling-sphere",
    _PAPER,
    "A field over latitude and longitude, weight scaling beside siren.",
    "ERA5 temperatures, width 512, 150 full-batch steps at 1e-4.",
    {
        "toy": Size(0, 8, 0, 16, 3),
        "reduced": Size(0, 46, 0, 256, 150),
        "full": Size(0, 181, 0, 512, 150),
    },
    run_sphere,
)
OCCUPANCY: Final = Study(
    "scaling-occupancy",
    _PAPER,
    "The occupancy of a body, weight scaling beside siren, by IoU.",
    "Lucy in 512^3 points, width 512.",
    {
        "toy": Size(0, 0, 8, 16, 60),
        "reduced": Size(0, 0, 20, 256, 150),
        "full": Size(0, 0, 128, 512, 150),
    },
    run_occupancy,
)
