"""What can be chosen by name and has parameters: initializers, networks.

The parameters are the fields of a dataclass. A field carries its help text and its range as
metadata, so that validation, `--help`, lists and the documentation have one source:

    alpha: float = field(default=2.5, metadata={"help": "...", "above": 0.0})

`above` and `below` are exclusive limits, `minimum` and `maximum` inclusive ones. The type of a
parameter is float, int, bool or a Literal of strings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args, get_origin, get_type_hints

from sinefit.errors import SettingError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Value = float | int | bool | str


@dataclass(frozen=True)
class Parameter:
    """One parameter of what is chosen."""

    name: str
    """Its name in `scheme:name=value` and in the dataclass."""
    kind: type
    """float, int, bool or str."""
    default: Value
    """The value when none is given."""
    help: str
    """What it does, its unit and where its default comes from."""
    choices: tuple[str, ...] = ()
    """The words allowed, for a parameter of kind str."""
    above: float | None = None
    """Exclusive lower limit of a number."""
    minimum: float | None = None
    """Inclusive lower limit of a number."""
    maximum: float | None = None
    """Inclusive upper limit of a number."""
    below: float | None = None
    """Exclusive upper limit of a number."""

    @property
    def range(self) -> str:
        """What a right value is, in words that complete "it must be"."""
        if self.choices:
            return " or ".join(self.choices)
        if self.kind is bool:
            return "true or false"
        limits = [
            f"{word} {limit:g}"
            for word, limit in (
                ("above", self.above),
                ("at least", self.minimum),
                ("at most", self.maximum),
                ("below", self.below),
            )
            if limit is not None
        ]
        noun = "a whole number" if self.kind is int else "a number"
        return " ".join([noun, " and ".join(limits)]).rstrip()

    def allows(self, value: object) -> bool:
        """Tell whether `value` has the right type and lies in the range."""
        if self.kind is bool:
            return isinstance(value, bool)
        if self.kind is str:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if self.kind is int and not isinstance(value, int):
            return False
        return (
            math.isfinite(value)
            and (self.above is None or value > self.above)
            and (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.below is None or value < self.below)
        )


@lru_cache
def parameters_of(scheme: type[DataclassInstance]) -> tuple[Parameter, ...]:
    """Return the parameters of a class, in the order of its fields."""
    hints = get_type_hints(scheme)
    found = []
    for item in fields(scheme):
        hint = hints[item.name]
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        found.append(
            Parameter(
                name=item.name,
                kind=str if choices else hint,
                default=item.default,  # type: ignore[arg-type]
                choices=choices,
                help=item.metadata["help"],
                above=item.metadata.get("above"),
                minimum=item.metadata.get("minimum"),
                maximum=item.metadata.get("maximum"),
                below=item.metadata.get("below"),
            )
        )
    return tuple(found)


def parameter_values(parameter: Parameter) -> dict[str, Value]:
    """Return what lists for machines say of a parameter."""
    return {
        "name": parameter.name,
        "default": parameter.default,
        "range": parameter.range,
        "help": parameter.help,
    }


def check_parameters(chosen: DataclassInstance, name: str) -> None:
    """Raise `SettingError` for the first parameter that is out of its range.

    `name` is what the message calls the thing chosen.
    """
    for parameter in parameters_of(type(chosen)):
        value = getattr(chosen, parameter.name)
        if not parameter.allows(value):
            raise SettingError(
                f"{name}: {parameter.name} is {value!r}: it must be {parameter.range}"
            )
