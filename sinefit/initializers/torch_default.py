"""PyTorch's own default for linear layers, with omega in the first layer alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer, TrainingRules, check_omega, mean_omega
from sinefit.initializers.draws import per_axis, scales_by_layer, sine_network
from sinefit.networks.draws import uniform

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class TorchDefault(Initializer):
    """The default of `torch.nn.Linear`: weights and biases U(±1/√fan_in).

    The factor omega on the first layer's weights and biases is a choice made here: without it the
    start is too smooth for any signal of many samples. omega = 1 is plain PyTorch.
    """

    name: ClassVar[str] = "torch"
    formula: ClassVar[str] = "W, b ~ U(±1/√fan_in), the first layer times ω"
    advice: ClassVar[str] = "A negative control: gradients shrink threefold in variance per layer."
    reference: ClassVar[str] = "PyTorch, the default of torch.nn.Linear"
    hidden_rate: ClassVar[float] = 0.012

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return `frequency` √(3d), since U(±omega/√d) has standard deviation omega/√(3d)."""
        return frequency * math.sqrt(3.0 * size.in_features)

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        check_omega(omega, size)
        weights, biases = [], []
        for shape in size.layers:
            bound = 1.0 / math.sqrt(shape[1])
            weights.append(uniform(shape, bound, generator))
            biases.append(uniform(shape[:1], bound, generator))
        weights[0] = weights[0] * per_axis(omega)
        biases[0] = biases[0] * mean_omega(omega)
        return sine_network(size, weights, biases)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:  # noqa: ARG002
        """Return the same rate for every layer."""
        return TrainingRules(scales_by_layer((1.0,) * (network.size.depth + 1)))
