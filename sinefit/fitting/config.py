"""The settings of a fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

from sinefit.fitting.budget import Budget
from sinefit.fitting.defaults import DEFAULT_DEPTH, default_steps
from sinefit.fitting.omega_choice import checked_omega
from sinefit.fitting.sizing import default_width
from sinefit.initializers.base import Initializer
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.validation import (
    check_choice,
    check_type,
    positive,
    settle,
    threads,
    whole_number,
)

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.fitting.omega_choice import OmegaChoice
    from sinefit.networks.family import Family
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
    """Neurons per sine layer; None follows the signal's size, and in a fit with a budget in
    seconds the pace of the machine."""
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
    engine: Literal["auto", "torch", "reference"] = field(default="auto", repr=False)
    """"auto" takes the fastest that the machine offers, "torch" the one in torch operations,
    "reference" the plain one by autograd."""
    planned_steps: int | None = field(default=None, repr=False)
    """Steps that a budget in seconds is expected to allow for, by the measured pace; None as long
    as it has not been measured."""

    def __post_init__(self) -> None:
        check_type("init", self.initializer, Initializer, "an initializer")
        if self.budget is not None:
            check_type("budget", self.budget, Budget, "a Budget")
        if self.width is not None:
            settle(self, width=whole_number("width", self.width))
        settle(self, depth=whole_number("depth", self.depth))
        settle(self, batch=whole_number("batch", self.batch))
        if self.threads is not None:
            settle(self, threads=threads(self.threads))
        settle(self, seed=whole_number("seed", self.seed, least=0, most=2**63 - 1))
        if self.learning_rate is not None:
            settle(self, learning_rate=positive("learning_rate", self.learning_rate))
        if self.omega is not None:
            settle(self, omega=checked_omega(self.omega))
        check_choice("dtype", self.storage, STORAGE_TYPES)

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

    @property
    def family(self) -> Family:
        """The kind of network."""
        return SINE

    def size_for(self, spec: SignalSpec) -> NetworkSize:
        """Return the size of the network for a signal."""
        width = default_width(spec, self.depth) if self.width is None else self.width
        return NetworkSize(spec.coordinate_features, width, self.depth, spec.channels)

    def batch_for(self, spec: SignalSpec) -> int:
        """Return the samples of a step: all of a signal that has fewer than a batch."""
        return min(self.batch, spec.sample_count)

    def expected_steps(self, spec: SignalSpec) -> int:
        """Return about how many steps the budget allows for.

        A budget in quality alone has the default number, the length of its first attempt, and so
        has one in seconds as long as the pace has not been measured.
        """
        limits = (None if self.budget is None else self.budget.steps, self.planned_steps)
        return min((limit for limit in limits if limit is not None), default=default_steps(spec))
