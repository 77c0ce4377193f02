"""Weight scaling: the spectrum and the tangent kernel at the start grow with alpha."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.initializers.registry import parse_initializer
from sinefit.reproducing.starts import line, start
from sinefit.reproducing.study import Claim, Findings, Row, Study, steadily
from sinefit.theory.output_spectra import layer_spectra
from sinefit.theory.tangent_kernel import TangentKernel, eigenpairs

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

ALPHAS: Final = (1.0, 1.5, 2.0, 2.5, 3.0)


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    width: int
    points: int


def run(size: Size, materials: Materials) -> Findings:
    """Measure starts of rising alpha, the kernel in the weights that are learnt."""
    rows = []
    for alpha in ALPHAS:
        text = f"ws:alpha={alpha:g}"
        materials.tell(f"measuring {text}")
        network = start(text, 30.0, width=size.width, depth=4, seed=materials.seed)
        spectrum = layer_spectra(network, 0, nyquist=math.pi * size.points / 2.0)[3]
        rules = parse_initializer(text).rules(network, (30.0,))
        kernel = TangentKernel(network, line(size.points), rules.rate_scales)
        values, _ = eigenpairs(kernel.matrix(), 1)
        beyond = (
            100.0
            * sum(
                power
                for frequency, power in zip(spectrum.frequencies, spectrum.power, strict=True)
                if frequency > 30.0
            )
            / sum(spectrum.power)
        )
        tenth = float(values[len(values) // 10])
        rows.append(Row(f"alpha {alpha:g}", (beyond, kernel.mean_eigenvalue(), tenth)))
    beyond_shares = [row.ours[0] or 0.0 for row in rows]
    means = [row.ours[1] or 0.0 for row in rows]
    tenths = [row.ours[2] or 0.0 for row in rows]
    return Findings(
        f"omega 30, four sine layers of {size.width}, {size.points} points of a line, one seed",
        ("energy beyond omega (%)", "mean eigenvalue", "eigenvalue at a tenth"),
        tuple(rows),
        (
            Claim(
                "Scaling the weights moves the starting spectrum to higher frequencies.",
                steadily(beyond_shares),
                f"{beyond_shares[0]:.1f} % beyond omega at alpha 1, {beyond_shares[-1]:.1f} % at 3",
            ),
            Claim(
                "The tangent kernel's eigenvalues grow with alpha.",
                steadily(means) and steadily(tenths),
                f"the mean by a factor {means[-1] / means[0]:.3g}, the one at a tenth by "
                f"{tenths[-1] / tenths[0]:.3g}",
            ),
        ),
    )


STUDY: Final = Study(
    "scaling-kernel",
    "Yeom, Lee, Lee (2025), Fast Training of Sinusoidal Neural Fields via Scaling Initialization",
    "Spectrum and tangent kernel of a siren's start grow with the factor alpha on its weights.",
    "Width 512, factors on all weights but the last layer's.",
    {"toy": Size(48, 64), "reduced": Size(256, 512), "full": Size(512, 2048)},
    run,
)
