"""Sinc activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.networks.layers import torch_default
from sinefit.networks.perceptron import Perceptron

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Sinc(Perceptron):
    """h <- sinc(w z) of z = W h + b, sinc t = sin(pi t) / (pi t)."""

    name: ClassVar[str] = "sinc"
    formula: ClassVar[str] = "h ← sinc(w z), z = W h + b, sinc t = sin(π t) / (π t)"
    start: ClassVar[str] = "as torch has it: W, b ~ U(±1/√fan_in)"
    advice: ClassVar[str] = "What sampling theory derives from shifts of one function."
    reference: ClassVar[str] = (
        "Saratchandran, Ramasinghe, Shevchenko, Long, Lucey (2024), A Sampling Theory Perspective "
        "on Activations for Implicit Neural Representations, ICML, section 4"
    )
    usual_rate: ClassVar[float] = 1e-3
    rate_source: ClassVar[str] = "the comparisons of later papers"
    kept_values: ClassVar[int] = 3

    w: float = field(
        default=8.0, metadata={"help": "the factor w of every phase; 8 as usual", "above": 0.0}
    )

    def activation(self, phase: Tensor) -> Tensor:
        """Return sinc(w z)."""
        return (phase * self.w).sinc()

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw as torch does."""
        return torch_default(self.layers(size), generator)
