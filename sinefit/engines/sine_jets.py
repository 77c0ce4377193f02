"""Derivatives of sine networks along several axes at once, for losses that contain them.

Values and derivatives go through a layer as one matrix: with s = sin z, c = cos z the chain rule
gives (sin z)' = c z' and (sin z)'' = c z'' - s z'². It is what `jets.jet_of` computes of any
function, with one pass for all axes and without torch's rules of forward differentiation, which
take most of the time of a small network. Autograd differentiates it by the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

Jets = tuple["Tensor", dict[int, "Tensor"], dict[int, "Tensor"]]
"""Values, and first and second derivatives by the number of their axis, each (count, out)."""


def sine_jets(parameters: Mapping[str, Tensor], points: Tensor, orders: Sequence[int]) -> Jets:
    """Differentiate a stack of one sine network at points (count, in), as `orders` says of an axis.

    The orders are 0, 1 or 2.
    """
    axes = [axis for axis, order in enumerate(orders) if order > 0]
    twice = [number for number, axis in enumerate(axes) if orders[axis] == 2]
    last = len(parameters) // 2 - 1
    weight, bias = parameters[weight_name(0)][0], parameters[bias_name(0)][0]
    phases = torch.addmm(bias, points, weight.T)  # (count, width)
    slopes = weight.T[axes][:, None]  # (axes, 1, width)
    hidden = _stacked(phases, slopes, None, twice)
    for layer in range(1, last + 1):
        weight, bias = parameters[weight_name(layer)][0], parameters[bias_name(layer)][0]
        flat = hidden.flatten(0, 1) @ weight.T
        mixed = flat.unflatten(0, hidden.shape[:2])  # type: ignore[no-untyped-call]
        phases, slopes = mixed[0] + bias, mixed[1 : 1 + len(axes)]
        curvatures = mixed[1 + len(axes) :]
        if layer < last:
            hidden = _stacked(phases, slopes, curvatures, twice)
    first = dict(zip(axes, slopes, strict=True))
    second = dict(zip([axes[number] for number in twice], curvatures, strict=True))
    return phases, first, second


def _stacked(
    phases: Tensor, slopes: Tensor, curvatures: Tensor | None, twice: Sequence[int]
) -> Tensor:
    """Return sin of the phases and its derivatives, (1 + axes + those of order 2, count, width).

    Without curvatures the phases have none: those of the first layer.
    """
    sine, cosine = phases.sin(), phases.cos()
    bent = -sine * slopes[list(twice)].square()
    if curvatures is not None:
        bent = bent + cosine * curvatures
    return torch.cat([sine[None], cosine * slopes, bent])
