"""Gaussian activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.networks.layers import FAINTEST, torch_default
from sinefit.networks.perceptron import Perceptron

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Gauss(Perceptron):
    """h <- exp(-(a z)^2) of z = W h + b."""

    name: ClassVar[str] = "gauss"
    formula: ClassVar[str] = "h ← exp(-(a z)²), z = W h + b"
    start: ClassVar[str] = "as torch has it: W, b ~ U(±1/√fan_in)"
    advice: ClassVar[str] = "Smooth and local; a decides its detail, 10 to 30 in the papers."
    reference: ClassVar[str] = (
        "Ramasinghe, Lucey (2022), Beyond Periodicity: Towards a Unifying Framework for "
        "Activations in Coordinate-MLPs, ECCV, section 3; the form of WIRE's authors' code"
    )
    usual_rate: ClassVar[float] = 5e-3
    rate_source: ClassVar[str] = "WIRE's comparisons"
    kept_values: ClassVar[int] = 3

    a: float = field(
        default=10.0,
        metadata={"help": "the factor a of every phase; 10 in WIRE's code", "above": 0.0},
    )

    def activation(self, phase: Tensor) -> Tensor:
        """Return exp(-(a z)^2)."""
        return (phase * self.a).square().neg().clamp(min=FAINTEST).exp()

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw as torch does."""
        return torch_default(self.layers(size), generator)
