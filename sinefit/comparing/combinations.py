"""Every combination of settings that a comparison is asked for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sinefit.errors import SettingError
from sinefit.fitting.config import SETTINGS, FitConfig
from sinefit.fitting.layout import extent_text
from sinefit.fitting.omega_choice import AUTO, omega_text
from sinefit.fitting.words import config_of
from sinefit.initializers.registry import describe
from sinefit.networks.family import Published
from sinefit.networks.registry import as_network, describe_network
from sinefit.networks.sine import SINE
from sinefit.settings import settings_in

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL: Final[Mapping[str, Any]] = {"blocks": 1, "width": 256}
"""What the fits of a comparison take where nothing is said: one network, as the papers have it."""
NAMED: Final = ("init", "network", "omega", "width", "depth")
"""Settings that each cell names by themselves; others that differ are told as a text."""
_OF_SINE_NETWORKS: Final = ("init", "omega")
_NO_AXES: Final = frozenset({"seed", "device", "threads", "holdout", "dtype", "engine"})
AXES: Final = tuple(
    each
    for each in settings_in(FitConfig)
    if each.name not in _NO_AXES and each.kind is not bool and "," not in each.form
)
"""The settings of which a comparison takes several values; one whose value is several numbers is
the same for all."""


@dataclass(frozen=True)
class Combination:
    """One value of each setting."""

    config: FitConfig
    """All of them but the budget and the seed."""
    init: str | None
    """As `--init` takes it; None for a network that has a start of its own."""
    network: str
    omega: str | None
    """As it was asked for; None for a network that is not a sine network."""
    depth: int
    settings: tuple[str, ...]
    """Other settings of which there are several values, each with this one's: "lr 0.001"."""

    @property
    def start(self) -> str:
        """The name of the scheme, or of a network that has no other."""
        return self.network if self.init is None else self.init


def combinations(settings: Mapping[str, Any]) -> list[Combination]:
    """Return every combination of settings; one whose value is a list has several.

    Settings have the words of `sinefit.fit`. Initializers are those of sine networks, which are
    among the networks wherever several initializers are; networks of papers, with starts of their
    own, are combined with neither initializers nor omega. Raises SettingError for what no fit can
    have.
    """
    axes = {word: _listed(value) for word, value in {**USUAL, **settings}.items()}
    for word, values in axes.items():
        if not values:
            raise SettingError(f"`{word}` has no values: give one at least")
        if len(values) > 1 and word not in {each.word for each in AXES}:
            raise SettingError(f"`{word}` has {len(values)} values: a comparison takes one of it")
    networks = [as_network(each) for each in axes.pop("network", [SINE])]
    own = [each for each in networks if isinstance(each, Published)]
    of_sine = {word: axes.pop(word) for word in _OF_SINE_NETWORKS if word in axes}
    starts: list[dict[str, Any]] = []
    has_sine = "init" in of_sine or len(own) < len(networks)
    if "omega" in of_sine and not has_sine:
        raise SettingError("`omega` is for sine networks: give an `init` too, or leave it out")
    if has_sine:
        asked = {"init": of_sine.get("init", [None]), "omega": of_sine.get("omega", [None])}
        starts += [{"network": SINE, **each} for each in _product(asked)]
    starts += [{"network": each} for each in own]
    several = [word for word, values in axes.items() if len(values) > 1]
    found = []
    for start, others in itertools.product(starts, _product(axes)):
        config = config_of(**start, **others)
        found.append(
            Combination(
                config,
                None if config.initializer is None else describe(config.initializer),
                describe_network(config.network),
                None if isinstance(config.network, Published) else _omega_word(config),
                config.depth,
                tuple(
                    f"{_flag(word)} {_word(others[word])}" for word in several if word not in NAMED
                ),
            )
        )
    return list(dict.fromkeys(found))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _product(axes: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _omega_word(config: FitConfig) -> str:
    """Return omega as it was asked for; where it was not, what the recipe takes."""
    if config.omega is None:
        return AUTO if config.recipe == "usual" else "published"
    return config.omega if isinstance(config.omega, str) else omega_text(config.omega)


def _flag(word: str) -> str:
    return next((each.flag for each in SETTINGS if each.word == word), word)


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return extent_text(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
