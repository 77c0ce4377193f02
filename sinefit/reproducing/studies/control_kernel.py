"""Combette et al.: tangent kernels whose eigenvectors are like Fourier modes, and their growth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.reproducing.starts import SITZMANN, line, start, straightness
from sinefit.reproducing.study import Claim, Findings, Row, Study
from sinefit.theory.fourier_modes import nearest_modes
from sinefit.theory.output_spectra import highest_frequency, share_beyond
from sinefit.theory.tangent_kernel import TangentKernel, eigenpairs

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

EIGENVECTORS: Final = 8
LINEAR: Final = (1.7, 2.3)
"""What a doubling of the depth does to a quantity that is linear in it."""
_SCHEMES: Final = ("lambert", "lambert:sigma_a=1", SITZMANN)


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    width: int
    points: int
    depths: tuple[int, ...]
    """Each twice the one before."""
    omega: float
    draws: int
    """Of which mean eigenvalues are means: at great depth single ones differ twofold."""


def run(size: Size, materials: Materials) -> Findings:
    """Measure mean eigenvalues by depth, and the leading eigenvectors at eight layers."""
    means: dict[str, list[float]] = {}
    alike, beyond = {}, {}
    for text in _SCHEMES:
        materials.tell(f"measuring {text}")
        points = line(size.points)
        means[text] = [
            mean(
                TangentKernel(
                    start(text, size.omega, width=size.width, depth=depth, seed=seed), points
                ).mean_eigenvalue()
                for seed in range(materials.seed, materials.seed + size.draws)
            )
            for depth in size.depths
        ]
        drawn = start(text, size.omega, width=size.width, depth=8, seed=materials.seed)
        _, vectors = eigenpairs(TangentKernel(drawn, points).matrix(), EIGENVECTORS)
        modes = nearest_modes(vectors.numpy(), (size.points,))
        alike[text] = 100.0 * mean(mode.share for mode in modes)
        edge = highest_frequency(drawn, 0)
        beyond[text] = 100.0 * float(np.mean(share_beyond(vectors.T.numpy(), 2.0, edge)))
    rows = [
        Row(f"mean eigenvalue, {depth} layers", tuple(means[text][place] for text in _SCHEMES))
        for place, depth in enumerate(size.depths)
    ]
    rows.append(
        Row("leading eigenvectors: nearest mode's share (%)", tuple(alike[t] for t in _SCHEMES))
    )
    rows.append(Row("their energy beyond omega (%)", tuple(beyond[t] for t in _SCHEMES)))
    doubled = {text: means[text][-1] / means[text][-2] for text in _SCHEMES}
    depths = [float(depth) for depth in size.depths]
    logs = straightness(depths, [math.log(value) for value in means[SITZMANN]])
    plain = straightness(depths, means[SITZMANN])
    return Findings(
        f"omega {size.omega:g}, width {size.width}, {size.points} points; effective weights, mean "
        f"eigenvalues of {size.draws} draws",
        ("lambert", "lambert:sigma_a=1", "siren"),
        tuple(rows),
        (
            Claim(
                "The mean eigenvalue is linear in depth for sigma_a = 0.",
                LINEAR[0] < doubled["lambert"] < LINEAR[1],
                f"the last doubling of the depth multiplies it by {doubled['lambert']:.2f}; where "
                "pre-activations have a variance of 1/depth it tends to the width, "
                f"{size.width}",
            ),
            Claim(
                "It is linear at sigma_a = 1, where the gain is 1 and the variance stays.",
                LINEAR[0] < doubled["lambert:sigma_a=1"] < LINEAR[1],
                f"the last doubling multiplies it by {doubled['lambert:sigma_a=1']:.2f}",
            ),
            Claim(
                "It is exponential in depth for siren.",
                doubled[SITZMANN] > LINEAR[1] and logs > plain,
                f"the last doubling multiplies it by {doubled[SITZMANN]:.3g}; R² of its logarithm "
                f"{logs:.3f}, of itself {plain:.3f}",
            ),
            Claim(
                "Leading eigenvectors are like Fourier modes for sigma_a = 0, and less so for "
                "siren.",
                alike["lambert"] > 50.0 and alike["lambert"] > alike[SITZMANN],
                f"one mode holds {alike['lambert']:.0f} % of them, of siren's "
                f"{alike[SITZMANN]:.0f} %",
            ),
            Claim(
                "They hold no noise beyond omega for sigma_a = 0, those of siren do.",
                beyond["lambert"] < 10.0 and beyond[SITZMANN] > 2.0 * beyond["lambert"],
                f"{beyond['lambert']:.1f} % of their energy, of siren's {beyond[SITZMANN]:.1f} %",
            ),
        ),
    )


STUDY: Final = Study(
    "control-kernel",
    "Combette, Venaille, Pustelnik (2025), figures 5 and 6",
    "Eigenvectors of the tangent kernel, and its mean eigenvalue by depth.",
    "500 points, width 512, depth 8 for the eigenvectors.",
    {
        "toy": Size(48, 48, (4, 8), 40.0, 2),
        "reduced": Size(256, 250, (4, 8, 16, 32), 100.0, 10),
        "full": Size(512, 500, (4, 8, 16, 32, 64), 100.0, 20),
    },
    run,
)
