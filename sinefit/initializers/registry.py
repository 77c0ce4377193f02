"""The initializers by name, and their one-word notation `name:parameter=value:parameter=value`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.initializers.custom import Custom
from sinefit.initializers.lambert import Lambert
from sinefit.initializers.nfsl import Nfsl
from sinefit.initializers.siren import Siren
from sinefit.initializers.ssn import Ssn
from sinefit.initializers.torch_default import TorchDefault
from sinefit.initializers.tuner import Tuner
from sinefit.initializers.vi3nr import Vi3nr
from sinefit.initializers.winner import Winner
from sinefit.initializers.ws import Ws
from sinefit.initializers.xavier import Xavier
from sinefit.notation import check_name, describe_choice, parse_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.initializers.base import Initializer

_SCHEMES: tuple[type[Initializer], ...] = (
    Siren,
    Lambert,
    Ws,
    Ssn,
    Tuner,
    Nfsl,
    Xavier,
    TorchDefault,
    Vi3nr,
    Winner,
    Custom,
)

INITIALIZERS: Mapping[str, type[Initializer]] = MappingProxyType(
    {scheme.name: scheme for scheme in _SCHEMES}
)
"""Every scheme by its name: the one source for `--help`, completion, documentation and tests."""


def scheme_of(name: str) -> type[Initializer]:
    """Return the initializer of a name; raises SettingError, with the nearest, for an unknown."""
    check_name("initializer", name, INITIALIZERS)
    return INITIALIZERS[name]


def parse_initializer(text: str) -> Initializer:
    """Make an initializer from "name" or "name:parameter=value:parameter=value".

    Raises `SettingError` for an unknown name or parameter, a parameter given twice, or a value of
    the wrong type or out of range.
    """
    name, values = parse_choice("init", "initializer", text, INITIALIZERS)
    return INITIALIZERS[name](**values)


def describe(initializer: Initializer) -> str:
    """Return the shortest text that `parse_initializer` turns into an equal initializer."""
    return describe_choice(initializer.name, initializer)
