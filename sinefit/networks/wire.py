"""WIRE: complex Gabor wavelets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.networks.draws import uniform
from sinefit.networks.family import Published
from sinefit.networks.layers import FAINTEST, affine
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Wire(Published):
    """h <- exp(j omega z - |s z|^2) of z = W h + b; the real part of the last layer is the value.

    All layers but the first have complex weights. As each stands for two real ones, the layers are
    by a square root of two narrower than asked for.
    """

    name: ClassVar[str] = "wire"
    formula: ClassVar[str] = (
        "h ← exp(jω z - |s z|²), z = W h + b, complex from the second layer on, width N/√2; "
        "the real part at the end"
    )
    start: ClassVar[str] = "as torch has it: W, b ~ U(±1/√fan_in), real and imaginary part alike"
    advice: ClassVar[str] = "Local; wide, with a depth of 2 or 3: a deeper one takes long to begin."
    reference: ClassVar[str] = (
        "Saragadam, LeJeune, Tan, Balakrishnan, Veeraraghavan, Baraniuk (2023), WIRE: Wavelet "
        "Implicit Neural Representations, CVPR, section 3; the authors' code"
    )
    usual_rate: ClassVar[float] = 1e-3
    rate_source: ClassVar[str] = (
        "measured with four layers, which learn next to nothing at the 5e-3 to 2e-2 that the "
        "authors' code has for three"
    )
    kept_values: ClassVar[int] = 8

    omega: float = field(
        default=20.0,
        metadata={"help": "frequency ω of every wavelet; 20 for images in the paper", "above": 0.0},
    )
    s: float = field(
        default=10.0,
        metadata={
            "help": "how narrow its envelope is; 10 for images in the paper, 30 in its code",
            "minimum": 0.0,
        },
    )

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of the layers; complex ones have a last axis of two."""
        found: dict[str, tuple[int, ...]] = {}
        for layer, (fan_out, fan_in) in enumerate(_layers(size)):
            parts = (2,) if layer else ()
            found[weight_name(layer)] = (fan_out, fan_in, *parts)
            found[bias_name(layer)] = (fan_out, *parts)
        return found

    def forward(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to values (members, count, out)."""
        last = len(parameters) // 2 - 1
        phase = affine(parameters, 0, coordinates)
        # Complex numbers are pairs of real ones here, whose exponentials are many times as fast.
        real, imaginary = self._wavelet(phase, None)
        for layer in range(1, last):
            a, b = parameters[weight_name(layer)].unbind(-1)
            c, d = parameters[bias_name(layer)][:, None].unbind(-1)
            # (a + jb)(real + j imaginary) + (c + jd)
            real, imaginary = self._wavelet(
                c.baddbmm(real, a.mT).baddbmm(imaginary, b.mT, alpha=-1),
                d.baddbmm(real, b.mT).baddbmm(imaginary, a.mT),
            )
        a, b = parameters[weight_name(last)].unbind(-1)
        c, _ = parameters[bias_name(last)][:, None].unbind(-1)
        return c.baddbmm(real, a.mT).baddbmm(imaginary, b.mT, alpha=-1)

    def _wavelet(self, real: Tensor, imaginary: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return real and imaginary part of exp(j omega z - |s z|^2)."""
        exponent = -((self.s * real) ** 2)
        if imaginary is not None:
            exponent = exponent - (self.s * imaginary) ** 2 - self.omega * imaginary
        size, phase = exponent.clamp(min=FAINTEST).exp(), self.omega * real
        return size * phase.cos(), size * phase.sin()

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw as torch does, both parts of a complex value alike."""
        bounds = [1.0 / math.sqrt(fan_in) for _, fan_in in _layers(size)]
        shapes = self.shapes(size)
        found: dict[str, Tensor] = {}
        for layer, bound in enumerate(bounds):
            for name in (weight_name(layer), bias_name(layer)):
                found[name] = uniform(shapes[name], bound, generator)
        return found


def _layers(size: NetworkSize) -> list[tuple[int, int]]:
    """Return (fan_out, fan_in) of each layer, in complex numbers from the second on."""
    width = max(1, int(size.width / math.sqrt(2.0)))
    hidden = [(width, width)] * (size.depth - 1)
    return [(width, size.in_features), *hidden, (size.out_features, width)]
