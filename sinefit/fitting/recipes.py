"""How a fit trains: the usual way, that of the papers' scripts, and one for what lies between.

A recipe is a value for each part of it. What the settings name themselves goes before; what they
leave open, as None, is the recipe's to decide.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from sinefit.errors import SettingError
from sinefit.fitting.omega_choice import AUTO, parse_omega
from sinefit.initializers.own import OwnStart
from sinefit.validation import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.fitting.config import FitConfig, TrainingPrecision
    from sinefit.fitting.schedule import Schedule
    from sinefit.signals.signal import Coordinates, Footprint, SignalSpec, Targets

RecipeName = Literal["usual", "paper", "upscale"]


@dataclass(frozen=True)
class Recipe:
    """What of a fit's settings a recipe decides, by their names; None decides nothing."""

    schedule: Schedule
    betas: tuple[float, float]
    epsilon: float | None
    batch: int | Literal["full"] | None
    precision: TrainingPrecision
    coordinates: Coordinates
    targets: Targets
    blocks: tuple[int, ...] | None
    width: int | None
    own_rate: bool
    """Whether the initializer's published rate and omega are taken."""
    footprint: Footprint = "point"
    block_size: tuple[int, ...] | None = None
    weights_per_value: float | None = None
    omega: str = AUTO
    """As the command line takes it, where it is not the initializer's own."""
    ensemble: int = 1
    steps: int | None = None
    """Steps where the budget says nothing of them, at most where it is one in seconds; None takes
    the usual number, and any."""


USUAL: Final = Recipe(
    schedule="cosine",
    betas=(0.9, 0.99),
    epsilon=None,
    batch=None,
    precision="auto",
    coordinates="centres",
    targets="-1,1",
    blocks=None,
    width=None,
    own_rate=False,
)
"""What measured best in batches of some thousand samples. A short memory of squares suits a fit of
a few thousand steps."""
PAPER: Final = Recipe(
    schedule="constant",
    betas=(0.9, 0.999),
    epsilon=1e-8,
    batch="full",
    precision="float32",
    coordinates="ends",
    targets="-1,1",
    blocks=(1,),
    width=256,
    own_rate=True,
)
"""What the scripts of most papers do (Sitzmann et al., 2020, and those who compare with them):
plain Adam at a constant rate, all samples in every step, on one network of 256 neurons per layer;
the samples from end to end of [-1, 1]."""

UPSCALE: Final = replace(
    USUAL,
    footprint="box",
    block_size=(64,),
    weights_per_value=4.0,
    omega="0.2nyquist",
    ensemble=4,
    steps=1500,
)
"""What measured best between the pixels of pictures: means over their areas, frequencies well below
Nyquist's to begin with, weights to spare, which let a network find a smooth way, and the mean of
some networks, which err there each in its own way; the steps end before the field follows what the
pixels have of frequencies that they cannot carry."""
UPSCALE_SOUND: Final = replace(
    USUAL,
    footprint="band-limited",
    block_size=(256,),
    weights_per_value=8.0,
    steps=6000,
)
"""The same between the samples of sounds, which have nothing above their band: the field is to meet
the samples as truly as 16 bits, which takes many weights and steps."""

MOST_OF_ENSEMBLES: Final = 2**27
"""Weights of a recipe's ensemble at most, 2 GiB in training: it has fewer networks on the blocks of
signals that would have more, and one where that alone does."""
DERIVATIVES_BATCH: Final = 2048
"""Samples of a step of a fit of derivatives, of which each takes as long as several of values."""

RECIPES: Final[Mapping[RecipeName, Recipe]] = MappingProxyType(
    {"usual": USUAL, "paper": PAPER, "upscale": UPSCALE}
)
"""Every recipe by its name."""

_PARTS: Final = tuple(
    each.name for each in fields(Recipe) if each.name not in ("own_rate", "omega", "steps")
)
_EXCLUDING: Final = {
    "blocks": ("block_size",),
    "block_size": ("blocks",),
    "width": ("weights_per_value",),
    "weights_per_value": ("width",),
}
"""Settings beside which a part is not open."""


def recipe_for(config: FitConfig, spec: SignalSpec) -> Recipe:
    """Return what decides for a signal what settings leave open."""
    recipe = RECIPES[config.recipe]
    if recipe is UPSCALE:
        # Frames are not means over time, and what is between numbers in an array none can tell.
        recipe = {"image": UPSCALE, "audio": UPSCALE_SOUND}.get(spec.kind, USUAL)
    if config.supervise != "values":
        batch = recipe.batch or DERIVATIVES_BATCH
        return replace(
            recipe, footprint="point", blocks=(1,), block_size=None, batch=batch, ensemble=1
        )
    if recipe.ensemble > 1:
        each = config.weights_per_value or recipe.weights_per_value or 1.0
        weights = each * spec.sample_count * spec.channels
        most = max(1, int(MOST_OF_ENSEMBLES / weights))
        recipe = replace(recipe, ensemble=min(recipe.ensemble, most))
    return recipe


def decided(config: FitConfig, spec: SignalSpec) -> FitConfig:
    """Return settings in which nothing is open that their recipe decides for a signal."""
    recipe = recipe_for(config, spec)
    found = {
        name: getattr(recipe, name)
        for name in _PARTS
        if getattr(config, name) is None
        and all(getattr(config, other) is None for other in _EXCLUDING.get(name, ()))
    }
    if spec.domain == "sphere" and "coordinates" in found:
        found["coordinates"] = "centres"  # the poles and the date line are no ends
    scheme = config.scheme
    if recipe.own_rate and config.learning_rate is None:
        found["learning_rate"] = scheme.paper_rate
    if config.omega is None and not isinstance(scheme, OwnStart):
        own = recipe.omega
        if recipe.own_rate:
            own = scheme.paper_omega(spec.coordinate_features)
        found["omega"] = parse_omega(own)
    return replace(config, **found) if found else config


def parse_betas(name: str, value: object) -> tuple[float, float]:
    """Return Adam's two decay rates, each from 0 to below 1; a text has a comma between them.

    Raises SettingError for anything else.
    """
    if isinstance(value, str):
        try:
            value = tuple(float(word) for word in value.split(","))
        except ValueError:
            raise SettingError(f"`{name}` is {value!r}: write two numbers: 0.9,0.999") from None
    found = numbers(name, value, 2)
    if not all(0.0 <= beta < 1.0 for beta in found):
        words = ",".join(f"{beta:g}" for beta in found)
        raise SettingError(f"`{name}` is {words}: both must be from 0 to below 1")
    first, second = found
    return first, second
