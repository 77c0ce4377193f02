"""What is between samples by methods that everybody has: the fields' competitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sinefit.upscaling.reducing import faster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sinefit.signals.signal import Kind

    Values = NDArray[np.float32]
    Method = Callable[[Values, int], Values]


def _resized(method: Image.Resampling) -> Method:
    """Return Pillow's resizing of pictures (height, width, channels), in float32."""

    def resize(values: Values, factor: int) -> Values:
        rows, columns, channels = values.shape
        size = (columns * factor, rows * factor)
        planes = [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(values[..., each])).resize(size, method)
            )
            for each in range(channels)
        ]
        return np.stack(planes, axis=-1)

    return resize


def _linear(values: Values, factor: int) -> Values:
    """Return a sound (samples, channels) on straight lines between its samples."""
    positions = (np.arange(len(values) * factor) + 0.5) / factor - 0.5
    found = [np.interp(positions, np.arange(len(values)), each) for each in values.T]
    return np.stack(found, axis=-1).astype(np.float32)


def _nearest_frame(values: Values, factor: int) -> Values:
    """Return a clip (frames, height, width, channels) with each frame until the next is nearer."""
    count = factor * (len(values) - 1) + 1
    return values[(np.arange(count) + factor // 2) // factor]


def _blended_frames(values: Values, factor: int) -> Values:
    """Return a clip with mixtures of two neighbours between them."""
    positions = np.arange(factor * (len(values) - 1) + 1) / factor
    before = np.minimum(positions.astype(np.int64), len(values) - 2)
    share = (positions - before).astype(np.float32)[:, None, None, None]
    mixed: Values = values[before] * (1 - share) + values[before + 1] * share
    return mixed


BASELINES: Mapping[Kind, Mapping[str, Method]] = {
    "image": {
        "nearest": _resized(Image.Resampling.NEAREST),
        "bicubic": _resized(Image.Resampling.BICUBIC),
        "lanczos": _resized(Image.Resampling.LANCZOS),
    },
    "audio": {"linear": _linear, "sinc": faster},
    "video": {"nearest": _nearest_frame, "blend": _blended_frames},
}
"""By the kind of signal and the method: what returns values at a factor of more samples,
of a video with frames between its frames."""
