"""Adam on all weights of a stack at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.triton_support import triton_update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from sinefit.networks.network import Network

    Update = Callable[
        [Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor | None, Tensor, "Constants"], None
    ]

Constants = tuple[float, float, float]
"""beta1, beta2 and epsilon."""

CONSTANTS: Final[Constants] = (0.9, 0.99, 1e-12)
"""A short memory of squares suits a fit of a few thousand steps; epsilon is far below the gradients
of a well fitted signal."""
_AVERAGES: Final = ("gradient", "square")


class Adam:
    """Adam (Kingma & Ba, 2015, algorithm 1) with a rate per weight and bounds.

    A step has two halves: `prepare` writes the numbers that change from step to step to the device,
    `apply` does the work and can be recorded. Frozen weights have a rate of zero.
    """

    def __init__(
        self,
        network: Network,
        rates: Tensor,
        bounds: Tensor | None = None,
        *,
        constants: Constants = CONSTANTS,
        update: Update | None = None,
    ) -> None:
        """Prepare for rows like `network.values`: peak learning rates, and largest magnitudes.

        The values are clamped to their bounds at once, and after every step. Without `update` the
        fastest that the device has is taken.
        """
        values = network.values
        self._values = values
        self._rates = rates
        self._bounds = bounds
        self._constants = constants
        self._update = update or triton_update(values.device) or plain_update
        self._averages = (torch.zeros_like(values), torch.zeros_like(values))
        self.steps = [0] * network.members
        """Steps that each member has taken."""
        self._pace = torch.ones((2, network.members, 1), dtype=values.dtype, device=values.device)
        if bounds is not None:
            torch.clamp(values, min=-bounds, max=bounds, out=values)

    def step(self, gradient: Tensor, factors: Sequence[float]) -> None:
        """Take one step, each member at its own factor times its learning rates."""
        self.prepare(factors)
        self.apply(gradient)

    def prepare(self, factors: Sequence[float]) -> None:
        """Count a step and tell the device each member's factor, without waiting for it."""
        decay, second_decay, _ = self._constants
        self.steps = [steps + 1 for steps in self.steps]
        rises = [
            factor / (1.0 - decay**steps) for factor, steps in zip(factors, self.steps, strict=True)
        ]
        spreads = [(1.0 - second_decay**steps) ** -0.5 for steps in self.steps]
        if len(rises) == 1:
            # As arguments of a launch the numbers need no memory that is overwritten too early.
            self._pace[0].fill_(rises[0])
            self._pace[1].fill_(spreads[0])
        else:
            self._pace.copy_(torch.tensor([rises, spreads], dtype=self._pace.dtype).unsqueeze(2))

    @torch.no_grad()
    def apply(self, gradient: Tensor) -> None:
        """Update the values by a gradient of their shape."""
        self._update(
            self._values,
            gradient,
            self._averages,
            self._rates,
            self._bounds,
            self._pace,
            self._constants,
        )

    def state(self, member: int) -> dict[str, Tensor]:
        """Return a member's averages of gradients and of their squares (count,), on the CPU."""
        return {
            f"adam.{name}": average[member].cpu().clone()
            for name, average in zip(_AVERAGES, self._averages, strict=True)
        }

    def restore(self, member: int, state: Mapping[str, Tensor], steps: int) -> None:
        """Put back what `state` returned of a member after `steps` steps.

        Raises KeyError or ValueError for what cannot have come from it.
        """
        for name, average in zip(_AVERAGES, self._averages, strict=True):
            kept = state[f"adam.{name}"]
            if kept.shape != average[member].shape:
                raise ValueError("Adam's averages do not fit the network")
            average[member].copy_(kept)
        self.steps[member] = steps


def plain_update(
    values: Tensor,
    gradient: Tensor,
    averages: tuple[Tensor, Tensor],
    rates: Tensor,
    bounds: Tensor | None,
    pace: Tensor,
    constants: Constants,
) -> None:
    """Take Adam's step on rows of values (members, count) in place.

    `pace` (2, members, 1) holds the factor on the rates over 1 - beta1^t, and
    1 / sqrt(1 - beta2^t).
    """
    first, second = averages
    decay, second_decay, epsilon = constants
    first.lerp_(gradient, 1.0 - decay)
    second.mul_(second_decay).addcmul_(gradient, gradient, value=1.0 - second_decay)
    spread = second.sqrt().mul_(pace[1]).add_(epsilon)
    values.sub_(torch.div(first, spread, out=spread).mul_(rates).mul_(pace[0]))
    if bounds is not None:
        torch.clamp(values, min=-bounds, max=bounds, out=values)


def rows_of(
    network: Network, members: Sequence[Mapping[str, float | Tensor]], otherwise: float
) -> Tensor:
    """Return a row per member, (members, count), that holds a value for each parameter.

    Each member has values by parameter name, numbers or tensors that can be broadcast to the
    parameter's shape; parameters that are not named get `otherwise`.
    """
    rows = torch.full_like(network.values, otherwise)
    views = network.views(rows)
    for place, by_name in enumerate(members):
        for name, value in by_name.items():
            views[name][place].copy_(torch.as_tensor(value, dtype=rows.dtype))
    return rows


def bounds_of(network: Network, members: Sequence[Mapping[str, Tensor]]) -> Tensor | None:
    """Return `rows_of` bounds, infinite where there is none; None where there are none at all."""
    return rows_of(network, members, math.inf) if any(members) else None
