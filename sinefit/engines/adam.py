"""Adam on all weights of a stack at once."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.engines.state import put_back
from sinefit.engines.triton_support import triton_update
from sinefit.native.adam import update as native_update
from sinefit.native.instruction_sets import instruction_sets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.networks.network import Network

    Update = Callable[
        [Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor | None, Tensor, "Constants"], None
    ]

Constants = tuple[float, float, float]
"""beta1, beta2 and epsilon."""

EPSILON: Final = 1e-12
"""Far below the gradients of a well fitted signal."""
CONSTANTS: Final[Constants] = (0.9, 0.99, EPSILON)
"""A short memory of squares suits a fit of a few thousand steps."""
_AVERAGES: Final = ("gradient", "square")


class Adam:
    """Adam (Kingma & Ba, 2015, algorithm 1) with a rate per weight and bounds.

    A step has two halves: `prepare` writes the numbers that change from step to step to the device,
    `apply` does the work and can be recorded. Frozen weights have a rate of zero.
    """

    def __init__(
        self,
        network: Network,
        rates: Tensor | None = None,
        bounds: Tensor | None = None,
        *,
        gains: Tensor | None = None,
        constants: Constants = CONSTANTS,
        update: Update | None = None,
    ) -> None:
        """Prepare for rows like `network.values`: peak learning rates, and largest magnitudes.

        The values are clamped to their bounds at once, and after every step. Without `rates` only
        parts can take steps, which bring theirs. `gains` is how fast each value grows with the
        weight that its scheme calls its own: averages and epsilon then are of the gradient by that.
        Without `update` the fastest that the device has
        is taken.
        """
        values = network.values
        self._values = values
        self._rates = rates
        self._bounds = bounds
        self._gains = gains
        self._constants = constants
        self._update = update or triton_update(values.device) or _update_for(values)
        self._averages = (torch.zeros_like(values), torch.zeros_like(values))
        self.steps = np.zeros(network.members, dtype=np.int64)
        """Steps that each member has taken (members,)."""
        self._scales = np.ones(network.members, dtype=np.float32)
        self._pace = torch.ones((2, network.members, 1), dtype=values.dtype, device=values.device)
        self._clamp()

    @property
    def values(self) -> Tensor:
        """What is updated, (members, count)."""
        return self._values

    @property
    def rates(self) -> Tensor:
        """Peak learning rates (members, count)."""
        assert self._rates is not None
        return self._rates

    @property
    def bounds(self) -> Tensor | None:
        """Largest magnitudes (members, count), None where there are none."""
        return self._bounds

    @property
    def averages(self) -> tuple[Tensor, Tensor]:
        """Averages of gradients and of their squares, each (members, count)."""
        return self._averages

    @property
    def scales(self) -> NDArray[np.float32]:
        """What each member's rates are multiplied with (members,)."""
        return self._scales

    @property
    def constants(self) -> Constants:
        """beta1, beta2 and epsilon."""
        return self._constants

    def part(
        self,
        members: range,
        rates: Tensor | None = None,
        bounds: Tensor | None = None,
        gains: Tensor | None = None,
    ) -> Adam:
        """Return the same for some members, with which it shares all its memory.

        Rates, bounds and gains can be the part's own; values are clamped to such bounds.
        """
        first, last = members.start, members.stop
        part = copy.copy(self)
        part._values = self._values[first:last]
        part._rates, part._bounds = rates, bounds
        if rates is None:
            part._rates = None if self._rates is None else self._rates[first:last]
        if bounds is None:
            part._bounds = None if self._bounds is None else self._bounds[first:last]
        else:
            part._clamp()
        part._gains = gains
        if gains is None:
            part._gains = None if self._gains is None else self._gains[first:last]
        part._averages = (self._averages[0][first:last], self._averages[1][first:last])
        part._scales = self._scales[first:last]
        part._pace = self._pace[:, first:last]
        part.steps = self.steps[first:last]
        return part

    def chosen(self, members: Sequence[int], network: Network) -> Adam:
        """Return what goes on with some members, whose present values `network` holds by now.

        Rates and bounds are those of its parts.
        """
        rows = list(members)
        found = Adam(network, constants=self._constants, update=self._update)
        for own, average in zip(found._averages, self._averages, strict=True):
            own.copy_(average[rows])
        found.steps[:] = self.steps[rows]
        found._scales[:] = self._scales[rows]
        return found

    def restart(self, members: Sequence[int], factor: float) -> None:
        """Forget some members' averages, and multiply their rates from now on."""
        rows = list(members)
        for average in self._averages:
            average[rows] = 0.0
        self._scales[rows] *= factor

    def step(self, gradient: Tensor, factors: Sequence[float]) -> None:
        """Take one step, each member at its own factor times its learning rates."""
        self.prepare(factors)
        self.apply(gradient)

    def prepare(self, factors: Sequence[float]) -> None:
        """Count a step and tell the device each member's factor, without waiting for it."""
        decay, second_decay, _ = self._constants
        self.steps += 1
        rises = [
            factor * float(scale) / (1.0 - decay**steps)
            for factor, scale, steps in zip(factors, self._scales, self.steps, strict=True)
        ]
        spreads = [(1.0 - second_decay**steps) ** -0.5 for steps in self.steps]
        if len(rises) == 1:
            # As arguments of a launch the numbers need no memory that is overwritten too early.
            self._pace[0].fill_(rises[0])
            self._pace[1].fill_(spreads[0])
        else:
            self._pace.copy_(torch.tensor([rises, spreads], dtype=self._pace.dtype).unsqueeze(2))

    def paces(self, factors: Tensor) -> Tensor:
        """Return what `plain_update` calls pace of the next steps (steps, 2, members), on the CPU.

        Factors are (steps, members), float64. The steps are not counted.
        """
        decay, second_decay, _ = self._constants
        taken = self.steps + np.arange(1, len(factors) + 1)[:, None]  # (steps, members)
        rises = factors.numpy() * self._scales / (1.0 - decay**taken)
        spreads = (1.0 - second_decay**taken) ** -0.5
        return torch.from_numpy(np.stack([rises, spreads], axis=1).astype(np.float32))

    @torch.no_grad()
    def apply(self, gradient: Tensor, pace: Tensor | None = None) -> None:
        """Update the values by a gradient of their shape, at the pace (2, members, 1) if told.

        The gradient is used up.
        """
        if self._gains is not None:
            # With W' = w W the gradient by W is w times that by W'. A step of W with the rate r is
            # one of W' with the rate w r, and an epsilon beside the one is w times as much as
            # beside the other.
            gradient.mul_(self._gains)
        self._update(
            self._values,
            gradient,
            self._averages,
            self.rates,
            self._bounds,
            self._pace if pace is None else pace,
            self._constants,
        )

    def state(self, members: range) -> dict[str, Tensor]:
        """Return some members' averages of gradients and of their squares, and their steps.

        The averages are (members, count), all is on the CPU; those of a device that is the CPU are
        no copies.
        """
        rows = slice(members.start, members.stop)
        found = {
            f"adam.{name}": average[rows].cpu()
            for name, average in zip(_AVERAGES, self._averages, strict=True)
        }
        found["adam.scales"] = torch.from_numpy(self._scales[rows].copy())[:, None]
        return {**found, "adam.steps": torch.from_numpy(self.steps[rows].copy())}

    def restore(self, members: range, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned of some members.

        Raises KeyError or ValueError for what cannot have come from it.
        """
        rows = slice(members.start, members.stop)
        kept_steps = state["adam.steps"]
        if kept_steps.shape != (len(members),) or bool((kept_steps < 0).any()):
            raise ValueError("Adam's steps do not fit the network")
        for name, average in zip(_AVERAGES, self._averages, strict=True):
            refusal = "Adam's averages do not fit the network"
            put_back(average[rows], state, f"adam.{name}", refusal)
        scales = state["adam.scales"]
        if scales.shape != (len(members), 1) or not bool((scales > 0).all()):
            raise ValueError("the scales of Adam's rates do not fit the network")
        self._scales[rows] = scales[:, 0].numpy()
        self.steps[rows] = kept_steps.numpy()

    def end(self) -> None:
        """Let go of the averages, without which no further step can be taken."""
        nothing = self._values.new_empty(0)
        self._averages = (nothing, nothing)

    def _clamp(self) -> None:
        """Hold the values within their bounds."""
        if self._bounds is not None:
            torch.clamp(self._values, min=-self._bounds, max=self._bounds, out=self._values)


def _update_for(values: Tensor) -> Update:
    """Return Adam's step in C for float32 on a CPU that has it, else in torch."""
    on_cpu = values.device.type == "cpu" and values.dtype == torch.float32
    return native_update if on_cpu and instruction_sets() else plain_update


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
