"""The families of networks by name, and their one-word notation `wire:omega=10:s=5`."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.networks.bacon import Bacon
from sinefit.networks.family import Family
from sinefit.networks.finer import Finer
from sinefit.networks.fourier_features import Ffn, TanhFf
from sinefit.networks.gauss import Gauss
from sinefit.networks.multiplicative import MfnFourier, MfnGabor
from sinefit.networks.relu import Relu, ReluPe
from sinefit.networks.sinc import Sinc
from sinefit.networks.sine import SINE
from sinefit.networks.wire import Wire
from sinefit.notation import check_name, describe_choice, parse_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAMILIES: tuple[Family, ...] = (
    SINE,
    Finer(),
    Wire(),
    Gauss(),
    Sinc(),
    Relu(),
    ReluPe(),
    Ffn(),
    TanhFf(),
    MfnFourier(),
    MfnGabor(),
    Bacon(),
)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _FAMILIES})
"""Every family by its name, with the usual settings: the one source for weights files, `--help`,
completion, documentation and tests."""


def family_of(name: str) -> Family:
    """Return the family of a name; raises SettingError, with the nearest, for an unknown."""
    check_name("network", name, FAMILIES)
    return FAMILIES[name]


def parse_network(text: str) -> Family:
    """Make a family from "name" or "name:setting=value:setting=value".

    Raises `SettingError` for an unknown name or setting, a setting given twice, or a value of the
    wrong type or out of range.
    """
    kinds = {name: type(family) for name, family in FAMILIES.items()}
    name, values = parse_choice("network", "network", text, kinds)
    return replace(FAMILIES[name], **values) if values else FAMILIES[name]


def describe_network(family: Family) -> str:
    """Return the shortest text that `parse_network` turns into an equal family."""
    return describe_choice(family.name, family)


def as_network(value: object) -> Family:
    """Return a family as it is, or that which a text says; raises SettingError as above."""
    return value if isinstance(value, Family) else parse_network(value)  # type: ignore[arg-type]
