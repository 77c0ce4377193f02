"""Images written through a stream of rows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinefit.signals.image.png import PngStream
    from sinefit.signals.image.tiff import TiffStream


def encode(
    stream_type: type[PngStream | TiffStream],
    pixels: NDArray[np.unsignedinteger],
    bits: int,
    *,
    cuts: Sequence[int] = (),
    icc_profile: bytes | None = None,
) -> bytes:
    """Return the file of pixels (height, width, channels) that come in bands, cut at `cuts`."""
    height, width, channels = pixels.shape
    file = io.BytesIO()
    stream = stream_type(file, width, height, channels, bits, icc_profile)
    for rows in np.split(pixels, cuts):
        stream.write(rows)
    stream.close()
    return file.getvalue()
