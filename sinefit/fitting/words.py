"""The settings of a fit in the words of callers: names of flags, values of plain types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.initializers.registry import parse_initializer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.fitting.config import (
        StopOn,
        StorageType,
        Supervised,
        TrainingPrecision,
    )
    from sinefit.fitting.recipes import RecipeName
    from sinefit.fitting.schedule import Schedule
    from sinefit.signals.signal import Coordinates, Footprint, Targets

    Omega = float | Sequence[float] | NDArray[np.number] | str


class FitSettings(TypedDict, total=False):
    """The settings of `fit` that decide what is fitted, and where."""

    init: str | None
    network: str
    omega: Omega | None
    width: int | None
    depth: int
    steps: int | None
    max_time: float | None
    target_psnr: float | None
    recipe: RecipeName
    learning_rate: float | None
    schedule: Schedule | None
    betas: Sequence[float] | str | None
    epsilon: float | None
    batch: int | Literal["full"] | None
    precision: TrainingPrecision | None
    coordinates: Coordinates | None
    targets: Targets | None
    blocks: int | Sequence[int] | str | None
    block_size: int | Sequence[int] | None
    ensemble: int | None
    margin: int | Sequence[int] | None
    weights_per_value: float | None
    seed: int
    device: str
    threads: int | None
    holdout: str | float | None
    stop_on: StopOn | None
    supervise: Supervised
    footprint: Footprint | None
    dtype: StorageType | None


def config_of(**settings: Unpack[FitSettings]) -> FitConfig:
    """Return the settings of a fit in the form that fits take."""
    others: dict[str, Any] = dict(settings)
    limits = {name: others.pop(name, None) for name in ("steps", "max_time", "target_psnr")}
    init = others.pop("init", None)
    return FitConfig(
        initializer=None if init is None else parse_initializer(init),
        budget=None if set(limits.values()) == {None} else Budget(**limits),
        **others,
    )
