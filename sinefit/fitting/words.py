"""The settings of a fit in the words of callers: names of flags, values of plain types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.omega_choice import parse_omega
from sinefit.initializers.registry import parse_initializer
from sinefit.validation import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.fitting.config import FittedFootprint, StorageType

    Omega = float | Sequence[float] | NDArray[np.number] | str


class FitSettings(TypedDict, total=False):
    """The settings of `fit` that decide what is fitted, and where."""

    init: str | None
    network: str
    omega: Omega
    width: int | None
    depth: int
    steps: int | None
    max_time: float | None
    target_psnr: float | None
    learning_rate: float | None
    batch: int | None
    blocks: int | Sequence[int] | str | None
    block_size: int | Sequence[int] | None
    margin: int | Sequence[int] | None
    weights_per_value: float | None
    seed: int
    device: str
    threads: int | None
    holdout: str | float | None
    footprint: FittedFootprint
    dtype: StorageType | None


def config_of(**settings: Unpack[FitSettings]) -> FitConfig:
    """Return the settings of a fit in the form that fits take."""
    others: dict[str, Any] = dict(settings)
    limits = {name: others.pop(name, None) for name in ("steps", "max_time", "target_psnr")}
    omega = others.pop("omega", "auto")
    init = others.pop("init", None)
    return FitConfig(
        initializer=None if init is None else parse_initializer(init),
        omega=parse_omega(omega) if isinstance(omega, str) else numbers("omega", omega),
        budget=None if set(limits.values()) == {None} else Budget(**limits),
        **others,
    )
