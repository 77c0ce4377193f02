"""Adam on a network in one stretch of memory, in a form that a CUDA graph can hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from sinefit.fitting.engines.adam import plain_update
from sinefit.fitting.optimizer import AVERAGES, BETAS, EPSILON, NO_COLUMNS, pace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.fitting.engines.adam import Update
    from sinefit.fitting.engines.flat import FlatNetwork
    from sinefit.initializers.base import TrainingRules


class FlatAdam:
    """What `RuledAdam` does, for all parameters at once and without a word to the device's host.

    A step has two halves: `prepare` writes the numbers that change from step to step to the device,
    `apply` does the work and can be recorded. Frozen weights have a rate of zero.
    """

    def __init__(
        self,
        flat: FlatNetwork,
        rates: tuple[float, ...],
        rules: TrainingRules,
        column_rates: Mapping[int, tuple[float, ...]] = NO_COLUMNS,
        update: Update | None = None,
    ) -> None:
        """Prepare; `rates` holds the peak learning rate of each layer's effective weights.

        `column_rates` holds those of the columns of some layers' weights, which go before.
        """
        self._flat = flat
        self._update = update or plain_update
        values = flat.values
        self._averages = (torch.zeros_like(values), torch.zeros_like(values))
        self._rates = torch.zeros_like(values)
        self._bounds: Tensor | None = None
        self._pace = torch.ones(2, device=values.device)  # see `plain_update`
        self._rise, self._spread = self._pace[0], self._pace[1]
        self._steps = 0
        network = flat.network
        # Names and order as in RuledAdam's state, so that a checkpoint fits either.
        self._named: list[tuple[str, torch.nn.Parameter]] = []
        for layer, rate in enumerate(rates):
            trained = [network.biases[layer]]
            if layer not in rules.frozen_weights:
                trained.append(network.weights[layer])
            for number, parameter in enumerate(trained):
                self._named.append((f"adam.{layer}.{number}", parameter))
                flat.part(self._rates, parameter).fill_(rate)
            if layer in column_rates and layer not in rules.frozen_weights:
                part = flat.part(self._rates, network.weights[layer])
                part.copy_(torch.tensor(column_rates[layer]))
        for layer, bound in rules.column_bounds.items():
            if self._bounds is None:
                self._bounds = torch.full_like(values, math.inf)
            flat.part(self._bounds, network.weights[layer]).copy_(bound)
        if self._bounds is not None:
            torch.clamp(values, min=-self._bounds, max=self._bounds, out=values)

    def step(self, factor: float) -> None:
        """Apply one step at `factor` times the learning rates, then clamp bounded columns."""
        self.prepare(factor)
        self.apply()

    def prepare(self, factor: float) -> None:
        """Count a step and tell the device its factor, without waiting for it."""
        self._steps += 1
        rise, spread = pace(factor, self._steps)
        # As arguments of a launch the numbers need no memory that could be overwritten too early.
        self._rise.fill_(rise)
        self._spread.fill_(spread)

    def apply(self) -> None:
        """Update the parameters by the gradients that are there."""
        flat = self._flat
        with torch.no_grad(), torch.cuda.device(flat.values.get_device()):
            self._update(
                flat.values,
                flat.gradients,
                self._averages,
                self._rates,
                self._bounds,
                self._pace,
                (*BETAS, EPSILON),
            )

    def state(self) -> dict[str, Tensor]:
        """Return Adam's averages of gradients and of their squares, by name, on the CPU."""
        return {
            f"{name}.{kind}": self._flat.part(average, parameter).cpu().clone()
            for name, parameter in self._named
            for kind, average in zip(AVERAGES, self._averages, strict=True)
        }

    def restore(self, state: dict[str, Tensor], steps: int) -> None:
        """Put back what `state` returned after `steps` steps."""
        for name, parameter in self._named:
            for kind, average in zip(AVERAGES, self._averages, strict=True):
                kept = state[f"{name}.{kind}"]
                if kept.shape != parameter.shape:
                    raise ValueError("Adam's averages do not fit the network")
                self._flat.part(average, parameter).copy_(kept)
        self._steps = steps
