"""How a signal is cut into blocks, and how wide their networks are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from sinefit.errors import InputError, SettingError
from sinefit.fitting.sizing import default_width
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.signals.blocks import BlockGrid, width_first
from sinefit.validation import refusal, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import Kind, SignalSpec

USUAL_WIDTH: Final = 32
"""Neurons per layer of a usual block's networks. On photographs and sound, at equal weights per
value and equal time, blocks of 16 to 64 neurons end within 1 dB; larger ones take longer."""
VIDEO_EDGES: Final = (1, 2, 2)
"""Proportion of frames, rows and columns of a video's blocks."""
FEWEST_BLOCKS: Final = 4
"""Usual blocks that a signal must have the samples of to be cut into any."""
WEIGHTS_PER_VALUE: Final[dict[Kind, float]] = {
    "image": 1.0,
    "audio": 1.0,
    "video": 0.25,
    "array": 1.0,
}
"""Usual weights per value of the signal, by kind, as far as `MOST_WEIGHTS` allows."""
MOST_WEIGHTS: Final = 2**26
"""Usual weights of a field at most. Training holds four numbers for each, which are 1 GiB of them;
and of a signal that would have more, some 22 megapixels in colour, a step of every block takes
minutes on a few cores, in which more weights would not be put to use."""
NARROWEST: Final = 16
WIDEST: Final = 1024
GRAIN: Final = 16
"""Widths of blocks' networks are multiples of this, as vector registers want."""
FULL: Final[Literal["full"]] = "full"
BATCH: Final = 4096
"""Samples of a step of the one network of a signal."""
BATCH_SHARE: Final = 1 / 16
"""Samples of a block's step as a share of its own."""
FEWEST_IN_BATCH: Final = 64
FEWEST_OF_ONE: Final = 128
"""The same of the one network of a signal, if only quality ends its fit."""
FEWEST_IN_BLOCK: Final = 256
"""Samples of a block that follows from the width, at least: to plan one takes as long as some
hundred of its steps."""
MARGIN_SHARE: Final = 3 / 32
"""Usual margin as a share of a block's edge. What a block fits of its neighbours it has no weights
left for: at equal steps an eighth ends 0.8 dB lower on photographs, a sixteenth 0.7 dB higher; but
with that the slope in the margins of a smooth field errs by 2 dB more than elsewhere."""


def parse_extent(name: str, value: object) -> tuple[int, ...] | None:
    """Return whole numbers from 0, one or one per axis; of the text "auto" None.

    A text has an x between them: 6x4. Raises SettingError for anything else.
    """
    if isinstance(value, str):
        if value.strip().lower() == "auto":
            return None
        words = [word.strip() for word in value.lower().split("x")]
        if not all(word.isdecimal() and len(word) < 19 for word in words):
            raise refusal(name, value, "auto, a whole number, or one per axis: 6x4")
        parts: tuple[object, ...] = tuple(int(word) for word in words)
    else:
        parts = tuple(value) if isinstance(value, tuple | list) else (value,)
    if not parts:
        raise refusal(name, value, "a whole number, or one per axis")
    return tuple(whole_number(name, part, least=0 if name == "margin" else 1) for part in parts)


def parse_batch(name: str, value: object) -> int | Literal["full"]:
    """Return a whole number from 1, or "full"; raises SettingError for anything else."""
    if value == FULL:
        return FULL
    if isinstance(value, str):
        if not (value.strip().isdecimal() and len(value) < 19):
            raise refusal(name, value, "a whole number, or full")
        value = int(value)
    return whole_number(name, value)


def extent_text(extent: tuple[int, ...] | None) -> str:
    """Return what `parse_extent` takes."""
    return "auto" if extent is None else "x".join(map(str, extent))


def block_grid(spec: SignalSpec, config: FitConfig) -> BlockGrid:
    """Return the blocks that the settings ask for.

    Raises SettingError for more of them than an axis has samples, and for too wide a margin;
    InputError for a signal without samples.
    """
    if spec.sample_count == 0:
        raise InputError(
            f"{spec.source or 'the signal'}: it has no samples, so there is nothing to fit"
        )
    counts = _counts(spec, config)
    smallest = [size // count for size, count in zip(spec.shape, counts, strict=True)]
    # At least a sample, so that the slope is continuous wherever there is room.
    margins = [min(edge // 2, max(1, round(MARGIN_SHARE * edge))) for edge in smallest]
    if config.margin is not None:
        margins = list(_per_axis("margin", config.margin, spec))
    # An axis of one block has no neighbours to reach into.
    margins = [margin if count > 1 else 0 for margin, count in zip(margins, counts, strict=True)]
    return BlockGrid.over(spec, counts, margins, config.ensemble or 1)


def network_size(spec: SignalSpec, config: FitConfig, blocks: BlockGrid) -> NetworkSize:
    """Return the size of every block's network, of one block's by `sizing.default_width`."""
    if config.width is not None:
        width = config.width
    elif blocks.cell_count == 1 and config.weights_per_value is None:
        width = default_width(spec, config.depth)
    else:
        width = width_for(spec, config, blocks)
    return NetworkSize(features_of(spec, blocks), width, config.depth, spec.channels)


def features_of(spec: SignalSpec, blocks: BlockGrid) -> int:
    """Return how many coordinates a network sees: blocks of a sphere are cut from its angles."""
    return spec.coordinate_features if blocks.count == 1 else spec.axes


def batch_size(
    blocks: BlockGrid,
    asked: int | Literal["full"] | None,
    fewest: int,
    *,
    quality_alone: bool = False,
) -> int:
    """Return the samples of a network's step, at most the `fewest` that a block is fitted to.

    Unless they are asked for they are a share of a block's, a power of two; of one network so many
    that a budget of steps goes far, unless its `quality_alone` ends the fit. Pictures of 16 to 128
    pixels a side are met at 30 to 60 dB by a third to a fifth of the samples in batches of a
    sixteenth or an eighth that full batches take.
    """
    if asked == FULL:
        return fewest
    if asked is not None:
        return min(asked, fewest)
    usual = BATCH
    if blocks.cell_count > 1 or quality_alone:
        each = math.prod(axis.size / axis.count for axis in blocks.axes)
        power = 2 ** round(math.log2(max(1.0, BATCH_SHARE * each)))
        least = FEWEST_IN_BATCH if blocks.cell_count > 1 else FEWEST_OF_ONE
        usual = min(max(power, least), BATCH)
    return min(usual, fewest)


def width_for(spec: SignalSpec, config: FitConfig, blocks: BlockGrid) -> int:
    """Return the width at which a covering has the weights per value asked for, or usual."""
    values = spec.sample_count * spec.channels
    wanted = _weights_per_value(spec, config) * values / blocks.cell_count
    features = features_of(spec, blocks)

    def weights(width: int) -> int:
        size = NetworkSize(features, width, config.depth, spec.channels)
        return config.network.parameter_count(size)

    widths = range(NARROWEST, WIDEST + 1, GRAIN)
    return min(widths, key=lambda width: abs(math.log(weights(width) / wanted)))


def _counts(spec: SignalSpec, config: FitConfig) -> tuple[int, ...]:
    """Return the blocks along each axis."""
    if config.blocks is not None and config.block_size is not None:
        raise SettingError("`blocks` and `block_size` exclude each other: give one of them")
    cut = next(
        (name for name in ("blocks", "block_size") if getattr(config, name) is not None), None
    )
    if config.weights_per_value is not None and config.width is not None and cut is not None:
        raise SettingError(
            f"`weights_per_value` follows from `width` and `{cut}`: give two of the three"
        )
    if config.blocks is not None:
        if config.blocks == (1,):
            return (1,) * spec.axes
        return tuple(_per_axis("blocks", config.blocks, spec))
    if config.block_size is None and config.network is not SINE:
        return (1,) * spec.axes
    if config.block_size is not None:
        edges: tuple[float, ...] = tuple(_per_axis("block_size", config.block_size, spec))
    else:
        # As many samples as the weights of a network are for.
        size = NetworkSize(spec.axes, config.width or USUAL_WIDTH, config.depth, spec.channels)
        weights_per_sample = _weights_per_value(spec, config) * spec.channels
        wanted = max(FEWEST_IN_BLOCK, size.parameter_count / weights_per_sample)
        if spec.sample_count < FEWEST_BLOCKS * wanted:
            return (1,) * spec.axes
        proportion = VIDEO_EDGES if spec.kind == "video" else (1,) * spec.axes
        edges = _scaled(tuple(map(float, proportion)), wanted, spec)
    return tuple(max(1, round(size / edge)) for size, edge in zip(spec.shape, edges, strict=True))


def _scaled(edges: tuple[float, ...], samples: float, spec: SignalSpec) -> tuple[float, ...]:
    """Return edges in their proportion that hold so many samples; axes may be shorter."""
    found = list(edges)
    for _ in range(spec.axes):
        clipped = [min(edge, size) for edge, size in zip(found, spec.shape, strict=True)]
        free = [place for place, edge in enumerate(clipped) if edge < spec.shape[place]]
        if not free:
            return tuple(map(float, clipped))
        factor = math.pow(samples / math.prod(clipped), 1.0 / len(free))
        found = [edge * factor if place in free else edge for place, edge in enumerate(clipped)]
    return tuple(min(edge, size) for edge, size in zip(found, spec.shape, strict=True))


def _per_axis(name: str, extent: tuple[int, ...], spec: SignalSpec) -> Iterator[int]:
    """Yield a number per axis: pictures have theirs as width, height, videos frames before."""
    if len(extent) == 1:
        extent *= spec.axes
    if len(extent) != spec.axes:
        raise SettingError(
            f"`{name}` is {extent_text(extent)}: give one number, or {spec.axes}, one per axis"
        )
    yield from width_first(extent, spec.kind)


def _weights_per_value(spec: SignalSpec, config: FitConfig) -> float:
    if config.weights_per_value is not None:
        return config.weights_per_value
    values = spec.sample_count * spec.channels
    return min(WEIGHTS_PER_VALUE[spec.kind], MOST_WEIGHTS / values)
