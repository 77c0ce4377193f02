"""The plain sine network: h <- sin(W h + b) layer by layer, the last layer linear.

Every scheme of the papers is stored in this form, in *effective* weights: sin(omega (W x + b)) is
kept as sin(W' x + b') with W' = omega W and b' = omega b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from sinefit.networks.family import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.networks.size import NetworkSize


def weight_name(layer: int) -> str:
    """Return the name of a layer's weights (fan_out, fan_in); layers are counted from 0."""
    return f"layers.{layer}.weight"


def bias_name(layer: int) -> str:
    """Return the name of a layer's biases (fan_out,)."""
    return f"layers.{layer}.bias"


@dataclass(frozen=True)
class Sine(Family):
    """The family of plain sine networks: `size.depth` sine layers and a linear one."""

    name: ClassVar[str] = "sine"
    formula: ClassVar[str] = "h ← sin(W h + b); a linear layer at the end"
    advice: ClassVar[str] = (
        "The main one, which all initializers, blocks and fast engines are for; omega decides its "
        "detail."
    )
    reference: ClassVar[str] = (
        "Sitzmann, Martel, Bergman, Lindell, Wetzstein (2020), Implicit Neural Representations "
        "with Periodic Activation Functions, NeurIPS, section 3; in effective weights"
    )

    def __reduce__(self) -> str:
        return "SINE"  # in another process, too, there is one

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of the layers' weights and biases.

        The hidden weights come first: what converts or multiplies them all finds them in one
        stretch of memory. Then the biases of the sine layers, the first and the last layer, whose
        gradients are plain sums over samples.
        """
        last = size.depth
        found: dict[str, tuple[int, ...]] = {}
        for layer in range(1, last):
            found[weight_name(layer)] = (size.width, size.width)
        for layer in range(last):
            found[bias_name(layer)] = (size.width,)
        found[weight_name(0)] = (size.width, size.in_features)
        found[weight_name(last)] = (size.out_features, size.width)
        found[bias_name(last)] = (size.out_features,)
        return found

    def forward(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to values (members, count, out)."""
        hidden = coordinates
        last = len(parameters) // 2 - 1
        for layer in range(last + 1):
            weight, bias = parameters[weight_name(layer)], parameters[bias_name(layer)]
            hidden = bias[:, None].baddbmm(hidden, weight.mT)  # (members, count, fan_out)
            if layer < last:
                hidden = hidden.sin()
        return hidden


SINE: Final = Sine()
