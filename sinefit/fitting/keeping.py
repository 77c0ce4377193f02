"""The best weights that a fit has seen, of each network of its stack on its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.state import put_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from sinefit.networks.network import Network

PIECE_WEIGHTS: Final = 2**22
"""Weights that are looked at and copied at a time: of a large stack no second copy is made."""
ASTRAY: Final = 16.0
"""Times its best loss from which on a network has lost its way: 12 dB."""


class BestWeights:
    """Keeps the weights of each member with the lowest loss."""

    def __init__(self, network: Network, loss: float) -> None:
        """Begin with a stack's present weights, at a loss that they are known to have."""
        self.network = network.clone()
        """The weights that are kept."""
        # One that float32 does not hold is undercut by any that it does.
        loss = loss if loss <= torch.finfo(torch.float32).max else math.inf
        self.losses = torch.full((network.members,), loss, device=network.device)
        """Their losses (members,)."""

    def keep(self, network: Network, losses: Tensor) -> Tensor:
        """Keep the weights of members with lower losses (members,) than any before.

        A loss is that of the batches before the last step, which can have spoilt the weights: those
        that are not finite are not kept. Returns which members are far from their best (members,),
        bool.
        """
        sound = self._finite(network) & losses.isfinite()
        better = sound & (losses < self.losses)
        for part in pieces(network):
            kept = self.network.values[part]
            torch.where(better[part][:, None], network.values[part], kept, out=kept)
        torch.where(better, losses, self.losses, out=self.losses)
        return ~sound | (losses > ASTRAY * self.losses)

    def whole(self, network: Network) -> Network:
        """Return a stack, or a copy of it with the kept weights where its own are not finite."""
        lost = ~self._finite(network)
        if not bool(lost.any()):
            return network
        found = network.clone()
        found.values[lost] = self.network.values[lost]
        return found

    def _finite(self, network: Network) -> Tensor:
        """Return whether all weights of each member are numbers (members,)."""
        parts = [network.values[part].isfinite().all(dim=1) for part in pieces(network)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def state(self) -> dict[str, Tensor]:
        """Return what is kept, on the CPU; the weights of a device that is the CPU are no copy."""
        return {"best.weights": self.network.values.cpu(), "best.losses": self.losses.cpu().clone()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned; raises KeyError or ValueError for anything else."""
        for own, name in ((self.network.values, "best.weights"), (self.losses, "best.losses")):
            put_back(own, state, name, "the best weights do not fit the network")


def pieces(network: Network) -> Iterator[slice]:
    """Yield the members of a stack some at a time."""
    members, count = network.values.shape
    step = max(1, PIECE_WEIGHTS // count)
    for first in range(0, members, step):
        yield slice(first, first + step)
