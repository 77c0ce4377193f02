"""SSN: the tangent kernel is a low-pass filter whose width is omega."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.initializers.registry import parse_initializer
from sinefit.reproducing.starts import line, start
from sinefit.reproducing.study import Claim, Findings, Row, Study
from sinefit.theory.tangent_kernel import TangentKernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.reproducing.study import Materials

LEVEL: Final = 0.1
"""Share of the response at low frequencies at which the filter's width is read."""


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    width: int
    points: int
    draws: int
    omegas: tuple[float, ...]


def run(size: Size, materials: Materials) -> Findings:
    """Read the kernel's response to waves of rising frequency, in the weights that are learnt."""
    rows = []
    widths = []
    for omega in size.omegas:
        materials.tell(f"measuring omega {omega:g}")
        total = np.zeros((size.points, size.points))
        for draw in range(size.draws):
            network = start("ssn", omega, width=size.width, depth=3, seed=materials.seed + draw)
            rules = parse_initializer("ssn").rules(network, (omega,))
            total += TangentKernel(network, line(size.points), rules.rate_scales).matrix().numpy()
        width = response_width(total / size.draws)
        widths.append(width)
        rows.append(Row(f"omega {omega:g}", (width, width / omega)))
    slope = float(np.polyfit(np.log(size.omegas), np.log(widths), 1)[0])
    return Findings(
        f"three sine layers of {size.width}, {size.points} points, mean of {size.draws} draws; the "
        f"frequency at which the response falls to {LEVEL:.0%}",
        ("width of the filter (radians per unit)", "over omega"),
        tuple(rows),
        (
            Claim(
                "The kernel is a low-pass filter whose width is proportional to omega.",
                0.8 < slope < 1.2,
                f"the width grows as omega to the power {slope:.2f}",
            ),
        ),
    )


def response_width(kernel: NDArray[np.float64]) -> float:
    """Return where a kernel's mean response to waves has fallen to a share of its largest.

    Waves of whole half turns over [-1, 1], under a Hann window, cosine and sine together.
    """
    points = len(kernel)
    x = line(points).numpy()[:, 0]
    window = np.hanning(points + 1)[:-1]
    frequencies = np.arange(1, points) * math.pi / 2.0
    waves = window * np.exp(1j * frequencies[:, None] * x)  # (frequencies, points)
    response = np.einsum("fp,pq,fq->f", waves.conj(), kernel, waves).real
    # Nearby frequencies together: a single draw is rough.
    smooth = np.convolve(response, np.ones(3) / 3.0, mode="same")
    below = np.flatnonzero(smooth < LEVEL * smooth.max())
    below = below[below > int(smooth.argmax())]
    return float(frequencies[below[0]] if len(below) else frequencies[-1])


STUDY: Final = Study(
    "simple-kernel",
    "Belbute-Peres, Kolter (2023), sections 3 and 4",
    "The tangent kernel of a simple sinusoidal network is a low-pass filter of width omega.",
    "Infinitely wide networks.",
    {
        "toy": Size(64, 96, 2, (10.0, 20.0)),
        "reduced": Size(512, 512, 4, (15.0, 30.0, 60.0, 120.0)),
        "full": Size(2048, 1024, 8, (15.0, 30.0, 60.0, 120.0, 240.0)),
    },
    run,
)
