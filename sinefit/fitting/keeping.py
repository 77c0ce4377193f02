"""The best weights that a fit has seen, of each network of its stack on its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.networks.network import Network

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
        sound = network.values.isfinite().all(dim=1) & losses.isfinite()
        better = sound & (losses < self.losses)
        self.network.values[better] = network.values[better]
        self.losses[better] = losses[better]
        return ~sound | (losses > ASTRAY * self.losses)

    def whole(self, network: Network) -> Network:
        """Return a copy of a stack with the kept weights where its own are not finite."""
        found = network.clone()
        lost = ~found.values.isfinite().all(dim=1)
        found.values[lost] = self.network.values[lost]
        return found

    def state(self) -> dict[str, Tensor]:
        """Return what is kept, on the CPU."""
        kept = {"best.weights": self.network.values, "best.losses": self.losses}
        return {name: tensor.cpu().clone() for name, tensor in kept.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned; raises KeyError or ValueError for anything else."""
        for own, name in ((self.network.values, "best.weights"), (self.losses, "best.losses")):
            if state[name].shape != own.shape:  # which could be spread over it
                raise ValueError("the best weights do not fit the network")
            own.copy_(state[name])
