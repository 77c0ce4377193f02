"""From what a person asks of a render to the grid that it is evaluated on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.errors import SettingError
from sinefit.rendering.footprints import footprints_of, kernel_of, reach_of
from sinefit.rendering.interpolation import reach_of_samples
from sinefit.rendering.quantities import (
    QUANTITIES,
    VALUE,
    check_quantity,
    numbers_spec,
    picture_spec,
)
from sinefit.signals.grid import GridAxis, native_axis
from sinefit.signals.signal import FOOTPRINTS, NOUNS
from sinefit.validation import (
    check_choice,
    fraction,
    number,
    numbers,
    settle,
    whole_number,
    whole_numbers,
)

if TYPE_CHECKING:
    from sinefit.rendering.footprints import Kernel
    from sinefit.signals.signal import Footprint, Kind, SignalSpec

MAX_SAMPLES: Final = 2**40
"""Most samples of one render; more is taken for a slip of the keyboard."""


@dataclass(frozen=True)
class RenderRequest:
    """What to render of a field; None keeps what was fitted."""

    scale: tuple[float, ...] | None = None
    """Factor on the number of samples: one for all axes of space (of a sound: its rate), or width
    and height, or one per axis of an array in the order of its axes."""
    size: tuple[int | None, ...] | None = None
    """Width and height in pixels, of which one may be None to follow from the other, or the samples
    per axis of an array."""
    rate: Fraction | None = None
    """Samples per second of a sound."""
    fps: Fraction | None = None
    """Frames per second of a video."""
    region: tuple[float, float, float, float] | None = None
    """x, y, width, height of a part of an image or video, in pixels of what was fitted."""
    start: float = 0.0
    """Seconds to skip at the beginning of a sound or video."""
    duration: float | None = None
    """Seconds of a sound or video to render."""
    bit_depth: int | None = None
    """Bits per value: 8 or 16 for images, 8 to 32 for sound, 16, 32 or 64 for arrays."""
    what: str = VALUE
    """The field's "value", or a derivative of it by its name in `quantities`."""
    footprint: Footprint | None = None
    """What a sample of the render is, see `Footprint`; None for what suits its grid."""

    def __post_init__(self) -> None:
        if self.scale is not None:
            settle(self, scale=numbers("scale", self.scale))
        if self.size is not None:
            settle(self, size=_size(self.size))
        if self.rate is not None:
            settle(self, rate=fraction("rate", self.rate))
        if self.fps is not None:
            settle(self, fps=fraction("fps", self.fps))
        if self.region is not None:
            settle(self, region=numbers("region", self.region, 4))
        settle(self, start=number("start", self.start))
        if self.duration is not None:
            settle(self, duration=number("duration", self.duration))
        if self.bit_depth is not None:
            settle(self, bit_depth=whole_number("bit_depth", self.bit_depth))
        check_choice("what", self.what, (VALUE, *QUANTITIES))
        if self.footprint is not None:
            check_choice("footprint", self.footprint, FOOTPRINTS)
            if self.what != VALUE:
                raise SettingError(
                    f"`footprint` is {self.footprint}: it is for values, `what` is {self.what}"
                )


@dataclass(frozen=True)
class RenderPlan:
    """The grid of a render and the signal that comes out of it."""

    axes: tuple[GridAxis, ...]
    spec: SignalSpec
    notices: tuple[str, ...] = ()
    """What of the fitted signal the render leaves out, one sentence each."""
    footprints: tuple[Footprint, ...] = ()
    """What a sample is along each axis; none for points along all of them."""
    widths: tuple[float, ...] | None = None
    """How wide footprints are along each axis, in samples of the fitted signal; None for as wide as
    the render's samples are apart."""
    what: str = VALUE
    """The field's "value", or the quantity that the output shows."""
    values: SignalSpec | None = None
    """The field's own values on this grid, where the output shows a quantity of them."""
    largest: float | None = None
    """The size of that quantity which is shown as the largest; None to estimate it of the field."""

    @property
    def is_pointwise(self) -> bool:
        """Whether all samples are the field's values at their centres."""
        return all(footprint == "point" for footprint in self.footprints)

    @property
    def is_interpolated(self) -> bool:
        """Whether it is a band-limited sound between the samples of what was fitted."""
        is_sound = self.spec.kind == "audio" and self.footprints == ("band-limited",)
        return is_sound and self.axes[0].step < 1.0

    @property
    def reach(self) -> tuple[GridAxis, ...]:
        """A grid that touches every block that the render does, its footprints too."""
        if self.is_pointwise:
            return self.axes
        if self.is_interpolated:
            return (reach_of_samples(self.axes[0]),)
        return tuple(map(reach_of, self.axes, self.kernels))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The mean along each axis that a sample is."""
        widths = self.widths or tuple(axis.step for axis in self.axes)
        return tuple(map(kernel_of, self.footprints, (axis.step for axis in self.axes), widths))

    def as_numbers(self) -> RenderPlan:
        """Return the plan of the quantity's plain numbers, not of a picture or sound that shows it.

        The output is an array of float32; that of plain values is what it was.
        """
        if self.values is None:
            return self
        return replace(self, spec=numbers_spec(self.values, self.what))


def plan_render(spec: SignalSpec, request: RenderRequest) -> RenderPlan:
    """Lay the grid that a request asks for on the domain of a fitted signal.

    Raises SettingError, naming the setting, for what does not apply to the kind of signal or lies
    outside its domain.
    """
    _check_kind(spec, request)
    check_quantity(request.what, spec)
    if request.scale is not None and request.size is not None:
        raise SettingError("`scale` and `size` exclude each other: give one of them")
    notices: tuple[str, ...] = ()
    output = spec
    if spec.kind in ("image", "video"):
        request, notices = _clipped(spec, request)
    if spec.kind == "audio":
        axis, rate = _time_axis(spec, request, "`rate`", request.rate)
        axes: tuple[GridAxis, ...] = (axis,)
        output = replace(output, rate=rate)
    elif spec.kind == "video":
        axis, rate = _time_axis(spec, request, "`fps`", request.fps)
        axes = (axis, *_space_axes(spec, request))
        output = replace(output, rate=rate)
        if spec.soundtrack is not None and (request.start > 0 or request.duration is not None):
            output = replace(output, soundtrack=None)
            notices += ("the sound track is left out, since the clip is cut",)
    elif spec.kind == "image":
        axes = _space_axes(spec, request)
    else:
        axes = _array_axes(spec, request)
    output = output.with_shape(tuple(axis.count for axis in axes))
    if output.sample_count > MAX_SAMPLES:
        raise SettingError(f"{output.sample_count} samples are too many to render: ask for fewer")
    output = _with_bit_depth(output, request.bit_depth)
    if request.what == VALUE:
        return RenderPlan(axes, output, notices, footprints_of(spec, axes, request.footprint))
    shown = picture_spec(output, request.what)
    return RenderPlan(axes, shown, notices, what=request.what, values=output)


def _check_kind(spec: SignalSpec, request: RenderRequest) -> None:
    timed = request.start != 0 or request.duration is not None
    wrong: tuple[tuple[str, bool, tuple[Kind, ...]], ...] = (
        ("`rate`", request.rate is not None, ("audio",)),
        ("`fps`", request.fps is not None, ("video",)),
        ("`start` and `duration`", timed, ("audio", "video")),
        ("`region`", request.region is not None, ("image", "video")),
        ("`size`", request.size is not None, ("image", "video", "array")),
    )
    for flag, given, kinds in wrong:
        if given and spec.kind not in kinds:
            raise SettingError(
                f"{flag} does not apply to this field: it holds {NOUNS[spec.kind]}, "
                f"the option is for {' or '.join(NOUNS[kind] for kind in kinds)}"
            )


def _time_axis(
    spec: SignalSpec, request: RenderRequest, flag: str, asked: Fraction | None
) -> tuple[GridAxis, Fraction]:
    """Return the axis of time, whose samples stay exactly one period of the new rate apart."""
    assert spec.rate is not None
    rate = asked if asked is not None else spec.rate
    if asked is None and spec.kind == "audio" and request.scale is not None:
        (factor,) = _factors(request.scale, 1)
        # Sound files hold whole rates only.
        rate = Fraction(max(1, round(float(spec.rate) * factor)))
    elif asked is not None and spec.kind == "audio" and request.scale is not None:
        raise SettingError("`rate` and `scale` exclude each other for a sound: give one of them")
    if rate <= 0:
        raise SettingError(f"{flag} is {float(rate):g}: it must be greater than 0")
    if spec.kind == "audio" and rate.denominator != 1:
        raise SettingError(f"`rate` is {float(rate):g}: it must be a whole number of samples")
    total = Fraction(spec.shape[0]) / spec.rate  # seconds
    if not (math.isfinite(request.start) and 0 <= request.start < total):
        raise SettingError(
            f"`start` is {request.start:g}: it must be from 0 to less than {float(total):g} seconds"
        )
    start = Fraction(request.start)
    seconds = total - start
    if request.duration is not None:
        if not (math.isfinite(request.duration) and request.duration > 0):
            raise SettingError(
                f"`duration` is {request.duration:g}: it must be more than 0 seconds"
            )
        seconds = min(seconds, Fraction(request.duration))
    count = max(1, round(seconds * rate))
    return GridAxis(spec.shape[0], float(start * spec.rate), float(spec.rate / rate), count), rate


def _space_axes(spec: SignalSpec, request: RenderRequest) -> tuple[GridAxis, GridAxis]:
    """Return the axes of height and width, whose samples fill the region evenly."""
    height, width = spec.shape[-2:]
    x, y, region_width, region_height = request.region or (0.0, 0.0, float(width), float(height))
    if request.size is not None:
        columns, rows = _sizes(_with_aspect(request.size, region_width, region_height), 2)
    else:
        factor_x, factor_y = _factors(request.scale, 2)
        columns, rows = _count(region_width, factor_x), _count(region_height, factor_y)
    return (
        GridAxis(height, y, region_height / rows, rows),
        GridAxis(width, x, region_width / columns, columns),
    )


def _clipped(spec: SignalSpec, request: RenderRequest) -> tuple[RenderRequest, tuple[str, ...]]:
    """Return a request whose region lies within the domain, and a notice where it did not."""
    if request.region is None:
        return request, ()
    height, width = spec.shape[-2:]
    x, y, region_width, region_height = request.region
    left, right = max(x, 0.0), min(x + region_width, float(width))
    top, bottom = max(y, 0.0), min(y + region_height, float(height))
    asked = f"{x:g},{y:g},{region_width:g},{region_height:g}"
    if not (all(map(math.isfinite, request.region)) and left < right and top < bottom):
        raise SettingError(
            f"`region` is {asked}: it must be a part of the {width}x{height} pixels that were "
            "fitted"
        )
    inside = (left, top, right - left, bottom - top)
    if (left, top, right, bottom) == (x, y, x + region_width, y + region_height):
        return request, ()
    notice = (
        f"`region` {asked} reaches beyond the {width}x{height} pixels that were fitted: it is cut "
        f"to {','.join(f'{value:g}' for value in inside)}"
    )
    return replace(request, region=inside), (notice,)


def _array_axes(spec: SignalSpec, request: RenderRequest) -> tuple[GridAxis, ...]:
    if request.size is not None:
        counts = _sizes(request.size, spec.axes)
    else:
        factors = _factors(request.scale, spec.axes)
        pairs = zip(spec.shape, factors, strict=True)
        counts = tuple(_count(size, factor) for size, factor in pairs)
    return tuple(
        native_axis(size) if size == count else GridAxis(size, 0.0, size / count, count)
        for size, count in zip(spec.shape, counts, strict=True)
    )


def _factors(scale: tuple[float, ...] | None, axes: int) -> tuple[float, ...]:
    if scale is None:
        return (1.0,) * axes
    if not all(0 < factor <= MAX_SAMPLES for factor in scale):
        raise SettingError(
            f"`scale` is {_by(scale)}: every factor must be above 0 and at most {MAX_SAMPLES}"
        )
    if len(scale) == 1:
        return scale * axes
    if len(scale) != axes:
        raise SettingError(f"`scale` is {_by(scale)}: give one factor or {axes} of them")
    return scale


def _size(value: object) -> tuple[int | None, ...]:
    """Return a size that a caller gives, in which a pair may leave one side open."""
    if isinstance(value, tuple | list) and len(value) == 2 and value.count(None) == 1:
        return tuple(None if item is None else whole_numbers("size", item)[0] for item in value)
    return whole_numbers("size", value)


def _with_aspect(
    size: tuple[int | None, ...], width: float, height: float
) -> tuple[int | None, ...]:
    """Return a size whose open side follows from the other, as in a region of width by height."""
    if len(size) != 2 or None not in size:
        return size
    columns, rows = size
    if columns is None:
        return _count(width, (rows or 0) / height), rows
    return columns, _count(height, columns / width)


def _sizes(size: tuple[int | None, ...], axes: int) -> tuple[int, ...]:
    if len(size) != axes or None in size:
        raise SettingError(f"`size` is {_by(size)}: give {axes} numbers, one per axis")
    known = tuple(count for count in size if count is not None)
    if not all(1 <= count <= MAX_SAMPLES for count in known):
        raise SettingError(f"`size` is {_by(size)}: every number must be from 1 to {MAX_SAMPLES}")
    return known


def _by(values: tuple[float | None, ...]) -> str:
    return "x".join(
        "" if value is None else str(value) if isinstance(value, int) else f"{value:g}"
        for value in values
    )


def _count(size: float, factor: float) -> int:
    return max(1, round(size * factor))


def _with_bit_depth(spec: SignalSpec, bits: int | None) -> SignalSpec:
    """Return the spec with samples of another depth, its values meaning the same."""
    if bits is None or (bits == spec.bit_depth and spec.kind != "array"):
        return spec
    allowed = {"image": (8, 16), "audio": (8, 16, 24, 32), "video": (8,), "array": (16, 32, 64)}
    if bits not in allowed[spec.kind]:
        depths = ", ".join(str(depth) for depth in allowed[spec.kind])
        raise SettingError(f"`bit_depth` is {bits}: for {NOUNS[spec.kind]} it can be {depths}")
    if spec.kind == "image":
        dtype = f"uint{bits}"
        return replace(spec, dtype=dtype, bit_depth=bits, low=0.0, high=float(np.iinfo(dtype).max))
    if spec.kind == "audio":
        return replace(spec, bit_depth=bits, encoding=None)
    if max(abs(spec.low), abs(spec.high)) > float(np.finfo(f"float{bits}").max):
        raise SettingError(
            f"`bit_depth` is {bits}: it cannot hold values from {spec.low:g} to {spec.high:g}"
        )
    return replace(spec, dtype=f"float{bits}", bit_depth=bits)
