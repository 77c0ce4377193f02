"""The settings of a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

from sinefit.errors import SettingError
from sinefit.fitting.defaults import DEFAULT_DEPTH, default_steps
from sinefit.fitting.omega_choice import are_positive, omega_text
from sinefit.fitting.pace import operations_per_second
from sinefit.fitting.sizing import OPERATIONS_PER_WEIGHT, default_width
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.fitting.budget import Budget
    from sinefit.fitting.omega_choice import OmegaChoice
    from sinefit.initializers.base import Initializer
    from sinefit.signals.signal import SignalSpec

StorageType = Literal["float32", "float16", "bfloat16"]
STORAGE_TYPES: tuple[StorageType, ...] = get_args(StorageType)


@dataclass(frozen=True)
class FitConfig:
    """Everything that decides a fit besides the signal; None lets the signal decide."""

    initializer: Initializer
    """The recipe for the starting weights."""
    omega: OmegaChoice = None
    """First-layer frequency factors: one for all axes or one per axis; None derives them."""
    width: int | None = None
    """Neurons per sine layer; None follows the signal's size and a budget in seconds."""
    depth: int = DEFAULT_DEPTH
    """Number of sine layers."""
    budget: Budget | None = None
    """When to stop; None takes the default steps of the kind of signal."""
    learning_rate: float | None = None
    """Adam's rate on effective weights, before the recipe's scales; None takes the recipe's own."""
    batch: int = 4096
    """Samples per step."""
    seed: int = 0
    """Seed of the starting weights and of the order of the samples."""
    device: str = "auto"
    """"auto", "cpu", "cuda", "cuda:1", "mps"."""
    threads: int | None = None
    """CPU threads; None takes one per core."""
    storage: StorageType = "float32"
    """Type in which the weights are saved."""
    engine: Literal["auto", "manual", "autograd"] = field(default="auto", repr=False)
    """"auto" takes the fastest that the machine offers, "manual" the one in torch operations,
    "autograd" the plain reference."""

    def __post_init__(self) -> None:
        for flag, value in (
            ("--width", self.width),
            ("--depth", self.depth),
            ("--batch", self.batch),
        ):
            if value is not None and value < 1:
                raise SettingError(f"{flag} is {value}: it must be at least 1")
        if self.threads is not None and self.threads < 1:
            raise SettingError(f"--threads is {self.threads}: it must be at least 1")
        if not 0 <= self.seed < 2**63:
            raise SettingError(f"--seed is {self.seed}: it must be from 0 to 2^63 - 1")
        rate = self.learning_rate
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise SettingError(f"--lr is {rate:g}: it must be greater than 0")
        if self.omega is not None and not are_positive(self.omega):
            raise SettingError(
                f"--omega is {omega_text(self.omega)}: every factor must be greater than 0"
            )
        if self.storage not in STORAGE_TYPES:
            raise SettingError(f"--dtype is {self.storage}: use one of {', '.join(STORAGE_TYPES)}")

    def continuing(self, field: Field) -> FitConfig:
        """Return the settings for a fit that goes on from a field: its recipe, omega and size."""
        size = field.network.size
        return replace(
            self,
            initializer=parse_initializer(field.record.initializer),
            omega=field.record.omega,
            width=size.width,
            depth=size.depth,
        )

    def size_for(self, spec: SignalSpec) -> NetworkSize:
        """Return the size of the network for a signal."""
        width = self.width
        if width is None:
            width = default_width(spec, self.depth, self.batch_for(spec), self._operations())
        return NetworkSize(spec.coordinate_features, width, self.depth, spec.channels)

    def batch_for(self, spec: SignalSpec) -> int:
        """Return the samples of a step: all of a signal that has fewer than a batch."""
        return min(self.batch, spec.sample_count)

    def expected_steps(self, spec: SignalSpec) -> int:
        """Return about how many steps the budget allows for; a budget in seconds by nominal pace.

        A budget in quality alone has the default number, the length of its first attempt.
        """
        found = []
        if self.budget is not None and self.budget.steps is not None:
            found.append(self.budget.steps)
        operations = self._operations()
        if operations is not None:
            samples = self.batch_for(spec)
            each = OPERATIONS_PER_WEIGHT * samples * self.size_for(spec).parameter_count
            found.append(int(operations / each))
        return max(1, min(found)) if found else default_steps(spec)

    def _operations(self) -> float | None:
        """Return the floating-point operations of a budget in seconds, by nominal pace."""
        if self.budget is None or self.budget.max_time is None:
            return None
        return self.budget.max_time * operations_per_second(self.device, self.threads)
