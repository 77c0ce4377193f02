"""TUNER: integer frequencies in a frozen first layer, and bounds on how they are mixed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import TYPE_CHECKING, ClassVar, Literal

from sinefit.errors import SettingError
from sinefit.initializers.base import Initializer, TrainingRules, check_omega
from sinefit.initializers.draws import scales_by_layer, sine_network
from sinefit.initializers.frequencies import (
    draw_frequencies,
    draw_lattice,
    half_space_count,
    unit_frequencies,
)
from sinefit.initializers.siren import siren_layers
from sinefit.networks.draws import uniform

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sinefit.initializers.base import SignalTraits
    from sinefit.initializers.frequencies import Frequency
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize

FrequencyChoice = Literal["tuned", "odd", "no-units", "random"]

_SPREAD = 0.3
"""Deviation of the weights of layer 2 in units of their bound, from the authors' code."""


@dataclass(frozen=True)
class Tuner(Initializer):
    """TUNER (Novello et al. 2025): a chosen spectrum at the start, and a bound on its growth.

    The first layer's weights are 2π k/period with distinct integer vectors k: the unit vectors,
    low ones, and high ones up to a band limit. They stay frozen; their phases train. The weights of
    the second sine layer, N(0, (0.3 c)²) with c the bound of the column's frequency, are held
    within ±c. Further layers are SIREN's.

    Choices made here: each axis has its own band limit, from its number of samples; where the low
    box holds too few frequencies for the width it is widened, then the band up to Nyquist, and if
    the signal has no more below Nyquist frequencies repeat with other phases. omega multiplies the
    band, which never exceeds Nyquist; every layer trains at the same rate.
    """

    name: ClassVar[str] = "tuner"
    formula: ClassVar[str] = (
        "W1 = 2πk/p frozen, b1 ~ U(±π/2); W2 ~ N(0, (0.3 c_j)²) within ±c_j; the rest siren"
    )
    advice: ClassVar[str] = "For a chosen band: detail where the signal has it, no noise above."
    reference: ClassVar[str] = (
        "Novello, Aldana, Araujo, Velho (2025), Tuning the Frequencies: Robust Training for "
        "Sinusoidal Neural Networks, CVPR; the authors' code"
    )

    period: float = field(
        default=4.0,
        metadata={
            "help": "period p of the starting network along each coordinate; the domain is 2 long",
            "minimum": 2.0,
        },
    )
    low: int = field(
        default=10,
        metadata={"help": "largest component of a low frequency", "minimum": 1},
    )
    high_share: float = field(
        default=0.3,
        metadata={
            "help": "share of high frequencies among the neurons",
            "minimum": 0.0,
            "maximum": 1.0,
        },
    )
    frequencies: FrequencyChoice = field(
        default="tuned",
        metadata={
            "help": "which whole frequencies the first layer has: the paper's (tuned), or for "
            "ablations none with an even component (odd), all but the unit vectors (no-units), or "
            "any up to the band limit, drawn alike (random)"
        },
    )
    band: float = field(
        default=1.0 / 3.0,
        metadata={
            "help": "largest component of a high frequency, as a share of half the samples of its "
            "axis, which omega multiplies; in radians that is band · omega · 2/p of Nyquist",
            "above": 0.0,
        },
    )
    bound_low: float = field(
        default=1.0,
        metadata={
            "help": "bound on the weights of layer 2 that read a low frequency",
            "above": 0.0,
            "below": 2.0,
        },
    )
    bound_high: float = field(
        default=0.6,
        metadata={
            "help": "bound on the weights of layer 2 that read a high frequency",
            "above": 0.0,
            "below": 2.0,
        },
    )
    hidden_omega: float = field(
        default=30.0,
        metadata={
            "help": "siren's factor inside each hidden sine, for biases, learning rates and the "
            "last layer",
            "above": 0.0,
        },
    )

    def omega_for(self, frequency: float, size: NetworkSize) -> float:  # noqa: ARG002
        """Return 1 whatever the frequency: omega multiplies a band that follows the signal."""
        return 1.0

    def omega_at(self, share: float, nyquist: float) -> float:  # noqa: ARG002
        """Return the factor that takes the band limit to that share: `share` period/(2 band)."""
        return share * self.period / (2.0 * self.band)

    def paper_omega(self, features: int) -> str:  # noqa: ARG002 (of any it is the same)
        """Return 1: the band is that of the parameters."""
        return "1"

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form.

        Raises `SettingError` where `traits.shape` does not have one length per input axis.
        """
        import torch

        check_omega(omega, size)
        if len(traits.shape) != size.in_features:
            raise SettingError(
                f"initializer tuner: the signal has {len(traits.shape)} axes, the network "
                f"{size.in_features} inputs: they must be equal"
            )
        low, high = self._frequencies(size.width, omega, traits.shape, generator)
        weights, biases = siren_layers(size, omega, self.hidden_omega, generator)
        integers = torch.tensor([*low, *high], dtype=torch.float32)  # (width, axes)
        weights[0] = integers * (2.0 * math.pi / self.period)
        biases[0] = uniform((size.width,), math.pi / 2.0, generator)
        if size.depth > 1:
            bounds = self._column_bounds(weights[0])
            drawn = torch.randn(size.layers[1], generator=generator) * (_SPREAD * bounds)
            weights[1] = torch.clamp(drawn, -bounds, bounds)  # (width, width)
        return sine_network(size, weights, biases)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:  # noqa: ARG002
        """Return siren's scales but on the phases, a frozen first layer, and layer 2's bounds."""
        from sinefit.networks.sine import weight_name

        size = network.size
        first = network.parameters[weight_name(0)][0]
        return TrainingRules(
            scales_by_layer((1.0, *[self.hidden_omega] * (size.depth - 1), 1.0)),
            frozenset({weight_name(0)}),
            {weight_name(1): self._column_bounds(first)} if size.depth > 1 else {},
        )

    def _column_bounds(self, first: Tensor) -> Tensor:
        """Return the bounds (width,) on layer 2 by the frequencies of a first layer (width, axes).

        The low frequencies come first and reach the edge of their box, which is `low` or as wide as
        they needed; whatever lies outside it is high. So the weights alone tell them apart, for
        whichever signal they were drawn.
        """
        import torch

        reach = torch.round(first.detach().cpu() * (self.period / (2.0 * math.pi)))
        reach = reach.abs().amax(dim=1)  # (width,)
        lows = len(reach) - self._high_count(*first.shape)
        is_low = reach <= max(float(self.low), float(reach[:lows].max()))
        return torch.where(is_low, self.bound_low, self.bound_high)

    def _high_count(self, width: int, axes: int) -> int:
        """Return how many high frequencies a layer of that width asks for."""
        return round(self.high_share * (width - min(axes, width)))

    def _frequencies(
        self,
        width: int,
        omega: tuple[float, ...],
        shape: tuple[int, ...],
        generator: torch.Generator,
    ) -> tuple[list[Frequency], list[Frequency]]:
        """Return the low (unit vectors first) and the high frequencies, `width` in all."""
        limits = self._band_limits(width, omega, shape)
        if self.frequencies == "random":
            drawn = draw_frequencies(width, limits, (), generator)
            drawn = list(islice(cycle(drawn), width))
            # The lowest ones first, by which their bounds are told apart.
            drawn.sort(key=lambda frequency: max(map(abs, frequency)))
            lows = width - self._high_count(width, len(shape))
            return drawn[:lows], drawn[lows:]
        units = unit_frequencies(len(shape))[:width]
        known = units
        if self.frequencies == "no-units":
            units = []
        rest = width - len(units)
        high_count = self._high_count(width, len(shape))
        low_count = rest - high_count
        edge = self.low
        while half_space_count(_cut(limits, edge)) < len(units) + low_count and edge < max(limits):
            edge += 1
        inner = _cut(limits, edge)
        high = draw_lattice(high_count, limits, inner, generator)
        low = [*units, *draw_frequencies(rest - len(high), inner, known, generator)]
        if len(low) + len(high) < width:
            low = list(islice(cycle(low), width - len(high)))
        if self.frequencies == "odd":
            low, high = ([_odd(frequency) for frequency in each] for each in (low, high))
        return low, high

    def _band_limits(
        self, width: int, omega: tuple[float, ...], shape: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Return the largest component per axis, so that the box holds `width` if it can."""
        nyquist = tuple(max(1, math.floor(self.period * samples / 4.0)) for samples in shape)
        wanted = (
            math.floor(self.band * factor * samples / 2.0)
            for factor, samples in zip(omega, shape, strict=True)
        )
        limits = tuple(
            max(1, min(share, most)) for share, most in zip(wanted, nyquist, strict=True)
        )
        while half_space_count(limits) < width and limits != nyquist:
            limits = tuple(
                min(limit + 1, most) for limit, most in zip(limits, nyquist, strict=True)
            )
        return limits


def _odd(frequency: Frequency) -> Frequency:
    """Return a frequency with every even component one further away from zero."""
    return tuple(k if k % 2 else k + (1 if k >= 0 else -1) for k in frequency)


def _cut(limits: tuple[int, ...], edge: int) -> tuple[int, ...]:
    return tuple(min(limit, edge) for limit in limits)
