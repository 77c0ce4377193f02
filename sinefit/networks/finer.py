"""FINER: sines whose frequency grows with what goes into them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.networks.draws import uniform
from sinefit.networks.perceptron import Perceptron
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Finer(Perceptron):
    """h <- sin(omega (|z| + 1) z) of z = W h + b.

    The larger a neuron's bias, the higher the frequencies that it can take. Training takes no
    gradient through the factor |z| + 1; the derivatives of a field are those of the whole.
    """

    name: ClassVar[str] = "finer"
    formula: ClassVar[str] = "h ← sin(ω (|z| + 1) z), z = W h + b, no gradient through |z| + 1"
    start: ClassVar[str] = (
        "siren, without the factor ω: W1 ~ U(±1/d), hidden and last W ~ U(±√(6/N)/ω), "
        "b ~ U(±1/√fan_in), or b1 ~ U(±first_bias)"
    )
    advice: ClassVar[str] = "A siren with a wider spectrum, which a larger first_bias widens more."
    reference: ClassVar[str] = (
        "Liu, Zhu, Zhang, Fu, Deng, Ma, Guo, Cao (2024), FINER: Flexible Spectral-bias Tuning in "
        "Implicit NEural Representation by Variable-periodic Activation Functions, CVPR, "
        "equations 4 to 6; the authors' code"
    )
    usual_rate: ClassVar[float] = 5e-4
    rate_source: ClassVar[str] = "the paper, which lets it fall to a tenth"
    kept_values: ClassVar[int] = 4

    omega: float = field(
        default=30.0,
        metadata={"help": "the factor ω inside every sine; 30 in the paper", "above": 0.0},
    )
    first_bias: float = field(
        default=0.0,
        metadata={
            "help": "bound k of the first biases, b1 ~ U(±k), 1 to 20 in the paper; 0 draws them "
            "as those of the other layers",
            "minimum": 0.0,
        },
    )

    def activation(self, phase: Tensor) -> Tensor:
        """Return sin(omega (|z| + 1) z)."""
        return ((phase.abs() + 1.0) * self.omega * phase).sin()

    def outputs(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> tuple[Tensor, ...]:
        """Return the values of `forward`, of which the factor |z| + 1 has no gradient."""

        def activation(phase: Tensor) -> Tensor:
            return ((phase.detach().abs() + 1.0) * self.omega * phase).sin()

        return (self.through(activation, parameters, coordinates),)

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw as SIREN's authors do, omega being inside the sine."""
        found: dict[str, Tensor] = {}
        for layer, (fan_out, fan_in) in enumerate(self.layers(size)):
            bound = math.sqrt(6.0 / fan_in) / self.omega if layer else 1.0 / fan_in
            found[weight_name(layer)] = uniform((fan_out, fan_in), bound, generator)
            spread = 1.0 / math.sqrt(fan_in)
            if layer == 0 and self.first_bias > 0.0:
                spread = self.first_bias
            found[bias_name(layer)] = uniform((fan_out,), spread, generator)
        return found
