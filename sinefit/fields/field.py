"""The field: a network, the domain it lives on and the mapping of its values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.memory import check_memory
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_blocks
from sinefit.signals.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from sinefit.fields.record import FitRecord
    from sinefit.networks.network import Network
    from sinefit.signals.signal import SignalSpec


@dataclass(frozen=True)
class Field:
    """A continuous function fitted to a signal."""

    network: Network
    """A stack of one; maps coordinates (1, count, features) to values (1, count, channels) in about
    [-1, 1]."""
    spec: SignalSpec
    """The signal that was fitted: its grid is the domain, its value range the mapping of values."""
    record: FitRecord
    """How it was fitted."""

    def render(
        self,
        scale: float | Sequence[float] | NDArray[np.number] | None = None,
        *,
        size: int | Sequence[int | None] | NDArray[np.integer] | None = None,
        rate: Fraction | float | None = None,
        fps: Fraction | float | None = None,
        region: Sequence[float] | NDArray[np.number] | None = None,
        start: float = 0.0,
        duration: float | None = None,
        bit_depth: int | None = None,
    ) -> Signal:
        """Evaluate the field on a new grid and return the whole signal, in memory.

        `scale` is one factor, or (width, height), or one per axis of an array; `size` is (width,
        height), one of which may be None to keep the shape, or samples per axis; `rate` samples per
        second of a sound; `fps` frames per second of a video; `region` (x, y, width, height) in
        samples of what was fitted; `start` and `duration` seconds.

        Raises SettingError for what does not apply to the kind of signal, and MemoryLimitError for
        an output that does not fit in memory: `plan_render` and `render_blocks` render it by
        pieces.
        """
        asked: dict[str, Any] = {
            "scale": scale,
            "size": size,
            "rate": rate,
            "fps": fps,
            "region": region,
            "start": start,
            "duration": duration,
            "bit_depth": bit_depth,
        }
        request = RenderRequest(**asked)  # which brings them into form
        plan = plan_render(self.spec, request)
        spec = plan.spec
        shape, dtype = (*spec.shape, spec.channels), np.dtype(spec.dtype)
        check_memory(
            math.prod(shape) * dtype.itemsize,
            f"a render of {'x'.join(map(str, spec.shape))} samples needs {{}} in memory",
            "ask for fewer samples, or render by pieces with plan_render and render_blocks",
        )
        samples = np.empty(shape, dtype)
        done = 0
        for block in render_blocks(self.network, plan):
            samples[done : done + len(block)] = block
            done += len(block)
        return Signal(spec, samples, plan.notices)
