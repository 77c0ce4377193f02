"""Decoded pictures: their rows by bands, the part that is kept, blocks averaged into one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass
class Picture:
    """A decoded, upright picture whose rows can be asked for."""

    width: int
    height: int
    channels: int
    dtype: str
    """NumPy name of the sample type."""
    rows: Callable[[int, int], NDArray[Any]]
    """rows(start, stop) returns (stop - start, width, channels)."""
    icc_profile: bytes | None
    notices: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, pixels: NDArray[Any], icc_profile: bytes | None, notices: list[str]) -> Picture:
        """Return pixels (height, width, channels) that are in memory as a picture."""
        height, width, channels = pixels.shape
        kind = pixels.dtype.name

        def rows(start: int, stop: int) -> NDArray[Any]:
            return pixels[start:stop]

        return cls(width, height, channels, kind, rows, icc_profile, notices)

    def in_grey(self) -> Picture:
        """Return the picture with its luma in place of its colours; alpha stays as it is."""
        if self.channels < 3:
            return self

        def rows(start: int, stop: int) -> NDArray[Any]:
            return luma(self.rows(start, stop))

        return replace(self, channels=self.channels - 2, rows=rows)


def luma(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the grey of colours (..., 3), and what follows them unchanged: (..., channels - 2).

    It is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), integers in 16 bits of weights and rounded,
    as Pillow converts to "L".
    """
    kind = pixels.dtype
    if np.issubdtype(kind, np.integer):
        weighted = pixels[..., :3].astype(np.int64) @ np.array([19595, 38470, 7471])
        grey = (weighted + 2**15 >> 16).astype(kind)
    else:
        grey = (pixels[..., :3].astype(np.float64) @ np.array([0.299, 0.587, 0.114])).astype(kind)
    return np.concatenate([grey[..., None], pixels[..., 3:]], axis=-1)


def check_region(region: tuple[int, int, int, int], width: int, height: int, name: str) -> None:
    """Check that `region` (x, y, width, height in pixels) lies inside a width by height picture.

    Raises SettingError, which calls the picture `name`, when any part of it lies outside.
    """
    x, y, region_width, region_height = region
    if x + region_width > width or y + region_height > height:
        raise SettingError(
            f"`region` is {x},{y},{region_width},{region_height}: "
            f"it must lie inside {name}, which is {width}x{height} pixels"
        )


def crop(
    pixels: NDArray[np.generic], region: tuple[int, int, int, int], name: str
) -> NDArray[np.generic]:
    """Return the view of `pixels` that `region` (x, y, width, height in pixels) names.

    `pixels` has shape (..., height, width, channels). Raises SettingError, which calls the picture
    `name`, when the region is not inside.
    """
    check_region(region, pixels.shape[-2], pixels.shape[-3], name)
    x, y, width, height = region
    return pixels[..., y : y + height, x : x + width, :]


def check_downsample(factor: int, width: int, height: int, name: str) -> None:
    """Raise SettingError, which calls the picture `name`, for blocks larger than a side."""
    if factor > min(width, height):
        raise SettingError(
            f"`downsample` is {factor}: it must be at most {min(width, height)}, the shorter side "
            f"of the {width}x{height} pixels of {name}"
        )


def downsampled_size(size: int, factor: int) -> int:
    """Return how many blocks of `factor` pixels cover `size` pixels: the quotient rounded up."""
    return -(-size // factor)


def downsample(pixels: NDArray[np.generic], factor: int) -> NDArray[np.generic]:
    """Average blocks of `factor` by `factor` pixels into one, in the values as they are stored.

    `pixels` has shape (..., height, width, channels); the result has ceil(height / factor) rows and
    ceil(width / factor) columns of the same type. Blocks at the right and lower edges are averaged
    over the pixels that are there. Integer types are averaged exactly and rounded to the nearest
    value, halves upwards; booleans become the majority, ties True; floating types are averaged in
    float64.
    """
    if factor < 1:
        raise SettingError(f"`downsample` is {factor}: it must be at least 1")
    if factor == 1:
        return pixels
    kind = pixels.dtype
    exact = np.issubdtype(kind, np.integer) or kind == np.bool_
    rows = np.arange(0, pixels.shape[-3], factor)
    columns = np.arange(0, pixels.shape[-2], factor)
    # 64-bit sums are exact for samples up to 32 bits; the picture itself is never copied whole.
    total = np.add.reduceat(pixels, columns, axis=-2, dtype=np.int64 if exact else np.float64)
    sums = np.add.reduceat(total, rows, axis=-3)
    heights = np.diff(np.append(rows, pixels.shape[-3]))
    widths = np.diff(np.append(columns, pixels.shape[-2]))
    counts = (heights[:, None] * widths[None, :])[:, :, None]
    means: NDArray[np.generic] = (2 * sums + counts) // (2 * counts) if exact else sums / counts
    return means.astype(kind)
