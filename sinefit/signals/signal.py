"""The signal: samples on a regular grid, with everything about how they were sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from sinefit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["image", "audio", "video", "array"]
Domain = Literal["grid", "sphere"]
Footprint = Literal["point", "box", "gaussian", "band-limited"]
"""What a sample is: the value at its centre; the mean over its cell; the mean by a bell whose
standard deviation is half a cell; or a mean that keeps what samples so far apart can carry."""
Coordinates = Literal["centres", "ends"]
Targets = Literal["-1,1", "0,1"]

KINDS: tuple[Kind, ...] = get_args(Kind)
DOMAINS: tuple[Domain, ...] = get_args(Domain)
FOOTPRINTS: tuple[Footprint, ...] = get_args(Footprint)
COORDINATES: tuple[Coordinates, ...] = get_args(Coordinates)
TARGETS: tuple[Targets, ...] = get_args(Targets)
NOUNS: Mapping[Kind, str] = {
    "image": "an image",
    "audio": "a sound",
    "video": "a video",
    "array": "an array",
}
"""What messages call a signal of each kind."""

LARGEST_VALUE: Final = 2.0**1000
"""Largest magnitude of values, about 1e301: float64 has room above for overshoots."""
SMALLEST_RANGE: Final = 2.0**-1000
"""Smallest range of values: below, float64 has no factor that maps it to [-1, 1]."""
_PIECE_VALUES: Final = 2**21


def range_fault(low: float, high: float) -> str | None:
    """Return why values from `low` to `high` cannot be mapped to [-1, 1], and the cure, or None."""
    span = f"spans {low:g} to {high:g}"
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return f"{span}, which is no range: it must rise between finite numbers"
    if max(abs(low), abs(high)) > LARGEST_VALUE:
        return f"{span}, too much to be scaled: divide it first"
    if high - low < SMALLEST_RANGE:
        return f"{span}, too little to be scaled: multiply it first"
    return None


def value_range(stored: NDArray[Any], name: str) -> tuple[float, float]:
    """Return the values that are mapped to -1 and +1: of booleans 0 and 1, else the extremes.

    NaN, which stands for no value, does not count. Raises InputError, which calls the file `name`,
    for infinite values, for none at all and for those that span too much.
    """
    if stored.dtype.kind == "b":
        return 0.0, 1.0
    low, high = math.inf, -math.inf
    for piece in _pieces(stored):
        smallest, largest = float(piece.min()), float(piece.max())
        if math.isnan(smallest):  # as the extremes of values with a NaN among them are
            piece = piece[piece == piece]  # all but NaN
            if not piece.size:
                continue
            smallest, largest = float(piece.min()), float(piece.max())
        if not (math.isfinite(smallest) and math.isfinite(largest)):
            raise InputError(f"{name} holds infinite values: replace them first")
        low, high = min(low, smallest), max(high, largest)
    if low > high:
        raise InputError(f"{name} holds nothing but NaN: it has no samples to fit")
    if high == low:
        # A constant gets a range around it, wide enough to differ from it in float64.
        half = max(0.5, abs(low) * 2.0**-20)
        low, high = low - half, high + half
    fault = range_fault(low, high)
    if fault is not None:
        raise InputError(f"{name} {fault}")
    return low, high


def _pieces(stored: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield all values, in runs of the file's own order."""
    flat = stored.ravel(order="K")  # a view of anything contiguous, as what a file holds is
    for start in range(0, flat.size, _PIECE_VALUES):
        yield flat[start : start + _PIECE_VALUES]


def ends_of(targets: Targets) -> tuple[float, float]:
    """Return the lower and the upper end of a range of targets."""
    low, high = map(float, targets.split(","))
    return low, high


def to_unit(
    samples: NDArray[np.generic], low: float, high: float, targets: Targets, dtype: str
) -> NDArray[np.floating]:
    """Map values from [low, high] to targets of a floating type."""
    first, last = ends_of(targets)
    scale = (last - first) / (high - low)
    units: NDArray[np.floating] = ((samples.astype("float64") - low) * scale + first).astype(dtype)
    return units


@dataclass(frozen=True)
class SignalSpec:
    """Everything about a signal but its samples: what a weights file stores and a writer needs.

    The samples have shape `shape + (channels,)` and NumPy type `dtype`.
    """

    kind: Kind
    """What the signal is: an image, a sound, a video or a bare array."""
    shape: tuple[int, ...]
    """Samples per axis: image (height, width), audio (samples,), video (frames, height, width)."""
    channels: int
    """Values per sample, at least 1; an alpha channel counts."""
    dtype: str
    """NumPy name of the sample type, "uint8", "uint16", "float32" and so on."""
    low: float
    """The value that the field maps to the lower end of `targets`, usually -1."""
    high: float
    """The value that the field maps to their upper end, +1; greater than `low`."""
    format: str
    """Name of the file format the signal came from, "png", "wav", "mp4", "npy" and so on."""
    bit_depth: int
    """Bits per sample value that the source file held: 8, 16, 24, 32, 64 or 1 for booleans."""
    rate: Fraction | None = None
    """Samples per second of a sound, frames per second of a video."""
    encoding: str | None = None
    """How the source stored sound, a libsndfile subtype such as "PCM_16"."""
    alpha: bool = False
    """Whether the last channel of an image is its alpha."""
    icc_profile: bytes | None = None
    """The colour profile of an image."""
    soundtrack: bytes | None = None
    """The sound streams of a video, unchanged, in a Matroska file."""
    channels_last: bool = False
    """Whether the last axis of an array file holds the channels."""
    domain: Domain = "grid"
    """"grid": every axis is a coordinate; "sphere": two axes are latitude and longitude."""
    footprint: Footprint = "point"
    """What a sample counts as where a field is fitted to the signal."""
    coordinates: Coordinates = "centres"
    """Where along [-1, 1] samples lie: at the "centres" of cells that fill it, or from end to end,
    the first at -1 and the last at 1: "ends"."""
    targets: Targets = "-1,1"
    """What the field maps `low` and `high` to."""
    source: str | None = None
    """Name of the file the signal came from, without its folder."""
    source_bytes: int | None = None
    """Size of that file."""

    @property
    def axes(self) -> int:
        """Number of axes of the sampling grid."""
        return len(self.shape)

    @property
    def coordinate_features(self) -> int:
        """Coordinates per sample that the network sees: 3 on the sphere, else one per axis."""
        return 3 if self.domain == "sphere" else len(self.shape)

    @property
    def sample_count(self) -> int:
        """Number of samples, each of `channels` values."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def value_range(self) -> float:
        """`high - low`, the range that PSNR refers to.

        Full scale for images and video, twice the peak for sound, the range of values for arrays
        and images of floats.
        """
        return self.high - self.low

    @property
    def full_scale(self) -> bool:
        """Whether `low` and `high` are the ends of the sample type, as in pictures of integers."""
        return self.kind in ("image", "video") and not self.dtype.startswith("float")

    @property
    def target_low(self) -> float:
        """What the network is to give for `low`."""
        return ends_of(self.targets)[0]

    @property
    def target_range(self) -> float:
        """How much more it is to give for `high`."""
        low, high = ends_of(self.targets)
        return high - low

    def to_unit(self, samples: NDArray[np.generic], dtype: str = "float32") -> NDArray[np.floating]:
        """Map values from [low, high] to `targets`, what the network is to give."""
        return to_unit(samples, self.low, self.high, self.targets, dtype)

    def from_unit(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map network outputs from `targets` to values in [low, high], not rounded, not clipped.

        What float64 cannot hold, of outputs far outside, is infinite.
        """
        import numpy as np

        with np.errstate(over="ignore"):
            scale = (self.high - self.low) / self.target_range
            return (values.astype("float64") - self.target_low) * scale + self.low

    def store(self, values: NDArray[np.floating]) -> NDArray[np.generic]:
        """Map network outputs to samples of type `dtype`, as a file would hold them.

        Integer types are rounded to nearest, booleans cut at one half. All are clipped to the
        finite range of the type.
        """
        import numpy as np

        physical = self.from_unit(values)
        kind = np.dtype(self.dtype)
        if kind == np.bool_:
            return physical >= 0.5
        if np.issubdtype(kind, np.integer):
            limits = np.iinfo(kind)
            # The largest integers of 64 bits lie between two floats: clip to the lower one.
            top = float(limits.max)
            top = top if int(top) <= limits.max else math.nextafter(top, 0.0)
            return np.clip(np.rint(physical), float(limits.min), top).astype(kind)
        largest = float(np.finfo(kind).max)
        return np.clip(physical, -largest, largest).astype(kind)

    def with_shape(self, shape: tuple[int, ...]) -> SignalSpec:
        """Return the same spec on a grid of another size."""
        return replace(self, shape=shape)


@dataclass(frozen=True)
class Signal:
    """A sampled signal: its `spec` and the samples, of shape `spec.shape + (spec.channels,)`."""

    spec: SignalSpec
    samples: NDArray[np.generic]
    notices: tuple[str, ...] = ()
    """What reading had to change or leave out, one sentence each, for the person to know."""
    known: NDArray[np.bool_] | None = None
    """Which samples are known, of shape `spec.shape`; None for all. The others hold a guess."""

    def __post_init__(self) -> None:
        fault = range_fault(self.spec.low, self.spec.high)
        if fault is not None:
            raise InputError(f"{self.spec.source or 'the signal'} {fault}")
        expected = (*self.spec.shape, self.spec.channels)
        if self.samples.shape != expected:
            raise InputError(f"samples have shape {self.samples.shape}, the spec says {expected}")
        if self.samples.dtype != self.spec.dtype:
            raise InputError(f"samples are {self.samples.dtype}, the spec says {self.spec.dtype}")
        if self.known is not None and self.known.shape != self.spec.shape:
            raise InputError(
                f"the mask has shape {self.known.shape}, the spec says {self.spec.shape}"
            )
