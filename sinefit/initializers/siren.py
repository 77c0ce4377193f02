"""SIREN, as its authors' code draws it, and in the plain forms that later papers compare with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from sinefit.initializers.base import Initializer, TrainingRules, check_omega, mean_omega
from sinefit.initializers.draws import per_axis, scales_by_layer, sine_network
from sinefit.networks.draws import uniform

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sinefit.initializers.base import SignalTraits
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize

Bias = Literal["official", "plain"]
Last = Literal["official", "hidden"]


@dataclass(frozen=True)
class Siren(Initializer):
    """SIREN (Sitzmann et al. 2020): uniform weights that keep the activations' distribution.

    With `bias="plain"` the hidden biases and the rates of the hidden layers are without the factor
    `hidden_omega`. With `last="hidden"` besides, every layer after the first is drawn alike, which
    is what Combette et al. (2025), theorem 3.1, call the Sitzmann scheme.
    """

    name: ClassVar[str] = "siren"
    formula: ClassVar[str] = (
        "W1 ~ U(±ω/d), b1 ~ U(±ω/√d); hidden W ~ U(±√(6/N)), b ~ U(±30/√N); "
        "last W ~ U(±√(6/N)/30), b ~ U(±1/√N)"
    )
    advice: ClassVar[str] = "The reference of every comparison; omega decides its detail."
    reference: ClassVar[str] = (
        "Sitzmann, Martel, Bergman, Lindell, Wetzstein (2020), Implicit Neural Representations "
        "with Periodic Activation Functions, NeurIPS; the authors' code"
    )

    bias: Bias = field(
        default="official",
        metadata={
            "help": "hidden biases U(±hidden_omega/√N) as in the authors' code (official) or "
            "U(±1/√N) as in later papers (plain)"
        },
    )
    last: Last = field(
        default="official",
        metadata={
            "help": "last weights U(±√(6/N)/hidden_omega) as in the authors' code (official) or "
            "U(±√(6/N)) like hidden ones (hidden); bias=plain:last=hidden is Sitzmann's scheme as "
            "theorem 3.1 of Combette et al. has it"
        },
    )
    hidden_omega: float = field(
        default=30.0,
        metadata={
            "help": "the factor that the authors' code keeps inside each hidden sine; it scales "
            "hidden biases and learning rates, and divides the official last layer",
            "above": 0.0,
        },
    )

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return `frequency` d √3, see `siren_omega`."""
        return siren_omega(frequency, size)

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        weights, biases = siren_layers(size, omega, self.hidden_omega, generator, bias=self.bias)
        if self.last == "hidden":
            weights[-1] = weights[-1] * self.hidden_omega
        return sine_network(size, weights, biases)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:
        """Return Adam's scales omega, hidden_omega, which is 1 with plain biases, and 1."""
        hidden = self.hidden_omega if self.bias == "official" else 1.0
        return siren_rules(network.size, omega, hidden)


def siren_omega(frequency: float, size: NetworkSize) -> float:
    """Return `frequency` d √3, since U(±omega/d) has standard deviation omega/(d √3)."""
    return frequency * size.in_features * math.sqrt(3.0)


def siren_layers(
    size: NetworkSize,
    omega: tuple[float, ...],
    hidden_omega: float,
    generator: torch.Generator,
    *,
    bias: Bias = "official",
) -> tuple[list[Tensor], list[Tensor]]:
    """Draw SIREN's effective weights and biases, one of each per layer."""
    check_omega(omega, size)
    (first, *hidden, last) = size.layers
    axes = size.in_features
    root_width = math.sqrt(size.width)
    hidden_bias = hidden_omega if bias == "official" else 1.0
    weights = [uniform(first, 1.0 / axes, generator) * per_axis(omega)]  # (width, axes)
    biases = [uniform(first[:1], mean_omega(omega) / math.sqrt(axes), generator)]
    for shape in hidden:
        weights.append(uniform(shape, math.sqrt(6.0) / root_width, generator))
        biases.append(uniform(shape[:1], hidden_bias / root_width, generator))
    weights.append(uniform(last, math.sqrt(6.0) / (root_width * hidden_omega), generator))
    biases.append(uniform(last[:1], 1.0 / root_width, generator))
    return weights, biases


def siren_rules(size: NetworkSize, omega: tuple[float, ...], hidden_omega: float) -> TrainingRules:
    """Return the learning-rate scales that the factors inside the sines stood for.

    In the first layer a coordinate's column has that axis's omega, as it would have with the factor
    on the coordinate; the biases have their mean.
    """
    hidden = [hidden_omega] * (size.depth - 1)
    return TrainingRules(scales_by_layer((mean_omega(omega), *hidden, 1.0), omega))
