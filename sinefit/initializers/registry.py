"""The initializers by name, and their one-word notation `name:parameter=value:parameter=value`."""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.errors import SettingError
from sinefit.initializers.lambert import Lambert
from sinefit.initializers.nfsl import Nfsl
from sinefit.initializers.parameters import parameters_of
from sinefit.initializers.siren import Siren
from sinefit.initializers.ssn import Ssn
from sinefit.initializers.torch_default import TorchDefault
from sinefit.initializers.tuner import Tuner
from sinefit.initializers.vi3nr import Vi3nr
from sinefit.initializers.winner import Winner
from sinefit.initializers.ws import Ws
from sinefit.initializers.xavier import Xavier
from sinefit.validation import check_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sinefit.initializers.base import Initializer
    from sinefit.initializers.parameters import Parameter, Value

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
)

INITIALIZERS: Mapping[str, type[Initializer]] = MappingProxyType(
    {scheme.name: scheme for scheme in _SCHEMES}
)
"""Every scheme by its name: the one source for `--help`, completion, documentation and tests."""


def scheme_of(name: str) -> type[Initializer]:
    """Return the initializer of a name; raises SettingError, with the nearest, for an unknown."""
    if name not in INITIALIZERS:
        raise SettingError(f"unknown initializer {name!r}: {_suggest(name, INITIALIZERS)}")
    return INITIALIZERS[name]


def parse_initializer(text: str) -> Initializer:
    """Make an initializer from "name" or "name:parameter=value:parameter=value".

    Raises `SettingError` for an unknown name or parameter, a parameter given twice, or a value of
    the wrong type or out of range.
    """
    check_type("init", text, str, "an initializer's name")
    name, *settings = text.strip().split(":")
    try:
        scheme = scheme_of(name)
    except SettingError as error:
        raise SettingError(f"`init`: {error}") from None
    parameters = {parameter.name: parameter for parameter in parameters_of(scheme)}
    values: dict[str, Value] = {}
    for setting in settings:
        key, equals, word = setting.partition("=")
        if not equals:
            raise SettingError(f"`init` {name}: {setting!r} must be written parameter=value")
        if key not in parameters:
            hint = _suggest(key, parameters) if parameters else "it takes none"
            raise SettingError(f"`init` {name} has no parameter {key!r}: {hint}")
        if key in values:
            raise SettingError(f"`init` {name}: {key} is given twice: give it once")
        values[key] = _parse_value(name, parameters[key], word)
    return scheme(**values)


def describe(initializer: Initializer) -> str:
    """Return the shortest text that `parse_initializer` turns into an equal initializer."""
    words = [initializer.name]
    for parameter in parameters_of(type(initializer)):
        value = getattr(initializer, parameter.name)
        if value != parameter.default:
            words.append(f"{parameter.name}={_format_value(value)}")
    return ":".join(words)


def _parse_value(scheme: str, parameter: Parameter, word: str) -> Value:
    """Read a parameter's value; a word that is no value at all raises `SettingError`."""
    value: Value | None = None
    if parameter.kind is str:
        value = word
    elif parameter.kind is bool:
        value = {"true": True, "false": False}.get(word)
    else:
        try:
            value = parameter.kind(word)
        except ValueError:
            value = None
    if value is None or not parameter.allows(value):
        close = _close_match(word, parameter.choices)
        raise SettingError(
            f"`init` {scheme}: {parameter.name} is {word!r}: it must be {parameter.range}{close}"
        )
    return value


def _format_value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0")


def _suggest(word: str, known: Iterable[str]) -> str:
    """Return the cure for an unknown word: the nearest known one, and all of them."""
    names = list(known)
    return f"choose from {', '.join(names)}{_close_match(word, names)}"


def _close_match(word: str, known: Iterable[str]) -> str:
    matches = get_close_matches(word, list(known), n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""
