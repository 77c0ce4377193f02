"""The weights at which a fit met the samples best that it holds out: where noise is not yet learnt.

Early stopping (Prechelt, 1998, Early stopping - but when?) on samples that training never sees. As
noise is independent from one sample to the next, the error against noisy ones is that against the
true ones plus the variance of the noise: their minima are in one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sinefit.engines.state import put_back
from sinefit.fitting.keeping import pieces
from sinefit.fitting.measure import held_out_psnr, held_out_work
from sinefit.fitting.monitor import FEWEST_LOOKS, PEAK_LOOK, PEAK_PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.fitting.holdout import Holdout
    from sinefit.fitting.measure import Blend
    from sinefit.fitting.monitor import Standing
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal

LOOKED_AT: Final = 2**17
"""Samples that a look evaluates at most, of which those held out count: what is noise in them is
the same for all looks."""


class Peak:
    """Keeps the weights of a fit that met its held-out samples best, and tells when it is past."""

    def __init__(
        self, signal: Signal, holdout: Holdout, network: Network, samples_per_step: int
    ) -> None:
        """Begin with a fit's present weights, which any look is better than."""
        self.network = network.clone()
        """The weights that are kept."""
        self._signal = signal
        self._holdout = holdout
        work = held_out_work(signal, holdout, LOOKED_AT)
        self._every = max(1, round(PEAK_LOOK * work / samples_per_step))

    def look(self, blend: Blend, standing: Standing) -> bool:
        """Look at the present weights, if it is due; return whether the peak is past."""
        if standing.step - standing.looked < self._every:
            return False
        spacing = standing.step - standing.looked
        standing.looked = standing.step
        reached = held_out_psnr(blend, self._signal, self._holdout, LOOKED_AT)
        if reached > standing.peak:
            standing.peak, standing.peak_step = reached, standing.step
            for part in pieces(self.network):
                self.network.values[part] = blend.network.values[part]
            return False
        patience = max(PEAK_PATIENCE * standing.peak_step, FEWEST_LOOKS * spacing)
        return standing.step - standing.peak_step >= patience

    def is_better(self, blend: Blend, standing: Standing) -> bool:
        """Tell whether weights meet the held-out samples better than those that are kept."""
        reached = held_out_psnr(blend, self._signal, self._holdout, LOOKED_AT)
        return reached > standing.peak

    def state(self) -> dict[str, Tensor]:
        """Return what is kept, on the CPU."""
        return {"peak.weights": self.network.values.cpu().clone()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned; raises KeyError or ValueError for anything else."""
        put_back(
            self.network.values, state, "peak.weights", "the kept weights do not fit the network"
        )
