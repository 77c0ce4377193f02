"""What can be rendered of a field besides its values: derivatives, and what is made of them.

Everything is exact (see `derivatives`) and counts in the signal's own values per sample of the
fitted signal: of an 8-bit picture in its 256 steps per pixel, of a sound in its amplitude per
sample. An alpha channel is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import torch

from sinefit.errors import SettingError
from sinefit.rendering.derivatives import derived_rows, differentiate
from sinefit.signals.signal import NOUNS, SignalSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from sinefit.rendering.blended import Blended
    from sinefit.rendering.derivatives import Derivatives
    from sinefit.signals.grid import GridAxis

Shown = Literal["vector", "size", "angle", "signed"]
"""What kind of number a quantity is, which decides how a picture shows it."""


@dataclass(frozen=True)
class Quantity:
    """Something that follows from a field's derivatives."""

    summary: str
    """What it is, for help."""
    order: int
    """Highest derivative that it takes."""
    shown: Shown
    compute: Callable[[Derivatives, tuple[int, ...]], Tensor]
    """Return it at samples, (count, *shape, channels) or of a vector (..., channels, axes), from
    derivatives and the axes that count."""


def _gradient(found: Derivatives, axes: tuple[int, ...]) -> Tensor:
    return torch.stack([found.first[axis] for axis in axes], dim=-1)


def _magnitude(found: Derivatives, axes: tuple[int, ...]) -> Tensor:
    return found.first[list(axes)].square().sum(dim=0).sqrt()


def _direction(found: Derivatives, axes: tuple[int, ...]) -> Tensor:
    vertical, horizontal = axes
    return torch.atan2(found.first[vertical], found.first[horizontal])


def _laplacian(found: Derivatives, axes: tuple[int, ...]) -> Tensor:
    assert found.second is not None
    return found.second[list(axes)].sum(dim=0)


def _divergence(found: Derivatives, axes: tuple[int, ...]) -> Tensor:
    parts = [found.first[axis, ..., number] for number, axis in enumerate(axes)]
    return torch.stack(parts).sum(dim=0)[..., None]


def _along_time(found: Derivatives, _axes: tuple[int, ...]) -> Tensor:
    return found.first[0]


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "gradient": Quantity("slopes along the axes of space", 1, "vector", _gradient),
        "magnitude": Quantity("length of the gradient", 1, "size", _magnitude),
        "direction": Quantity(
            "angle of the gradient in radians, from the right downwards", 1, "angle", _direction
        ),
        "laplacian": Quantity(
            "sum of second derivatives along the axes of space", 2, "signed", _laplacian
        ),
        "divergence": Quantity(
            "of a field of vectors, a channel per axis", 1, "signed", _divergence
        ),
        "time-derivative": Quantity("slope along time", 1, "signed", _along_time),
    }
)
"""Every quantity by its name."""
VALUE: Final = "value"
"""The name of the field's own values."""


def space_axes(spec: SignalSpec) -> tuple[int, ...]:
    """Return the axes that a gradient is over: of a video height and width, else all."""
    return (1, 2) if spec.kind == "video" else tuple(range(spec.axes))


def colours(spec: SignalSpec) -> int:
    """Return the channels without alpha."""
    return spec.channels - spec.alpha


def check_quantity(name: str, spec: SignalSpec) -> None:
    """Raise SettingError for a quantity that fields of such signals do not have."""
    if name == VALUE:
        return
    noun, axes = NOUNS[spec.kind], len(space_axes(spec))
    cures = {
        "direction": (axes == 2, f"an angle needs two axes of space, {noun} here has {axes}"),
        "divergence": (
            colours(spec) == axes and axes > 1,
            f"it needs as many channels as axes, {noun} here has {colours(spec)} and {axes}",
        ),
        "time-derivative": (spec.kind in ("audio", "video"), f"{noun} has no axis of time"),
    }
    fits, cure = cures.get(name, (True, ""))
    if not fits:
        raise SettingError(f"`what` is {name}: {cure}")


def picture_spec(spec: SignalSpec, name: str) -> SignalSpec:
    """Return the spec of a picture or sound that shows a quantity of signals like `spec`.

    Vectors and angles become colours. Arrays have no pictures: theirs are numbers.
    """
    if spec.kind == "array":
        return numbers_spec(spec, name)
    if spec.kind == "audio":
        return replace(spec, targets="-1,1")
    channels = 3 if QUANTITIES[name].shown in ("vector", "angle") else colours(spec)
    dtype = spec.dtype if spec.full_scale else "uint8"
    top = 255 if dtype == "uint8" else 65535
    return replace(
        spec,
        channels=channels,
        targets="-1,1",
        alpha=False,
        dtype=dtype,
        bit_depth=8 if dtype == "uint8" else 16,
        low=0.0,
        high=float(top),
        icc_profile=None,
    )


def numbers_spec(spec: SignalSpec, name: str) -> SignalSpec:
    """Return the spec of the array of a quantity's numbers, float32.

    It has the signal's axes, of a gradient of several channels one for them, and last the channels
    or the gradient's components, in the order of the axes.
    """
    shape, channels = spec.shape, colours(spec)
    if name == "divergence":
        channels = 1
    if name == "gradient":
        shape = (*shape, channels) if channels > 1 else shape
        channels = len(space_axes(spec))
    return SignalSpec(
        kind="array",
        shape=shape,
        channels=channels,
        dtype="float32",
        low=-1.0,
        high=1.0,
        format="npy",
        bit_depth=32,
        channels_last=channels > 1,
        source=spec.source,
    )


def quantity_rows(grid: tuple[GridAxis, ...], spec: SignalSpec, name: str) -> int:
    """Return the rows of a piece of a quantity."""
    return derived_rows(grid, spec, QUANTITIES[name].order)


def quantity_pieces(
    field: Blended,
    grid: tuple[GridAxis, ...],
    spec: SignalSpec,
    name: str,
    within: range | None = None,
) -> Iterator[Tensor]:
    """Yield a quantity of a field of signals like `spec`, by pieces along the grid's first axis.

    Of the whole grid, or of the rows `within` it alone, which begin and end where pieces do.
    Each piece is (count, *shape[1:], channels), of a gradient (..., channels, axes), float32, in
    the signal's values per sample; angles in radians.
    """
    quantity, axes = QUANTITIES[name], space_axes(spec)
    unit = 1.0 if quantity.shown == "angle" else spec.value_range / spec.target_range
    for found in differentiate(field, grid, spec, quantity.order, within=within):
        yield quantity.compute(found.channels(colours(spec)), axes) * unit
