"""Signals that are drawn where a study is given none, from fixed seeds and free of any rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sinefit.benchmark.picture import draw_picture, reduce_picture
from sinefit.signals.objects import as_signal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.reproducing.study import Materials
    from sinefit.signals.signal import Signal

RATE = 8000
"""Samples per second of the drawn sound."""


def grey_picture(materials: Materials, side: int) -> Signal:
    """Return a square grey picture of at most `side` pixels, of the given one or of the drawn."""
    picture = materials.image or draw_picture(side, side, materials.seed)
    rows, columns = picture.spec.shape
    edge = min(rows, columns)
    top, left = (rows - edge) // 2, (columns - edge) // 2
    values = picture.samples[top : top + edge, left : left + edge].astype(np.float64)
    luma = values[..., :3] @ (0.299, 0.587, 0.114) if picture.spec.channels >= 3 else values[..., 0]
    top_value = picture.spec.high
    from PIL import Image

    grey = as_signal(Image.fromarray(np.rint(luma / top_value * 255.0).astype(np.uint8)))
    return reduce_picture(grey, side, side)


def sound_samples(materials: Materials, count: int) -> Signal:
    """Return `count` samples of the given sound's first channel, or of the drawn one.

    The drawn one is a run of decaying notes with overtones up to a quarter of the sample rate.
    """
    if materials.sound is not None:
        spec = materials.sound.spec
        unit = spec.to_unit(materials.sound.samples[:count, 0])
        return as_signal(np.ascontiguousarray(unit))
    generator = np.random.default_rng(materials.seed)
    time = np.arange(count) / RATE
    values = np.zeros(count)
    for begin in np.arange(0.0, count / RATE, 0.125):
        pitch = 220.0 * 2.0 ** (generator.integers(0, 24) / 12.0)
        since = time - begin
        decay = np.exp(-6.0 * np.maximum(since, 0.0)) * (since >= 0.0)
        for overtone in range(1, 6):
            if overtone * pitch < RATE / 4:
                phase = generator.uniform(0.0, 2.0 * np.pi)
                wave = np.sin(2.0 * np.pi * overtone * pitch * since + phase)
                values += decay * wave / overtone
    return as_signal((values / np.abs(values).max()).astype(np.float32))


def globe(materials: Materials, rows: int) -> Signal:
    """Draw values over latitude and longitude (rows, 2 rows): plane waves on the unit sphere."""
    generator = np.random.default_rng(materials.seed)
    latitude = np.pi / 2.0 - (np.arange(rows) + 0.5) * np.pi / rows
    longitude = -np.pi + (np.arange(2 * rows) + 0.5) * np.pi / rows
    across = np.cos(latitude)[:, None]
    point = np.stack(
        [
            across * np.cos(longitude),
            across * np.sin(longitude),
            np.broadcast_to(np.sin(latitude)[:, None], (rows, 2 * rows)),
        ],
        axis=-1,
    )
    values = np.zeros((rows, 2 * rows))
    for _ in range(60):
        size = rows / 4.0 * generator.uniform() ** 2 + 1.0
        direction = generator.normal(size=3)
        wave = point @ (size * direction / np.linalg.norm(direction))
        values += np.sin(wave + generator.uniform(0.0, 2.0 * np.pi)) / size
    return as_signal(values.astype(np.float32), domain="sphere")


def solid(materials: Materials, side: int) -> Signal:
    """Draw the occupancy of a body (side, side, side): a ball with folds and holes, as booleans."""
    generator = np.random.default_rng(materials.seed)
    axis = (np.arange(side) + 0.5) / side * 2.0 - 1.0
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    shift = generator.uniform(0.0, 2.0 * np.pi, 3)
    folds = (
        np.sin(7.0 * x + shift[0]) * np.cos(7.0 * y)
        + np.sin(7.0 * y + shift[1]) * np.cos(7.0 * z)
        + np.sin(7.0 * z + shift[2]) * np.cos(7.0 * x)
    )
    radius = np.sqrt(x * x + y * y + z * z)
    return as_signal((radius + 0.12 * folds < 0.75) & (folds > -1.1))


def clip(materials: Materials, frames: int, side: int) -> Signal:
    """Draw a clip (frames, side, side): a picture that moves and turns brighter and darker."""
    still = np.asarray(draw_picture(side, side, materials.seed).samples[..., 1], dtype=np.float32)
    shifts = np.arange(frames)
    moved: list[NDArray[np.float32]] = [
        np.roll(still, (int(2 * s), int(s)), axis=(0, 1)) * (1.0 + 0.3 * np.sin(s / 2.0))
        for s in shifts
    ]
    return as_signal(np.stack(moved).astype(np.float32))
