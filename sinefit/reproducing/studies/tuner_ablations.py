"""TUNER: what becomes of it without its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.fits import train
from sinefit.reproducing.materials import grey_picture
from sinefit.reproducing.study import Claim, Findings, Row, Study

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

VARIANTS: Final = {
    "tuner": "tuner",
    "odd frequencies only": "tuner:frequencies=odd",
    "without the unit frequencies": "tuner:frequencies=no-units",
    "random integers": "tuner:frequencies=random",
    "bound 0.3 on all": "tuner:bound_low=0.3:bound_high=0.3",
    "bound 1.9 on all": "tuner:bound_low=1.9:bound_high=1.9",
}


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    side: int
    width: int
    steps: int
    variants: tuple[str, ...] = tuple(VARIANTS)


def run(size: Size, materials: Materials) -> Findings:
    """Fit with each variant, a tenth of the samples held out."""
    picture = grey_picture(materials, size.side)
    rows = []
    for name in size.variants:
        field = train(
            materials, picture, name, init=VARIANTS[name], width=size.width, depth=2,
            steps=size.steps, holdout="10%",
        )  # fmt: skip
        record = field.record
        rows.append(Row(name, (record.psnr_float, record.psnr_holdout, record.psnr_gradient)))
    held = {row.name: row.ours[1] or 0.0 for row in rows}
    claims = [
        Claim(
            f"TUNER as it is beats this variant: {name}.",
            held["tuner"] > held[name],
            f"{held['tuner'] - held[name]:+.2f} dB on held-out samples",
        )
        for name in size.variants[1:]
    ]
    return Findings(
        f"grey picture of {size.side}x{size.side}, two layers of {size.width}, {size.steps} "
        "full-batch steps, a tenth held out",
        ("PSNR of fitted samples (dB)", "of held-out ones", "of their gradients"),
        tuple(rows),
        tuple(claims),
    )


STUDY: Final = Study(
    "tuner-ablations",
    "Novello, Aldana, Araujo, Velho (2025), ablations",
    "TUNER without its parts: which frequencies it starts with, and the bound c.",
    "Odd frequencies alone, no unit frequencies, random integers, other bounds.",
    {
        "toy": Size(12, 16, 3, ("tuner", "random integers", "bound 0.3 on all")),
        "reduced": Size(96, 80, 1000),
        "full": Size(512, 416, 3000),
    },
    run,
)
