"""TUNER: five percent of the pixels held out, scored with their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.fits import train
from sinefit.reproducing.materials import grey_picture
from sinefit.reproducing.study import Claim, Findings, Row, Study

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

KODAK: Final[dict[str, tuple[float | None, float | None]]] = {
    "tuner": (33.4, 28.4),
    "siren": (32.9, 27.1),
    "bacon": (25.4, 22.3),
    "ffn": (None, None),
}
"""The paper's PSNR in dB of held-out pixels, and of their gradients."""


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    side: int
    width: int
    steps: int
    rows: tuple[str, ...] = tuple(KODAK)


def run(size: Size, materials: Materials) -> Findings:
    """Fit 95 percent of a picture's samples with each."""
    picture = grey_picture(materials, size.side)
    rows = []
    for name in size.rows:
        kind = "init" if name in ("tuner", "siren") else "network"
        field = train(
            materials,
            picture,
            name,
            **{kind: name},
            width=size.width,
            depth=2,
            steps=size.steps,
            holdout="5%",
        )
        record = field.record
        rows.append(Row(name, (record.psnr_holdout, record.psnr_gradient), KODAK[name]))
    found = {row.name: row.ours for row in rows}
    claims = [
        Claim(
            f"TUNER is ahead of {name} on held-out samples and on their gradients.",
            all(
                (mine or 0.0) > (other or 0.0)
                for mine, other in zip(found["tuner"], found[name], strict=True)
            ),
            ", ".join(
                f"{(mine or 0.0) - (other or 0.0):+.2f} dB"
                for mine, other in zip(found["tuner"], found[name], strict=True)
            ),
        )
        for name in size.rows[1:]
    ]
    return Findings(
        f"grey picture of {size.side}x{size.side}, two layers of {size.width}, {size.steps} "
        "full-batch steps, each at its usual rate",
        ("PSNR of held-out samples (dB)", "of their gradients"),
        tuple(rows),
        tuple(claims),
    )


STUDY: Final = Study(
    "tuner-held-out",
    "Novello, Aldana, Araujo, Velho (2025), Tuning the Frequencies: Robust Training for Sinusoidal "
    "Neural Networks, poster",
    "5 % of the pixels held out: the PSNR of signal and gradient beside siren, BACON and ffn.",
    "Kodak, 416 neurons in the first and the hidden layer.",
    {
        "toy": Size(12, 16, 3, ("tuner", "siren")),
        "reduced": Size(96, 80, 1000),
        "full": Size(512, 416, 3000),
    },
    run,
)
