"""What is chosen in one word, by name and with parameters: `name:parameter=value`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from sinefit.errors import SettingError
from sinefit.parameters import parameters_of
from sinefit.validation import check_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed import DataclassInstance

    from sinefit.parameters import Parameter, Value


def check_name(noun: str, name: str, known: Iterable[str]) -> None:
    """Raise SettingError, with the nearest, for a name that is unknown; `noun` is what it is of."""
    names = list(known)
    if name not in names:
        raise SettingError(f"unknown {noun} {name!r}: {_suggest(name, names)}")


def parse_choice(
    word: str, noun: str, text: str, known: Mapping[str, type[DataclassInstance]]
) -> tuple[str, dict[str, Value]]:
    """Return the name and the values of parameters that a text says, of classes by their names.

    `word` is what messages call the setting, `noun` what is chosen: "initializer". Raises
    `SettingError` for an unknown name or parameter, a parameter given twice, or a value of the
    wrong type or out of range.
    """
    article = "an" if noun[0] in "aeiou" else "a"
    check_type(word, text, str, f"{article} {noun}'s name")
    name, *settings = text.strip().split(":")
    try:
        check_name(noun, name, known)
    except SettingError as error:
        raise SettingError(f"`{word}`: {error}") from None
    parameters = {parameter.name: parameter for parameter in parameters_of(known[name])}
    values: dict[str, Value] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise SettingError(f"`{word}` {name}: {setting!r} must be written parameter=value")
        if key not in parameters:
            hint = _suggest(key, parameters) if parameters else "it takes none"
            raise SettingError(f"`{word}` {name} has no parameter {key!r}: {hint}")
        if key in values:
            raise SettingError(f"`{word}` {name}: {key} is given twice: give it once")
        values[key] = _parse_value(f"`{word}` {name}", parameters[key], value)
    return name, values


def describe_choice(name: str, chosen: DataclassInstance) -> str:
    """Return the shortest text that says a name and parameters."""
    words = [name]
    for parameter in parameters_of(type(chosen)):
        value = getattr(chosen, parameter.name)
        if value != parameter.default:
            words.append(f"{parameter.name}={_format_value(value)}")
    return ":".join(words)


def _parse_value(where: str, parameter: Parameter, word: str) -> Value:
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
            f"{where}: {parameter.name} is {word!r}: it must be {parameter.range}{close}"
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
