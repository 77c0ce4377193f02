"""The field: networks on blocks, the domain it lives on and the mapping of its values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypedDict

import numpy as np

from sinefit.errors import SettingError
from sinefit.memory import check_memory
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.quantities import VALUE
from sinefit.rendering.render import render_pieces
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import Signal
from sinefit.validation import settle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from typing import TypeAlias, Unpack

    import torch
    from numpy.typing import NDArray

    from sinefit.fields.record import FitRecord
    from sinefit.networks.network import Network
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.signal import Footprint, SignalSpec

    Factors: TypeAlias = float | Sequence[float] | NDArray[np.number]


class GridSettings(TypedDict, total=False):
    """What grid to render, see `Field.render`."""

    size: int | Sequence[int | None] | NDArray[np.integer] | None
    rate: Fraction | float | None
    fps: Fraction | float | None
    region: Sequence[float] | NDArray[np.number] | None
    start: float
    duration: float | None
    bit_depth: int | None
    footprint: Footprint | None


_WHOLE: Final = BlockGrid(())
"""Stands for the one block over a signal's axes, whatever they are."""


@dataclass(frozen=True)
class Field:
    """A continuous function fitted to a signal.

    It is the sum over blocks of the block's window times the value of its network, which sees the
    coordinates [-1, 1] of the part that the block reaches. Raises SettingError for blocks that are
    not on the signal's grid, or whose number is not that of the networks.
    """

    network: Network
    """A stack with a member per block, in the order of the blocks' numbers; maps coordinates
    (members, count, features) to values (members, count, channels) in about [-1, 1]. The features
    are `spec.coordinate_features` for one block, `spec.axes` for several."""
    spec: SignalSpec
    """The signal that was fitted: its grid is the domain, its value range the mapping of values."""
    record: FitRecord
    """How it was fitted."""
    blocks: BlockGrid = _WHOLE
    """Where the blocks lie; one that is the whole domain unless given."""
    numbers: tuple[int, ...] | None = None
    """Which blocks the network's members are on, of a field that was read in part; None for all."""

    def __post_init__(self) -> None:
        if not self.blocks.axes:
            settle(self, blocks=BlockGrid.single(self.spec))
        if tuple(axis.size for axis in self.blocks.axes) != self.spec.shape:
            raise SettingError("`blocks` lie on another grid than that of the field's signal")
        count = self.blocks.count if self.numbers is None else len(self.numbers)
        if self.network.members != count:
            raise SettingError(
                f"a field of {count} blocks needs as many networks, not {self.network.members}"
            )

    def to(self, device: torch.device | str) -> Field:
        """Return the field with its networks on a device; itself if they are there already."""
        network = self.network.to(device)
        return self if network is self.network else replace(self, network=network)

    def render(
        self,
        scale: Factors | None = None,
        *,
        what: str = VALUE,
        **asked: Unpack[GridSettings],
    ) -> Signal:
        """Evaluate the field on a new grid and return the whole signal, in memory.

        `what` is the field's "value", or what a picture or sound shall show of its derivatives (see
        `derivative`, which returns their numbers). The grid: `scale` is one factor, or (width,
        height), or one per axis of an array; `size` is (width, height), one of which may be None to
        keep the shape, or samples per axis; `rate` samples per second of a sound; `fps` frames per
        second of a video; `region` (x, y, width, height) in samples of what was fitted; `start` and
        `duration` seconds; `bit_depth` bits per value of the output; `footprint` what a sample is,
        "point", "box", "gaussian" or "band-limited" (by itself: points on finer grids, means on
        coarser ones, and on that of the fit what was fitted).

        Raises SettingError for what does not apply to the kind of signal, and MemoryLimitError for
        an output that does not fit in memory: `plan_render` and `render_pieces` render it by
        pieces.
        """
        plan = self._plan(what, scale, asked)
        return Signal(plan.spec, self._evaluate(plan), plan.notices)

    def derivative(
        self,
        what: str = "gradient",
        scale: Factors | None = None,
        **asked: Unpack[GridSettings],
    ) -> NDArray[np.float32]:
        """Evaluate a derivative of the field on a grid, exactly; return plain numbers, in memory.

        `what` is "gradient" (*grid, channels, axes), its "magnitude", its "direction" in radians
        from the right downwards, "laplacian", "time-derivative" (all *grid, channels) or
        "divergence" (*grid, 1), of the colours without alpha; of a video all but the last are over
        height and width. They count in the signal's values per sample (or sample squared) of what
        was fitted, on a grid that is asked for as in `render`. Raises SettingError and
        MemoryLimitError as that does.
        """
        plan = self._plan(what, scale, asked).as_numbers()
        found: NDArray[np.float32] = self._evaluate(plan).astype(np.float32, copy=False)
        if what == "gradient" and plan.spec.axes == self.spec.axes:
            return found[..., None, :]  # of a single channel
        return found

    def _plan(self, what: str, scale: Factors | None, asked: GridSettings) -> RenderPlan:
        settings: dict[str, Any] = {"what": what, "scale": scale, **asked}
        request = RenderRequest(**settings)  # which brings them into form
        return plan_render(self.spec, request)

    def _evaluate(self, plan: RenderPlan) -> NDArray[np.generic]:
        """Return all samples of a render, (*shape, channels)."""
        spec = plan.spec
        shape, dtype = (*spec.shape, spec.channels), np.dtype(spec.dtype)
        check_memory(
            math.prod(shape) * dtype.itemsize,
            f"a render of {'x'.join(map(str, spec.shape))} samples needs {{}} in memory",
            "ask for fewer samples, or render by pieces with plan_render and render_pieces",
        )
        samples = np.empty(shape, dtype)
        done = 0
        for piece in render_pieces(self, plan):
            samples[done : done + len(piece)] = piece
            done += len(piece)
        return samples
