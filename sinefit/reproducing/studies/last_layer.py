"""NFSL: a wider last layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.fits import quality, train
from sinefit.reproducing.materials import grey_picture
from sinefit.reproducing.study import Claim, Findings, Row, Study

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

KODAK: Final = {"siren": 24.58, "nfsl": 24.93}
"""PSNR in dB as the table of weight scaling has it."""


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    side: int
    width: int
    steps: tuple[int, ...]


def run(size: Size, materials: Materials) -> Findings:
    """Fit with siren's last layer and with the rule's, for a short time and a longer one."""
    picture = grey_picture(materials, size.side)
    rows = []
    for steps in size.steps:
        for init in ("siren", "nfsl"):
            field = train(
                materials, picture, f"{init}, {steps} steps", init=init, width=size.width, depth=4,
                steps=steps,
            )  # fmt: skip
            paper = KODAK[init] if steps == 150 else None
            rows.append(Row(f"{init}, {steps} steps", (quality(field),), (paper,)))
    gains = [
        (rows[2 * place + 1].ours[0] or 0.0) - (rows[2 * place].ours[0] or 0.0)
        for place in range(len(size.steps))
    ]
    return Findings(
        f"grey picture of {size.side}x{size.side}, width {size.width}, full batches at 1e-4",
        ("PSNR (dB)",),
        tuple(rows),
        (
            Claim(
                "A last layer of U(±n^(-3/4)) trains faster than siren's.",
                all(gain > 0.0 for gain in gains),
                ", ".join(
                    f"{gain:+.2f} dB after {steps} steps"
                    for gain, steps in zip(gains, size.steps, strict=True)
                ),
            ),
        ),
    )


STUDY: Final = Study(
    "last-layer",
    "Saratchandran, Ramasinghe, Lucey (2024), From Activation to Initialization: Scaling Insights "
    "for Optimizing Neural Fields, CVPR",
    "The last-layer rule of nfsl beside siren's.",
    "The figures are those of the table of weight scaling, 150 steps.",
    {
        "toy": Size(12, 16, (3,)),
        "reduced": Size(64, 256, (50, 150)),
        "full": Size(512, 512, (150, 1000)),
    },
    run,
)
