"""Quantities as pictures and sounds that show them, and as plain numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import torch

from sinefit.rendering.quantities import QUANTITIES, quantity_pieces
from sinefit.signals.grid import GridAxis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.rendering.blended import Blended
    from sinefit.signals.signal import SignalSpec

ESTIMATE: Final = 2**14
"""Samples at most from which the largest numbers that a picture shows are estimated."""
BRIGHTEST: Final = 0.995
"""Share of those samples whose numbers lie within what a picture shows: few edges are far above
all else, and would leave the rest dark."""
HEADROOM: Final = 1.25
"""By how much the numbers of a sound may exceed those estimated before they are cut."""


def shown_pieces(
    field: Blended,
    grid: tuple[GridAxis, ...],
    values: SignalSpec,
    name: str,
    output: SignalSpec,
    within: range | None = None,
    largest: float | None = None,
) -> Iterator[NDArray[Any]]:
    """Yield a quantity of a field of signals like `values` in the form of an `output`.

    Of the whole grid, or of the rows `within` it alone, which begin and end where pieces do.

    That is what `quantities.picture_spec` or `numbers_spec` returns. In a picture lengths go from
    black to the brightest; signed numbers are dark or bright around a middle grey; an angle is a
    hue, and a gradient a hue as bright as it is long. In a sound the largest number is full scale.
    What is the largest is estimated, unless `largest_shown` has told it.
    """
    numbers = output.kind == "array"
    if largest is None:
        largest = 1.0 if numbers else largest_shown(field, grid, values, name)
    for piece in quantity_pieces(field, grid, values, name, within):
        if numbers:
            yield piece.reshape(len(piece), *output.shape[1:], output.channels).numpy()
        else:
            shown = _shown(piece / largest, name, values.kind == "audio")
            yield output.store(shown.numpy())


def largest_shown(
    field: Blended, grid: tuple[GridAxis, ...], values: SignalSpec, name: str
) -> float:
    """Return the size of a quantity that is shown as the largest, above zero."""
    if QUANTITIES[name].shown == "angle":
        return 1.0
    each = max(1, math.floor(ESTIMATE ** (1.0 / len(grid))))
    coarse = []
    for axis in grid:
        count = min(axis.count, each)
        coarse.append(GridAxis(axis.size, axis.start, axis.step * axis.count / count, count))
    sizes = torch.cat(
        [
            _size(piece, name).flatten()
            for piece in quantity_pieces(field, tuple(coarse), values, name)
        ]
    )
    if values.kind == "audio":
        found = HEADROOM * float(sizes.max())
    else:
        found = float(sizes.kthvalue(max(1, round(BRIGHTEST * len(sizes)))).values)
    return found if found > 0.0 else 1.0


def _size(piece: Tensor, name: str) -> Tensor:
    """Return how large numbers are, vectors by the mean of their colours."""
    if QUANTITIES[name].shown == "vector":
        return piece.mean(dim=-2).square().sum(dim=-1).sqrt()
    return piece.abs()


def _shown(piece: Tensor, name: str, as_sound: bool) -> Tensor:
    """Return a quantity in the units of a spec's range, -1 to 1, from one whose largest is 1."""
    shown = QUANTITIES[name].shown
    if as_sound:
        return piece[..., 0] if shown == "vector" else piece
    if shown == "vector":
        vertical, horizontal = piece.mean(dim=-2).unbind(-1)
        length = torch.hypot(vertical, horizontal).clamp(max=1.0)
        return 2.0 * _hues(torch.atan2(vertical, horizontal)) * length[..., None] - 1.0
    if shown == "angle":
        sine, cosine = piece.sin().mean(dim=-1), piece.cos().mean(dim=-1)
        return 2.0 * _hues(torch.atan2(sine, cosine)) - 1.0
    if shown == "size":
        return 2.0 * piece - 1.0
    return piece.clamp(-1.0, 1.0)


def _hues(angles: Tensor) -> Tensor:
    """Return full colours (..., 3), 0 to 1: red at an angle of 0, then green and blue."""
    turns = angles / (2.0 * math.pi) * 6.0
    offsets = torch.tensor([0.0, 4.0, 2.0], device=angles.device)
    return (((turns[..., None] + offsets) % 6.0 - 3.0).abs() - 1.0).clamp(0.0, 1.0)
