"""How fast each parameter learns: the peak rates of Adam."""

from __future__ import annotations

import copy
import math
from array import array
from typing import TYPE_CHECKING, Final

import torch

from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from sinefit.initializers.base import TrainingRules
    from sinefit.networks.network import Network

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
BLOCK_RISE: Final = 2.0
"""The same in the network of a block, whose highest layer has less room above its rate."""
LAST_LAYER_RATE: Final = 0.001
"""Default rate of the last layer's weights, which every output shares; faster ones are unstable."""


def layer_rates(
    learning_rate: float | None,
    hidden_rate: float,
    scales: tuple[float, ...],
    width: int,
    steps: int,
    batch: int,
    *,
    of_block: bool = False,
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

    The networks of blocks, which have their batches from many periods of few frequencies, stand
    more: by the root of `RATED_WIDTH` over the width, rising by `BLOCK_RISE` from layer to layer.
    """
    if learning_rate is not None:
        return tuple(learning_rate * scale for scale in scales)
    first, *hidden, _ = scales
    hidden_rate *= steps_factor(steps)
    hidden_rate *= RATED_WIDTH / max(width, NARROWEST)
    hidden_rate *= math.sqrt(min(1.0, batch / RATED_BATCH))
    if of_block:
        hidden_rate *= math.sqrt(RATED_WIDTH / max(width, NARROWEST))
    rise = BLOCK_RISE if of_block else RISE
    # Without hidden layers there is nothing that the first layer's scale could refer to.
    first_rate = hidden_rate * first / hidden[0] if hidden else FIRST_LAYER_RATE
    middle = (len(hidden) - 1) / 2
    between = (
        hidden_rate * scale / hidden[0] * rise ** ((number - middle) / max(1.0, 2.0 * middle))
        for number, scale in enumerate(hidden)
    )
    return (min(first_rate, FIRST_LAYER_RATE), *between, LAST_LAYER_RATE)


def steps_factor(steps: float) -> float:
    """Return the factor on default rates of hidden layers that a fit of so many steps has."""
    low, high = STEPS_FACTORS
    return min(max(math.sqrt(RATED_STEPS / steps), low), high)


class PeakRates:
    """The peak rates of a sine network's parameters in one fit."""

    def __init__(
        self,
        learning_rate: float | None,
        hidden_rate: float,
        rules: TrainingRules,
        depth: int,
        width: int,
        steps: int,
        batch: int,
        *,
        of_block: bool = False,
    ) -> None:
        """Take the rate that was asked for, or None, and what `layer_rates` does."""
        self._rules = rules
        # The biases have the scale of their layer; columns of the weights can have their own.
        scales = tuple(float(rules.rate_scales[bias_name(layer)]) for layer in range(depth + 1))

        def rates(layer: int, scale: float) -> tuple[float, ...]:
            changed = (*scales[:layer], scale, *scales[layer + 1 :])
            return layer_rates(
                learning_rate, hidden_rate, changed, width, steps, batch, of_block=of_block
            )

        self.by_layer = rates(0, scales[0])
        """One per layer, first layer first; of columns with scales of their own that of their
        mean."""
        self.base = min(rate / scale for rate, scale in zip(self.by_layer, scales, strict=True))
        """The highest rate to ask for at which no layer would learn faster than it does."""
        found: dict[str, float | Tensor] = {}
        for layer, rate in enumerate(self.by_layer):
            weight, bias = weight_name(layer), bias_name(layer)
            found[bias] = rate
            columns = rules.rate_scales[weight]
            if isinstance(columns, float | int):
                found[weight] = rate
            else:
                # A column learns as its layer would if all of it had the column's scale.
                each = [rates(layer, scale)[layer] for scale in columns.tolist()]
                found[weight] = torch.tensor(each, dtype=torch.float64)
        for name in rules.frozen:
            found[name] = 0.0
        self.by_name: Mapping[str, float | Tensor] = found
        """One per parameter, or per column of one; 0 for what is frozen."""
        self.scales: Mapping[str, float | Tensor] = {
            name: rules.rate_scales[name] for name in found
        }
        """The recipe's scales of the same: how fast effective weights grow with native ones."""


class ParameterRows:
    """Numbers for each parameter, or for each of its columns, of many networks of one recipe.

    A row with a number for every weight would be as large as the network itself.
    """

    def __init__(self) -> None:
        self._numbers = array("d")
        self._columns: dict[str, int] = {}

    def add(self, by_name: Mapping[str, float | Tensor]) -> None:
        """Add the next network's numbers: all have the same parameters and columns."""
        self._columns.clear()
        for name, value in by_name.items():
            numbers = value.tolist() if isinstance(value, torch.Tensor) else [value]
            self._columns[name] = len(numbers)
            self._numbers.extend(numbers)

    def part(self, members: range) -> ParameterRows:
        """Return the numbers of some networks, counted from 0 again."""
        found = ParameterRows()
        width = sum(self._columns.values())
        found._numbers = self._numbers[members.start * width : members.stop * width]
        found._columns = self._columns
        return found

    def spread(self, network: Network, members: range) -> Tensor:
        """Return rows for some members (members, count), laid out like a network's values.

        They are on the network's device and of the type of its values.
        """
        found = network.values.new_zeros((len(members), network.values.shape[1]))
        views = network.views(found)
        width = sum(self._columns.values())
        chosen = self._numbers[members.start * width : members.stop * width]
        table = torch.tensor(chosen, dtype=torch.float64).view(len(members), width)
        begin = 0
        for name, columns in self._columns.items():
            view, end = views[name], begin + columns
            numbers = table[:, begin:end].to(found)
            view.copy_(numbers.view(len(members), *[1] * (view.ndim - 2), columns))
            begin = end
        return found


class EqualRates:
    """One peak rate for all parameters of a network: what those of papers take."""

    def __init__(self, rate: float, rules: TrainingRules) -> None:
        """Take the rate of all that is not frozen."""
        self.by_layer = (rate,)
        """The one rate."""
        self.base = rate
        """The highest rate to ask for at which no layer would learn faster than it does."""
        self.by_name: Mapping[str, float | Tensor] = {
            name: 0.0 if name in rules.frozen else rate for name in rules.rate_scales
        }
        """One per parameter; 0 for what is frozen."""
        self.scales: Mapping[str, float | Tensor] = dict.fromkeys(self.by_name, 1.0)
        """That of the rules, which have none but 1."""


class RateTable:
    """The peak rates of many networks of one recipe."""

    def __init__(self, members: Iterable[PeakRates | EqualRates]) -> None:
        self._rates, self._scales = ParameterRows(), ParameterRows()
        self._first = 0
        layers, bases = [], []
        for one in members:
            self._rates.add(one.by_name)
            self._scales.add(one.scales)
            layers.append(one.by_layer)
            bases.append(one.base)
        self.by_layer = geometric_means(layers)
        """Peak rate per layer, of several networks their geometric mean."""
        self.base = min(bases)
        """The highest rate to ask for at which no layer of any would learn faster than it does."""

    def rows(self, network: Network, members: range) -> Tensor:
        """Return the rates of some members (members, count), see `ParameterRows.spread`."""
        return self._rates.spread(network, self._places(members))

    def scales(self, network: Network, members: range) -> Tensor:
        """Return their recipe's scales (members, count)."""
        return self._scales.spread(network, self._places(members))

    def part(self, members: range) -> RateTable:
        """Return the table of some of the networks, which keep their numbers."""
        found = copy.copy(self)
        places = self._places(members)
        found._rates, found._scales = self._rates.part(places), self._scales.part(places)
        found._first = members.start
        return found

    def _places(self, members: range) -> range:
        return range(members.start - self._first, members.stop - self._first)


def geometric_means(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the geometric mean of each column, of equal numbers themselves."""
    return tuple(
        column[0] if len(set(column)) == 1 else math.exp(sum(map(math.log, column)) / len(column))
        for column in zip(*rows, strict=True)
    )
