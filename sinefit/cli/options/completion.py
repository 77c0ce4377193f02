"""What a shell can complete of the values of options and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.initializers.registry import INITIALIZERS
from sinefit.networks.registry import FAMILIES
from sinefit.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed import DataclassInstance


def complete_scheme(incomplete: str) -> list[str]:
    """Return the initializers whose names begin so."""
    return _beginning(INITIALIZERS, incomplete)


def complete_init(incomplete: str) -> list[str]:
    """Return the initializers that begin so; after a colon their parameters, and choices of those.

    A parameter that is there already is not offered again.
    """
    return _complete_choice(INITIALIZERS, incomplete)


def complete_family(incomplete: str) -> list[str]:
    """Return the networks whose names begin so."""
    return _beginning(FAMILIES, incomplete)


def complete_network(incomplete: str) -> list[str]:
    """Return the networks that begin so; after a colon their settings, as for an initializer."""
    kinds = {name: type(family) for name, family in FAMILIES.items()}
    return _complete_choice(kinds, incomplete)


def complete_device(incomplete: str) -> list[str]:
    """Return the values of `--device` that begin so."""
    return _beginning(["auto", "cpu", "cuda", "mps"], incomplete)


def complete_format(incomplete: str) -> list[str]:
    """Return the formats of all kinds whose names begin so."""
    from sinefit.signals.formats import FORMATS

    return _beginning(dict.fromkeys(name for kind in FORMATS.values() for name in kind), incomplete)


def complete_footprint(incomplete: str) -> list[str]:
    """Return the footprints that begin so."""
    from sinefit.signals.signal import FOOTPRINTS

    return _beginning(FOOTPRINTS, incomplete)


def complete_quantity(incomplete: str) -> list[str]:
    """Return what a render can be of that begins so."""
    from sinefit.rendering.quantities import QUANTITIES, VALUE

    return _beginning((VALUE, *QUANTITIES), incomplete)


def complete_equation(incomplete: str) -> list[str]:
    """Return the equations whose names begin so."""
    from sinefit.solving.registry import EQUATIONS

    return _beginning(EQUATIONS, incomplete)


def complete_export(incomplete: str) -> list[str]:
    """Return what fields are exported as that begins so."""
    from sinefit.exporting.writing import FORMATS

    return _beginning(FORMATS, incomplete)


def _complete_choice(known: Mapping[str, type[DataclassInstance]], incomplete: str) -> list[str]:
    name, *settings = incomplete.split(":")
    if not settings:
        return _beginning(known, incomplete)
    if name not in known:
        return []
    *before, _ = settings
    given = {setting.partition("=")[0] for setting in before}
    start = ":".join([name, *before])
    words = []
    for parameter in parameters_of(known[name]):
        if parameter.name not in given:
            words += [f"{start}:{parameter.name}={choice}" for choice in parameter.choices or ("",)]
    return _beginning(words, incomplete)


def _beginning(words: Iterable[str], start: str) -> list[str]:
    return [word for word in words if word.startswith(start)]
