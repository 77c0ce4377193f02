"""The field: a network, the domain it lives on and the mapping of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_blocks
from sinefit.signals.signal import Signal

if TYPE_CHECKING:
    from sinefit.fields.record import FitRecord
    from sinefit.networks.sine import SineNetwork
    from sinefit.signals.signal import SignalSpec


@dataclass(frozen=True)
class Field:
    """A continuous function fitted to a signal."""

    network: SineNetwork
    """Maps coordinates (batch, features) to values (batch, channels) in about [-1, 1]."""
    spec: SignalSpec
    """The signal that was fitted: its grid is the domain, its value range the mapping of values."""
    record: FitRecord
    """How it was fitted."""

    def render(
        self,
        scale: float | Sequence[float] | None = None,
        *,
        size: tuple[int, ...] | None = None,
        rate: Fraction | int | None = None,
        fps: Fraction | int | None = None,
        region: tuple[float, float, float, float] | None = None,
        start: float = 0.0,
        duration: float | None = None,
        bit_depth: int | None = None,
    ) -> Signal:
        """Evaluate the field on a new grid and return the whole signal, in memory.

        `scale` is one factor, or (width, height), or one per axis of an array; `size` is (width,
        height) or samples per axis; `rate` samples per second of a sound; `fps` frames per second
        of a video; `region` (x, y, width, height) in samples of what was fitted; `start` and
        `duration` seconds. Raises SettingError for what does not apply to the kind of signal. For
        outputs that do not fit in memory use `plan_render` and `render_blocks`.
        """
        if scale is not None:
            scale = tuple(scale) if isinstance(scale, Sequence) else (float(scale),)
        request = RenderRequest(
            scale=scale,
            size=size,
            rate=None if rate is None else Fraction(rate),
            fps=None if fps is None else Fraction(fps),
            region=region,
            start=start,
            duration=duration,
            bit_depth=bit_depth,
        )
        plan = plan_render(self.spec, request)
        blocks = list(render_blocks(self.network, plan))
        return Signal(plan.spec, np.concatenate(blocks), plan.notices)
