"""The settings of a fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, get_args

from sinefit.fitting.budget import Budget
from sinefit.fitting.defaults import DEFAULT_INITIALIZER, default_steps
from sinefit.fitting.omega_choice import (
    OmegaChoice,  # noqa: TC001 (the settings read the annotation)
    checked_omega,
)
from sinefit.fitting.sizing import default_width
from sinefit.initializers.base import Initializer
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.size import NetworkSize
from sinefit.settings import setting, settings_in, settle_settings
from sinefit.signals.selection import Selection
from sinefit.validation import check_type, positive, settle, threads, whole_number

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.networks.family import Family
    from sinefit.signals.signal import SignalSpec

StorageType = Literal["float32", "float16", "bfloat16"]
STORAGE_TYPES: tuple[StorageType, ...] = get_args(StorageType)

NETWORK: Final = "The network and its start"
"""The heading of the settings that a fit which goes on from a field has from it."""
TRAINING: Final = "Training"
STORED: Final = "Output"


def _recipe(name: str, value: object) -> object:
    check_type(name, value, Initializer, "an initializer")
    return value


@dataclass(frozen=True)
class FitConfig:
    """Everything that decides a fit besides the signal; None lets the signal decide."""

    initializer: Initializer = field(
        metadata=setting(
            "Initializer, with parameters: lambert:sigma_a=1. See: sinefit inits.",
            group=NETWORK,
            form="NAME",
            word="init",
            unset=DEFAULT_INITIALIZER,
            check=_recipe,
        )
    )
    """The recipe for the starting weights."""
    omega: OmegaChoice = field(
        default=None,
        metadata=setting(
            "First-layer frequency: auto, or a number, nyquist or 0.5nyquist, one per axis if you "
            "like (images: height,width). For tuner a factor on its band.",
            group=NETWORK,
            form="W",
            check=lambda _name, value: checked_omega(value),
        ),
    )
    """First-layer frequency factors: one for all axes or one per axis; None derives them."""
    width: int | None = field(
        default=None,
        metadata=setting(
            "Neurons per layer.",
            group=NETWORK,
            form="N",
            unset="by the signal",
            check=whole_number,
        ),
    )
    """Neurons per sine layer; None follows the signal's size, and in a fit with a budget in
    seconds the pace of the machine."""
    depth: int = field(
        default=4,
        metadata=setting(
            "Sine layers; a linear one follows.", group=NETWORK, form="N", check=whole_number
        ),
    )
    """Number of sine layers."""
    budget: Budget | None = None
    """When to stop; None takes the default steps of the kind of signal."""
    seed: int = field(
        default=0,
        metadata=setting(
            "Seed of all draws.",
            group=TRAINING,
            form="N",
            check=partial(whole_number, least=0, most=2**63 - 1),
        ),
    )
    """Seed of the starting weights and of the order of the samples."""
    device: str = field(
        default="auto",
        metadata=setting(
            "auto, cpu, cuda, cuda:1 or mps.", group=TRAINING, form="NAME", decides=False
        ),
    )
    """"auto", "cpu", "cuda", "cuda:1", "mps"."""
    threads: int | None = field(
        default=None,
        metadata=setting(
            "CPU threads.",
            group=TRAINING,
            form="N",
            unset="one per core",
            decides=False,
            check=lambda _name, value: threads(value),
        ),
    )
    """CPU threads; None takes one per core."""
    learning_rate: float | None = field(
        default=None,
        metadata=setting(
            "Adam's learning rate on effective weights, before the initializer's scales.",
            group=TRAINING,
            form="RATE",
            flag="lr",
            unset="the initializer's",
            check=positive,
        ),
    )
    """Adam's rate on effective weights, before the recipe's scales; None takes the recipe's own."""
    batch: int = field(
        default=4096,
        metadata=setting("Samples per step.", group=TRAINING, form="N", check=whole_number),
    )
    """Samples per step."""
    dtype: StorageType = field(
        default="float32",
        metadata=setting(
            "Type of the stored weights: float32, float16 or bfloat16.", group=STORED, form="TYPE"
        ),
    )
    """Type in which the weights are saved."""
    engine: Literal["auto", "torch", "reference"] = field(
        default="auto",
        repr=False,
        metadata=setting('"torch" is the one in torch operations, "reference" that by autograd.'),
    )
    """"auto" takes the fastest that the machine offers, "torch" the one in torch operations,
    "reference" the plain one by autograd."""
    planned_steps: int | None = field(default=None, repr=False)
    """Steps that a budget in seconds is expected to allow for, by the measured pace; None as long
    as it has not been measured."""

    def __post_init__(self) -> None:
        settle_settings(self)
        if self.budget is not None:
            check_type("budget", self.budget, Budget, "a Budget")
        if self.planned_steps is not None:
            settle(self, planned_steps=whole_number("planned_steps", self.planned_steps))

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
        return self.initializer.family

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


SETTINGS: Final = (*settings_in(Budget), *settings_in(FitConfig), *settings_in(Selection))
"""All settings of a fit: how long it takes, how it is done, and what of a file it is of."""
