"""The weights of many networks of one size in one tensor, and Adam on all of them at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from sinefit.fitting.engines.adam import plain_update
from sinefit.fitting.optimizer import AVERAGES, BETAS, EPSILON, pace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from sinefit.initializers.base import TrainingRules
    from sinefit.networks.sine import SineNetwork


class Stack:
    """Weights and gradients of networks of one size, a row each, seen layer by layer.

    The parameters of the networks become views of their rows, so that each network always has its
    present weights.
    """

    def __init__(self, networks: Sequence[SineNetwork]) -> None:
        """Move the networks in; they must be of one size and on one device."""
        self.networks = tuple(networks)
        self.size = networks[0].size
        self.fits = len(networks)
        self.device = networks[0].weights[0].device
        with torch.no_grad():
            rows = [
                torch.cat([part.detach().reshape(-1) for part in _parameters(network)])
                for network in networks
            ]
            self.values = torch.stack(rows)  # (fits, parameters)
        self.gradient = torch.zeros_like(self.values)
        self.weights, self.biases = self.layers(self.values)
        self.weight_gradients, self.bias_gradients = self.layers(self.gradient)
        for number, network in enumerate(networks):
            for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
                network.weights[layer].data = weight[number]
                network.biases[layer].data = bias[number, 0]

    def layers(self, rows: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return views of a tensor of rows, layer by layer.

        For the weights (fits, fan_out, fan_in), for the biases (fits, 1, fan_out).
        """
        weights, biases = [], []
        begin = 0
        for fan_out, fan_in in self.size.layers:
            middle, end = begin + fan_out * fan_in, begin + fan_out * (fan_in + 1)
            weights.append(rows[:, begin:middle].view(-1, fan_out, fan_in))
            biases.append(rows[:, middle:end].view(-1, 1, fan_out))
            begin = end
        return weights, biases

    def release(self) -> None:
        """Give every network parameters of its own again, with the present weights."""
        for network in self.networks:
            for parameter in network.parameters():
                parameter.data = parameter.data.clone()


class StackedAdam:
    """What `RuledAdam` does, for every network of a stack in the same few operations."""

    def __init__(
        self,
        stack: Stack,
        rates: Sequence[tuple[float, ...]],
        rules: Sequence[TrainingRules],
        column_rates: Sequence[Mapping[int, tuple[float, ...]]] | None = None,
    ) -> None:
        """Prepare; `rates` holds each network's peak learning rates, one per layer.

        `column_rates` holds those of the columns of some layers' weights, which go before.
        """
        self._stack = stack
        self._rules = tuple(rules)
        self._averages = (torch.zeros_like(stack.values), torch.zeros_like(stack.values))
        self._steps = [0] * stack.fits
        self._rates = torch.empty_like(stack.values)
        weights, biases = stack.layers(self._rates)
        for number, (layer_rates, rule) in enumerate(zip(rates, rules, strict=True)):
            for layer, rate in enumerate(layer_rates):
                weights[layer][number] = 0.0 if layer in rule.frozen_weights else rate
                biases[layer][number] = rate
        for number, columns in enumerate(column_rates or ()):
            for layer in columns.keys() - self._rules[number].frozen_weights:
                weights[layer][number] = torch.tensor(columns[layer])
        self._bound: Tensor | None = None
        if any(rule.column_bounds for rule in rules):
            self._bound = torch.full_like(stack.values, math.inf)
            bounds, _ = stack.layers(self._bound)
            for number, rule in enumerate(rules):
                for layer, bound in rule.column_bounds.items():
                    bounds[layer][number] = bound.to(stack.device)
            torch.clamp(stack.values, min=-self._bound, max=self._bound, out=stack.values)

    @torch.no_grad()
    def step(self, factors: Sequence[float]) -> None:
        """Take one step, each network at its own factor times its learning rates."""
        self._steps = [steps + 1 for steps in self._steps]
        paces = [pace(factor, steps) for factor, steps in zip(factors, self._steps, strict=True)]
        values = self._stack.values
        plain_update(
            values,
            self._stack.gradient,
            self._averages,
            self._rates,
            self._bound,
            torch.tensor(paces).T.to(values.device).unsqueeze(2),  # (2, fits, 1)
            (*BETAS, EPSILON),
        )

    def state(self, number: int) -> dict[str, Tensor]:
        """Return what `RuledAdam.state` does, of one network of the stack."""
        return {name: part.cpu().clone() for name, part in self._named(number)}

    def restore(self, number: int, state: Mapping[str, Tensor], steps: int) -> None:
        """Put back what `state` returned of a network after `steps` steps."""
        self._steps[number] = steps
        for name, part in self._named(number):
            part.copy_(state[name])

    def _named(self, number: int) -> Iterator[tuple[str, Tensor]]:
        """Yield the averages of a network by the names that `RuledAdam` gives them."""
        for name, rows in zip(AVERAGES, self._averages, strict=True):
            weights, biases = self._stack.layers(rows)
            for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                yield f"adam.{layer}.0.{name}", bias[number, 0]
                if layer not in self._rules[number].frozen_weights:
                    yield f"adam.{layer}.1.{name}", weight[number]


def _parameters(network: SineNetwork) -> Iterator[Tensor]:
    for weight, bias in zip(network.weights, network.biases, strict=True):
        yield weight
        yield bias
