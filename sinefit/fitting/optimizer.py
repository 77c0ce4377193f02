"""Adam on effective weights, with what an initializer says that training must respect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.initializers.base import TrainingRules
    from sinefit.networks.sine import SineNetwork

BETAS: Final = (0.9, 0.99)
"""Adam's decay rates; a short second-moment memory suits a fit of a few thousand steps."""
EPSILON: Final = 1e-12
"""Adam's epsilon, far below the gradients of a well fitted signal."""


FIRST_LAYER_RATE: Final = 0.04
"""Highest default rate of the first layer's weights: radians that one step moves a phase by at the
edge of the domain. Above it the phases of high frequencies, in sound above all, jump at random."""


def layer_rates(
    learning_rate: float | None, hidden_rate: float, scales: tuple[float, ...]
) -> tuple[float, ...]:
    """Return each layer's peak learning rate on effective weights.

    A rate that was asked for is multiplied by the recipe's scales and nothing else, so that a
    paper's learning rate means what the paper meant. Without one the hidden layers take
    `hidden_rate`, the others follow by their scales, and the first layer goes no faster than
    `FIRST_LAYER_RATE`.
    """
    if learning_rate is not None:
        return tuple(learning_rate * scale for scale in scales)
    # The layer after the first is a hidden one, or the last where there is none.
    first, *others = (hidden_rate * scale / scales[1] for scale in scales)
    return (min(first, FIRST_LAYER_RATE), *others)


class RuledAdam:
    """Adam with a learning rate per layer, frozen weights and bounds on columns."""

    def __init__(
        self, network: SineNetwork, rates: tuple[float, ...], rules: TrainingRules
    ) -> None:
        """Prepare; `rates` holds the peak learning rate of each layer's effective weights."""
        self._rates = rates
        groups: list[dict[str, object]] = []
        for layer in range(len(rates)):
            parameters = [network.biases[layer]]
            if layer not in rules.frozen_weights:
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
        self._clamp()

    def _clamp(self) -> None:
        for weight, bound in self._bounds:
            torch.clamp(weight, min=-bound, max=bound, out=weight)
