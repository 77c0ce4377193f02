"""The families of networks by name: the one source for weights files, help and tests."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.networks.sine import SINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.networks.family import Family

_FAMILIES: tuple[Family, ...] = (SINE,)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _FAMILIES})
"""Every family by its name."""
