"""Adam on effective weights, with what an initializer says that training must respect."""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch

from sinefit.fitting.engines.adam import plain_update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.fitting.config import FitConfig
    from sinefit.initializers.base import TrainingRules
    from sinefit.networks.sine import SineNetwork
    from sinefit.signals.signal import SignalSpec

BETAS: Final = (0.9, 0.99)
"""Adam's decay rates; a short second-moment memory suits a fit of a few thousand steps."""
EPSILON: Final = 1e-12
"""Adam's epsilon, far below the gradients of a well fitted signal."""


AVERAGES: Final = ("exp_avg", "exp_avg_sq")
NO_COLUMNS: Final[Mapping[int, tuple[float, ...]]] = MappingProxyType({})
"""No layer has learning rates per column."""
FIRST_LAYER_RATE: Final = 0.02
"""Highest default rate of the first layer's weights: radians that one step moves a phase by at the
edge of the domain. Above it the phases of high frequencies, in sound above all, jump at random."""
RATED_WIDTH: Final = 256
"""Width that the initializers' rates are meant for; a wider layer sums more changes per step."""
NARROWEST: Final = 32
"""Width from which on narrower layers learn no faster."""
RATED_STEPS: Final = 3000
"""Steps that the rates are meant for: a longer fit can afford slower ones, which end nearer to the
optimum."""
STEPS_FACTORS: Final = (0.3, 1.5)
"""Least and most that the number of steps changes a rate by."""
RATED_BATCH: Final = 4096
"""Samples per step that the rates are meant for; larger batches learn no faster."""
RISE: Final = 4.0
"""How many times as fast the highest hidden layer learns as the lowest."""
LAST_LAYER_RATE: Final = 0.001
"""Default rate of the last layer's weights, which every output shares; faster ones are unstable."""


def layer_rates(
    learning_rate: float | None,
    hidden_rate: float,
    scales: tuple[float, ...],
    width: int,
    steps: int,
    batch: int,
) -> tuple[float, ...]:
    """Return each layer's peak learning rate on effective weights.

    A rate that was asked for is multiplied by the recipe's scales and nothing else, so that its
    peak is the rate that a paper states. Without one the rates are those that trained well in
    batches of a few thousand: `hidden_rate`, in inverse proportion to the width and to the root of
    the number of steps, for the hidden layer in the middle, by equal factors more for those above
    and less for those below, as the recipe's scales have it but at most `FIRST_LAYER_RATE` for the
    first, `LAST_LAYER_RATE` for the last.

    In smaller batches the hidden rate falls with the root of the batch (Malladi et al., 2022, On
    the SDEs and Scaling Rules for Adaptive Gradient Algorithms). Adam moves every weight by about
    the rate, and the fewer samples a step has, the more of those moves point the same way for each
    of them: the phases of a lone sample move by the rate times the width, at random before long.
    """
    if learning_rate is not None:
        return tuple(learning_rate * scale for scale in scales)
    first, *hidden, _ = scales
    low, high = STEPS_FACTORS
    hidden_rate *= min(max(math.sqrt(RATED_STEPS / steps), low), high)
    hidden_rate *= RATED_WIDTH / max(width, NARROWEST)
    hidden_rate *= math.sqrt(min(1.0, batch / RATED_BATCH))
    # Without hidden layers there is nothing that the first layer's scale could refer to.
    first_rate = hidden_rate * first / hidden[0] if hidden else FIRST_LAYER_RATE
    middle = (len(hidden) - 1) / 2
    between = (
        hidden_rate * scale / hidden[0] * RISE ** ((number - middle) / max(1.0, 2.0 * middle))
        for number, scale in enumerate(hidden)
    )
    return (min(first_rate, FIRST_LAYER_RATE), *between, LAST_LAYER_RATE)


def rates_of(config: FitConfig, spec: SignalSpec, rules: TrainingRules) -> tuple[float, ...]:
    """Return each layer's peak learning rate in a fit of a signal, see `layer_rates`."""
    return layer_rates(
        config.learning_rate,
        config.initializer.hidden_rate,
        rules.learning_rate_scales,
        config.size_for(spec).width,
        config.expected_steps(spec),
        config.batch_for(spec),
    )


def column_rates_of(
    config: FitConfig, spec: SignalSpec, rules: TrainingRules
) -> dict[int, tuple[float, ...]]:
    """Return the peak learning rates of the columns that have scales of their own, by layer.

    A column learns as its layer would if all of it had the column's scale.
    """

    def rate(layer: int, scale: float) -> float:
        scales = list(rules.learning_rate_scales)
        scales[layer] = scale
        return rates_of(config, spec, replace(rules, learning_rate_scales=tuple(scales)))[layer]

    return {
        layer: tuple(rate(layer, scale) for scale in scales)
        for layer, scales in rules.column_scales.items()
    }


def pace(factor: float, steps: int) -> tuple[float, float]:
    """Return the numbers of Adam's step number `steps` at `factor` times the rates.

    They are the factor over 1 - beta1^t and 1 / sqrt(1 - beta2^t), see `plain_update`.
    """
    return factor / (1.0 - BETAS[0] ** steps), (1.0 - BETAS[1] ** steps) ** -0.5


class ColumnAdam:
    """Adam on one matrix of weights, with a learning rate per column.

    To scale a column's rate is to train with that factor inside the sine, since Adam's step does
    not depend on the gradient's scale; but for `EPSILON`, which gradients are far above.
    """

    def __init__(self, weight: torch.nn.Parameter, rates: tuple[float, ...]) -> None:
        """Prepare; `rates` holds the peak learning rate of each column (fan_in,)."""
        self.weight = weight
        self.averages = (torch.zeros_like(weight), torch.zeros_like(weight))
        self._rates = torch.tensor(rates, dtype=weight.dtype, device=weight.device)

    @torch.no_grad()
    def step(self, factor: float, steps: int) -> None:
        """Take step number `steps` at `factor` times the learning rates."""
        gradient = self.weight.grad
        assert gradient is not None
        numbers = torch.tensor(pace(factor, steps), dtype=gradient.dtype).to(gradient.device)
        constants = (*BETAS, EPSILON)
        plain_update(self.weight, gradient, self.averages, self._rates, None, numbers, constants)


class RuledAdam:
    """Adam with a learning rate per layer or column, frozen weights and bounds on columns."""

    def __init__(
        self,
        network: SineNetwork,
        rates: tuple[float, ...],
        rules: TrainingRules,
        column_rates: Mapping[int, tuple[float, ...]] = NO_COLUMNS,
    ) -> None:
        """Prepare; `rates` holds the peak learning rate of each layer's effective weights.

        `column_rates` holds those of the columns of some layers' weights, which go before.
        """
        self._rates = rates
        self._steps = 0
        self._columns = {
            layer: ColumnAdam(network.weights[layer], column_rates[layer])
            for layer in column_rates
            if layer not in rules.frozen_weights
        }
        groups: list[dict[str, object]] = []
        for layer in range(len(rates)):
            parameters = [network.biases[layer]]
            if layer not in rules.frozen_weights and layer not in self._columns:
                parameters.append(network.weights[layer])
            groups.append({"params": parameters})
        device = network.biases[0].device
        self._adam = torch.optim.Adam(
            groups, lr=rates[0], betas=BETAS, eps=EPSILON, fused=device.type != "mps"
        )
        self._bounds: list[tuple[Tensor, Tensor]] = [
            (network.weights[layer].detach(), bound.to(device))
            for layer, bound in rules.column_bounds.items()
        ]
        self._clamp()

    def step(self, factor: float) -> None:
        """Apply one step at `factor` times the learning rates, then clamp bounded columns."""
        for group, rate in zip(self._adam.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self._adam.step()
        self._steps += 1
        for columns in self._columns.values():
            columns.step(factor, self._steps)
        self._clamp()

    def state(self) -> dict[str, Tensor]:
        """Return Adam's averages of gradients and of their squares, by name, on the CPU."""
        found = {}
        for group_number, group in enumerate(self._adam.param_groups):
            for number, parameter in enumerate(group["params"]):
                for name in AVERAGES:
                    average = self._adam.state[parameter].get(name, torch.zeros_like(parameter))
                    found[f"adam.{group_number}.{number}.{name}"] = average.detach().cpu()
        for layer, columns in self._columns.items():
            for name, average in zip(AVERAGES, columns.averages, strict=True):
                found[f"adam.{layer}.1.{name}"] = average.cpu()
        return found

    def restore(self, state: dict[str, Tensor], steps: int) -> None:
        """Put back what `state` returned after `steps` steps."""
        for group_number, group in enumerate(self._adam.param_groups):
            for number, parameter in enumerate(group["params"]):
                kept = self._adam.state[parameter]
                kept["step"] = torch.tensor(float(steps), device=parameter.device)
                for name in AVERAGES:
                    average = state[f"adam.{group_number}.{number}.{name}"]
                    _check_shape(average, parameter)
                    kept[name] = average.to(parameter.device, torch.float32, copy=True)
        for layer, columns in self._columns.items():
            for name, average in zip(AVERAGES, columns.averages, strict=True):
                kept_average = state[f"adam.{layer}.1.{name}"]
                _check_shape(kept_average, average)
                average.copy_(kept_average)
        self._steps = steps

    def _clamp(self) -> None:
        for weight, bound in self._bounds:
            torch.clamp(weight, min=-bound, max=bound, out=weight)


def _check_shape(average: Tensor, parameter: Tensor) -> None:
    if average.shape != parameter.shape:
        raise ValueError("Adam's averages do not fit the network")
