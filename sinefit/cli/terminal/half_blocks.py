"""Pictures on a terminal, in characters that show two pixels each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style

if TYPE_CHECKING:
    from numpy.typing import NDArray


def half_blocks(picture: NDArray[np.uint8]) -> Segments:
    """Return a picture (height, width, 3) as text, a character for two pixels, one above the other.

    It has half as many lines, rounded up, and each ends with a break.
    """

    def colour(pixel: NDArray[np.uint8]) -> Color:
        return Color.from_rgb(*pixel.tolist())

    if len(picture) % 2:
        picture = np.concatenate([picture, picture[-1:]])
    segments = []
    for upper, lower in zip(picture[::2], picture[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            segments.append(Segment("▀", Style(color=colour(above), bgcolor=colour(below))))
        segments.append(Segment.line())
    return Segments(segments)
