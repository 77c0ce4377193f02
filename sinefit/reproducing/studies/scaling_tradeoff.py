"""Weight scaling: alpha trades what is learnt fast against what lies between the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.fits import quality, train
from sinefit.reproducing.materials import grey_picture
from sinefit.reproducing.study import Claim, Findings, Row, Study

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    side: int
    width: int
    steps: int
    alphas: tuple[float, ...]


def run(size: Size, materials: Materials) -> Findings:
    """Fit three quarters of the samples and score the rest."""
    picture = grey_picture(materials, size.side)
    rows = []
    for alpha in size.alphas:
        field = train(
            materials,
            picture,
            f"alpha {alpha:g}",
            init=f"ws:alpha={alpha:g}",
            width=size.width,
            depth=4,
            steps=size.steps,
            holdout="25%",
        )
        rows.append(Row(f"alpha {alpha:g}", (quality(field), field.record.psnr_holdout)))
    fitted = [row.ours[0] or 0.0 for row in rows]
    held = [row.ours[1] or 0.0 for row in rows]
    best, best_held = fitted.index(max(fitted)), held.index(max(held))
    return Findings(
        f"grey picture of {size.side}x{size.side}, width {size.width}, {size.steps} full-batch "
        "steps, a quarter of the samples held out",
        ("PSNR of fitted samples (dB)", "of held-out samples"),
        tuple(rows),
        (
            Claim(
                "Training is fastest at an alpha above 1.",
                size.alphas[best] > 1.0,
                f"best at alpha {size.alphas[best]:g}",
            ),
            Claim(
                "A large alpha costs generalisation: held-out samples want a smaller one.",
                size.alphas[best_held] < size.alphas[best]
                or (held[best_held] - held[-1]) > (fitted[best] - fitted[-1]),
                f"held-out samples are best at alpha {size.alphas[best_held]:g} with "
                f"{held[best_held]:.2f} dB, at {size.alphas[-1]:g} they have {held[-1]:.2f}",
            ),
        ),
    )


STUDY: Final = Study(
    "scaling-tradeoff",
    "Yeom, Lee, Lee (2025), the figure on training speed and generalisation over alpha",
    "A larger alpha trains faster up to a point, and generalises worse.",
    "Kodak, width 512; samples between those that were fitted are scored.",
    {
        "toy": Size(12, 16, 3, (1.0, 2.5)),
        "reduced": Size(64, 256, 150, (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)),
        "full": Size(512, 512, 150, (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)),
    },
    run,
)
