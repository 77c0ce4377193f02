"""Animated PNG and WebP: their frames decoded by Pillow, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sinefit.errors import InputError
from sinefit.signals.image.formats import IMAGE_FORMATS
from sinefit.signals.image.pillow_decoding import pillow_decoding
from sinefit.signals.image.pixels import check_region
from sinefit.signals.signal import Signal
from sinefit.signals.video.animation_frames import ANIMATIONS
from sinefit.signals.video.frame_plan import FrameStore, plan_frames

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection
    from sinefit.signals.video.frame_plan import FramePlan


def read_animation(
    source: Path, name: str, format: str, selection: Selection, limits: Limits
) -> Signal:
    """Read an animated picture as uint8 RGB samples of shape (frames, height, width, 3).

    `format` is a name in ANIMATIONS. Frames come at a constant rate, by the delays that the file
    states. Raises InputError, which calls the file `name`, when it is damaged, cut short or larger
    than `limits`, and SettingError when the selection lies outside.
    """
    with source.open("rb") as file:
        layout = ANIMATIONS[format](file)
    if not layout.times.times:
        raise InputError(f"{name} cannot be read as {format}: it holds no frames; save it again")
    if layout.cut_short:
        raise InputError(f"{name} is cut short: its last bytes are missing; get a complete copy")
    limits.check_picture(layout.width, layout.height, name)
    if selection.region is not None:
        check_region(selection.region, layout.width, layout.height, name)
    plan = plan_frames(layout.times, [], name, selection)
    store = FrameStore(plan, (layout.width, layout.height), name, selection, limits)
    with pillow_decoding(name, format, limits) as notices:
        _decode(source, format, store, plan, layout.skipped)
    told = (*plan.notices, *notices, *store.notices(name))
    return Signal(store.spec(format, plan.rate), store.samples, told)


def _decode(source: Path, format: str, store: FrameStore, plan: FramePlan, skipped: int) -> None:
    """Decode every frame up to the last that is planned: each is drawn over the one before."""
    with Image.open(source, formats=(IMAGE_FORMATS[format].pillow,)) as image:
        for index in range(skipped + plan.shown[-1] + 1):
            image.seek(index)
            image.load()
            if index - skipped >= plan.shown[0]:
                store.add(np.asarray(image.convert("RGBA"))[np.newaxis])
