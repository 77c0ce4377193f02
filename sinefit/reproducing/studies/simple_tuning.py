"""SSN: omega tuned to the signal, on a picture, a sound and a clip, beside siren."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.fits import quality, train
from sinefit.reproducing.materials import clip, grey_picture, sound_samples
from sinefit.reproducing.study import Claim, Findings, Row, Study

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.reproducing.study import Materials
    from sinefit.signals.signal import Signal

FACTORS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""On the omega that follows from the spectrum."""
CLOSE: Final = 1.0
"""dB by which the rule may be behind the best omega that was tried."""


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    side: int
    samples: int
    frames: int
    width: int
    steps: int
    factors: tuple[float, ...] = FACTORS


def run(size: Size, materials: Materials) -> Findings:
    """Fit with omega below, at and above the one that follows from the spectrum."""
    signals = {
        "image": grey_picture(materials, size.side),
        "sound": sound_samples(materials, size.samples),
        "video": clip(materials, size.frames, size.side // 2),
    }
    rows = []
    verdicts, ahead = [], []
    for kind, signal in signals.items():

        def fitted(what: str, signal: Signal = signal, **start: object) -> Field:
            return train(
                materials, signal, what, **start, width=size.width, depth=4, steps=size.steps
            )

        rule = fitted(f"{kind}, ssn at the rule's omega", init="ssn", omega="auto")
        omega = rule.record.omega
        found = {1.0: quality(rule)}
        for factor in size.factors:
            if factor != 1.0:
                scaled = [factor * each for each in omega]
                found[factor] = quality(
                    fitted(f"{kind}, ssn at {factor:g} times it", init="ssn", omega=scaled)
                )
        rows += [
            Row(
                f"{kind}, ssn at {factor:g} of the rule's omega",
                (factor * omega[0], found[factor]),
            )
            for factor in sorted(found)
        ]
        siren = fitted(f"{kind}, siren", init="siren", omega=30.0)
        rows.append(Row(f"{kind}, siren", (30.0, quality(siren))))
        best = max(found, key=found.__getitem__)
        verdicts.append((kind, found[best] - found[1.0], best))
        ahead.append((kind, found[1.0] - quality(siren)))
    return Findings(
        f"picture of {size.side}x{size.side}, {size.samples} samples of a sound, {size.frames} "
        f"frames; width {size.width}, {size.steps} full-batch steps; the rule: a quarter of the "
        "spectrum's mean frequency as the deviation of the first layer's",
        ("omega", "PSNR (dB)"),
        tuple(rows),
        (
            Claim(
                f"The rule finds an omega within {CLOSE:g} dB of the best that was tried.",
                all(loss <= CLOSE for _, loss, _ in verdicts),
                "; ".join(
                    f"{kind}: {loss:.2f} dB behind {best:g} times it"
                    for kind, loss, best in verdicts
                ),
            ),
            Claim(
                "Tuned so, the simple network is ahead of siren at omega 30.",
                all(gain > 0.0 for _, gain in ahead),
                ", ".join(f"{kind} {gain:+.2f} dB" for kind, gain in ahead),
            ),
        ),
    )


STUDY: Final = Study(
    "simple-tuning",
    "Belbute-Peres, Kolter (2023), section 5",
    "The rule that tunes omega to the signal; image, sound and video beside siren.",
    "The networks of the siren paper; the paper's own rule follows the signal's size.",
    {
        "toy": Size(12, 128, 3, 16, 3, (1.0, 2.0)),
        "reduced": Size(64, 4000, 8, 64, 500),
        "full": Size(256, 308_207, 64, 256, 3000),
    },
    run,
)
