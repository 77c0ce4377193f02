"""The options of `sinefit compare` that are settings of its fits, several values with commas."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from sinefit.cli.options.settings import OFFERED, from_text, option_of, parameter_of
from sinefit.comparing.combinations import AXES
from sinefit.fitting.config import FitConfig
from sinefit.settings import settings_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Command = TypeVar("Command", bound="Callable[..., None]")

_NOT_HERE: Final = frozenset({"seed", "target_psnr", "steps", "max_time"})
"""Settings that cells must have alike, or that the command has options of its own for."""
SHOWN: Final = tuple(each for each in OFFERED if each.name not in _NOT_HERE)
"""The settings that are options of the command, in the order of its help."""
_SEVERAL: Final = frozenset(each.name for each in AXES)


def with_axes(command: Command) -> Command:
    """Give a command the options of a fit's settings, which it takes as keywords, at its end."""
    own = [
        parameter
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    command.__signature__ = inspect.Signature([*own, *map(_parameter, SHOWN)])  # type: ignore[attr-defined]
    return command


def settings_asked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of fits that options say, by word, with a list where there are several.

    Raises SettingError for a text that says no value.
    """
    found: dict[str, Any] = {}
    for each in settings_in(FitConfig):
        value = options.get(each.name)
        if value is None or each not in SHOWN:
            continue
        if each.name not in _SEVERAL:
            found[each.word] = value
            continue
        texts = [text.strip() for text in value.split(",")]
        if each.name == "omega":  # its factors have commas between them elsewhere
            found[each.word] = [text.replace("x", ",") for text in texts]
        else:
            found[each.word] = [from_text(each, text) for text in texts]
    return found


def _parameter(each: Any) -> inspect.Parameter:
    plain = parameter_of(each)
    if each.name not in _SEVERAL:
        return plain
    annotation = Annotated[str | None, option_of(each, rich_help_panel=each.group)]
    return plain.replace(default=None, annotation=annotation)
