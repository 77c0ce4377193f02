"""How large an input may be: figures in a header are checked against this before memory is taken.

A file of a few hundred bytes can announce, or compress, more pixels than any machine holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.errors import InputError
from sinefit.validation import settle, whole_number

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

MAX_PIXELS: Final = 2**29
"""Pixels of an image or a video frame: room for 16384x16384 twice."""
MAX_BYTES: Final = 2**34
"""Bytes of decoded samples, 16 GiB: nearly two minutes of 1920x1080 video, half a day of music."""


@dataclass(frozen=True)
class Limits:
    """The largest inputs that are read; larger ones are refused by what their headers say."""

    max_pixels: int = MAX_PIXELS
    """Pixels of an image, or of one frame of a video, before it is cut or averaged."""
    max_bytes: int = MAX_BYTES
    """Bytes that the samples may take, in memory or in a temporary file."""

    def __post_init__(self) -> None:
        settle(self, max_pixels=whole_number("max_pixels", self.max_pixels))
        settle(self, max_bytes=whole_number("max_bytes", self.max_bytes))

    def check_picture(self, width: int, height: int, name: str) -> None:
        """Raise InputError, which calls the file `name`, when a picture has too many pixels."""
        if width * height > self.max_pixels:
            raise InputError(
                f"{name} has {width}x{height} pixels, more than the {self.max_pixels} that are "
                "read: cut it into parts or raise `max_pixels`"
            )
        if width < 1 or height < 1:
            raise InputError(f"{name} has no pixels: it is {width}x{height}")

    def check_samples(self, shape: tuple[int, ...], dtype: DTypeLike, name: str) -> None:
        """Raise InputError, which calls the file `name`, when an array of samples is too large."""
        import numpy as np  # a command that only parses --max-bytes need not wait for it

        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size > self.max_bytes:
            axes = "x".join(str(length) for length in shape)
            raise InputError(
                f"{name} would take {size} bytes decoded ({axes} values), more than the "
                f"{self.max_bytes} that are read: read a part of it or raise `max_bytes`"
            )


def check_plausible(width: int, height: int, size: int, pixels_per_byte: int, name: str) -> None:
    """Raise InputError when a picture claims more pixels than `size` bytes can stand for.

    It is for formats whose decoders fill up what the file lacks, be it a picture of gigabytes.
    """
    if width * height > size * pixels_per_byte:
        raise InputError(
            f"{name} is damaged or cut short: its {size} bytes cannot hold the "
            f"{width}x{height} pixels that it claims; get a complete copy"
        )


DEFAULT_LIMITS: Final = Limits()
