"""The options of a fit's settings, made of the table that `sinefit.settings` reads.

A setting that has a heading in the table is an option of `sinefit fit`, with no line about it here.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeVar

import typer

from sinefit.cli.options.completion import complete_device, complete_init, complete_network
from sinefit.cli.options.parsing import parse_pixel_region, parse_seconds
from sinefit.errors import SettingError
from sinefit.fitting.budget import LIMITS, Budget
from sinefit.fitting.config import NETWORK, SETTINGS, STORED, TRAINING, FitConfig
from sinefit.fitting.omega_choice import omega_text, parse_omega
from sinefit.settings import settings_in
from sinefit.signals.selection import PART, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from _typeshed import DataclassInstance

    from sinefit.settings import Setting

OFFERED: Final = tuple(each for each in SETTINGS if each.group is not None)
"""The settings that the command line has options for, in the order of its help."""
_BEFORE: Final = {
    LIMITS: "sigma_a",
    "initializer": "sigma_a",
    "network": "sigma_a",
    "omega": "sigma_a",
    NETWORK: "start_from",
    PART: "max_pixels",
    TRAINING: "quiet",
    STORED: "sound",
}
"""The option of the command's own that a setting stands before, by its heading or its name."""
_COMPLETIONS: Final = {
    "initializer": complete_init,
    "network": complete_network,
    "device": complete_device,
}

Command = TypeVar("Command", bound="Callable[..., None]")
Holder = TypeVar("Holder", FitConfig, Selection)


class _Form(NamedTuple):
    """How a value is written as a text, where the parser of options knows no such type."""

    read: Callable[[str, str], object]
    """Takes the flag too, for its message."""
    write: Callable[[Any], str | None]
    """Writes a default, None for none."""


_FORMS: Final = {
    "TIME": _Form(parse_seconds, lambda value: None if value is None else f"{value:g}"),
    "N|full": _Form(lambda _flag, text: text, lambda _value: None),
    "X,Y,W,H": _Form(lambda _flag, text: parse_pixel_region(text), lambda _value: None),
    "W": _Form(
        lambda _flag, text: parse_omega(text),
        lambda value: None if value is None else omega_text(value),
    ),
}
"""By what stands for the value in help."""


def with_settings(command: Command) -> Command:
    """Give a command the options of all settings, which it takes as keywords, as its own ones."""
    parameters = [
        parameter
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    for each in OFFERED:
        place = _BEFORE.get(each.name) or _BEFORE[str(each.group)]
        names = [parameter.name for parameter in parameters]
        parameters.insert(names.index(place), parameter_of(each))
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def with_settings_last(command: Command, settings: Sequence[Setting] = OFFERED) -> Command:
    """Give a command the options of settings behind its own, which it takes as keywords."""
    own = [
        parameter
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    found = [*own, *map(parameter_of, settings)]
    command.__signature__ = inspect.Signature(found)  # type: ignore[attr-defined]
    return command


def default_of(each: Setting) -> Any:
    """Return what an option holds that nothing is said of, None for what help tells in words.

    Those of the network are such, so that what is said beside an earlier fit's is found.
    """
    if each.form in _FORMS:
        return _FORMS[each.form].write(each.default)
    return None if each.group == NETWORK else each.default


def option_of(each: Setting, **others: Any) -> Any:
    """Return a setting's option as typer takes it; `others` are what typer has beside."""
    in_words = each.unset or (None if each.default is None else str(each.default))
    return typer.Option(
        f"--{each.flag}",
        *([] if each.also is None else [f"--{each.also}"]),
        metavar=each.form or None,
        help=each.help,
        autocompletion=_COMPLETIONS.get(each.name),
        show_default=in_words if default_of(each) is None and in_words else True,
        **others,
    )


def settings_from(holder: type[Holder], options: Mapping[str, Any], **others: Any) -> Holder:
    """Return the dataclass of settings that options say; `others` are fields beside them."""
    return holder(**{**_values(holder, options), **others})


def budget_from(options: Mapping[str, Any]) -> Budget | None:
    """Return the budget that options say, None where they say none."""
    limits = _values(Budget, options)
    return Budget(**limits) if limits else None


def from_text(each: Setting, text: str) -> object:
    """Return the value that a text says for a setting, as the calls of the library take it.

    Raises SettingError for a text that is no number where one is wanted.
    """
    if each.form in _FORMS:
        return _FORMS[each.form].read(f"--{each.flag}", text)
    if each.kind in (int, float):
        try:
            return each.kind(text)
        except ValueError:
            wanted = "a whole number" if each.kind is int else "a number"
            raise SettingError(f"--{each.flag} is {text!r}: it must be {wanted}") from None
    return text


def _values(holder: type[DataclassInstance], options: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for each in settings_in(holder):
        value = options.get(each.name)
        if value is not None:
            form = _FORMS.get(each.form)
            values[each.name] = value if form is None else form.read(f"--{each.flag}", value)
    return values


def parameter_of(each: Setting) -> inspect.Parameter:
    """Return the parameter of a command that typer makes a setting's option of."""
    is_plain = each.form not in _FORMS and (each.choices or each.kind in (int, float, bool, str))
    kind, default = each.kind if is_plain else str, default_of(each)
    option = option_of(each, rich_help_panel=each.group)
    return inspect.Parameter(
        each.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=default,
        annotation=Annotated[kind | None if default is None else kind, option],
    )
