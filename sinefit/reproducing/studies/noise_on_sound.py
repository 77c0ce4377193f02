"""WINNER: noise on the first layers for signals of high frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.fits import quality, train
from sinefit.reproducing.materials import sound_samples
from sinefit.reproducing.study import Claim, Findings, Row, Study

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    samples: int
    width: int
    steps: int


def run(size: Size, materials: Materials) -> Findings:
    """Fit a sound with and without the noise, and with siren's larger omega for sounds."""
    sound = sound_samples(materials, size.samples)
    rows = []
    for name, init, omega in (
        ("siren, omega 30", "siren", 30.0),
        ("siren, omega 3000", "siren", 3000.0),
        ("winner", "winner", 30.0),
    ):
        field = train(
            materials, sound, name, init=init, omega=omega, width=size.width, depth=4,
            steps=size.steps,
        )  # fmt: skip
        rows.append(Row(name, (quality(field),)))
    found = {row.name: row.ours[0] or 0.0 for row in rows}
    return Findings(
        f"{size.samples} samples of a sound, width {size.width}, {size.steps} full-batch steps",
        ("PSNR (dB)",),
        tuple(rows),
        (
            Claim(
                "Noise that follows the spectrum lifts siren over its spectral bottleneck.",
                found["winner"] > found["siren, omega 30"] + 3.0,
                f"{found['winner']:.2f} against {found['siren, omega 30']:.2f} dB at omega 30",
            ),
            Claim(
                "It is ahead of siren with the omega that its authors give to sounds.",
                found["winner"] > found["siren, omega 3000"],
                f"{found['siren, omega 3000']:.2f} dB at omega 3000",
            ),
        ),
    )


STUDY: Final = Study(
    "noise-on-sound",
    "Chandravamsi, Shenoy, Zinn, Chen, Pisnoy, Frankel (2025), Spectral Bottleneck in Sinusoidal "
    "Representation Networks: Noise is All You Need",
    "WINNER on sound, beside siren.",
    "Clips of 150,000 samples, width 222, four sine layers, 20,000 steps at 1e-4.",
    {"toy": Size(256, 16, 3), "reduced": Size(8000, 64, 1000), "full": Size(150_000, 222, 20_000)},
    run,
)
