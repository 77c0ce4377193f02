"""Combette et al.: the start's spectrum stays below omega for sigma_a = 0 at any depth."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.reproducing.starts import SITZMANN, start
from sinefit.reproducing.study import Claim, Findings, Row, Study
from sinefit.theory.output_spectra import layer_spectra

if TYPE_CHECKING:
    from sinefit.reproducing.study import Materials

CONTAINED: Final = 10.0
"""Percent of the energy beyond omega that still count as contained."""
_SCHEMES: Final = ("lambert", SITZMANN)


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    width: int
    depths: tuple[int, ...]
    omegas: tuple[float, ...]


def run(size: Size, materials: Materials) -> Findings:
    """Measure the spectra of pre-activations at each depth, means over the neurons."""
    shares: dict[tuple[str, float, int], float] = {}
    for text, omega in itertools.product(_SCHEMES, size.omegas):
        materials.tell(f"measuring {text} at omega {omega:g}")
        deepest = max(size.depths) + 1
        network = start(text, omega, width=size.width, depth=deepest, seed=materials.seed)
        spectra = layer_spectra(network, 0, nyquist=1.2 * omega)
        for depth in size.depths:
            shares[text, omega, depth] = 100.0 * spectra[depth].beyond_first
    rows = tuple(
        Row(
            f"omega {omega:g}, {depth} layers",
            tuple(shares[text, omega, depth] for text in _SCHEMES),
        )
        for omega, depth in itertools.product(size.omegas, size.depths)
    )
    contained = max(row.ours[0] or 0.0 for row in rows)
    siren = [shares[SITZMANN, size.omegas[-1], depth] for depth in size.depths]
    return Findings(
        f"one axis, width {size.width}, mean over the neurons of a layer",
        ("lambert: energy beyond omega (%)", "siren"),
        rows,
        (
            Claim(
                "For sigma_a = 0 the spectrum is contained below omega at every depth.",
                contained < CONTAINED,
                f"at most {contained:.1f} % of the energy lie beyond it",
            ),
            Claim(
                "Siren's fills with high frequencies as depth grows.",
                siren[-1] > 2.0 * siren[0] and siren[-1] > 3.0 * contained,
                f"{siren[0]:.1f} % at {size.depths[0]} layers, {siren[-1]:.1f} % at "
                f"{size.depths[-1]}",
            ),
        ),
    )


STUDY: Final = Study(
    "control-spectra",
    "Combette, Venaille, Pustelnik (2025), figure 4",
    "Spectra of the start for depth 4 to 32: contained for sigma_a = 0, noise for siren.",
    "Depth 4 to 32, omega 100 and 1000.",
    {
        "toy": Size(48, (2, 4), (100.0,)),
        "reduced": Size(256, (4, 8, 16, 32), (100.0, 1000.0)),
        "full": Size(1024, (4, 8, 16, 32), (100.0, 1000.0)),
    },
    run,
)
