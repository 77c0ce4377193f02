"""Options from a file: `--config` reads TOML, `--show-config` prints what is in effect."""

from __future__ import annotations

import json
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin

import typer  # noqa: TC002 (the command line reads the annotation)

from sinefit.cli.exit_codes import exit_codes
from sinefit.errors import InputError, SettingError
from sinefit.fitting.config import SETTINGS

if TYPE_CHECKING:
    from sinefit.cli.terminal.streams import Streams

_LEFT_OUT = frozenset({"config_file", "show_config", "output", "resume"})
"""What is told on the command line only."""
_SEVERAL = frozenset(each.flag for each in SETTINGS if get_origin(each.kind) is tuple)
"""What takes several numbers, which a file may write as a list."""


def use_config_file(context: typer.Context, name: str | None) -> str | None:
    """Take the options in a TOML file as defaults: flags and environment variables go before them.

    Keys are the long flags without dashes in front: `max-time = "60s"`, `init = "lambert"`. Raises
    InputError for a file that is no TOML, SettingError for an unknown key.
    """
    if name is None or context.resilient_parsing:
        return name
    with exit_codes():
        options = _options(context)
        defaults = dict(context.default_map or {})
        for key, value in _read_toml(name).items():
            if key not in options:
                close = get_close_matches(key, list(options), n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise SettingError(f"{name}: no option is called {key!r} there{hint}")
            if key in _SEVERAL and isinstance(value, list):
                value = ",".join(map(str, value))
            if not isinstance(value, str | int | float):
                raise SettingError(f"{name}: {key} must be a text, a number, true or false")
            parameter = options[key]
            defaults[parameter.name] = _as_typed(
                value, is_flag=getattr(parameter, "is_flag", False)
            )
        context.default_map = defaults
    return name


def show_settings(context: typer.Context, streams: Streams) -> None:
    """Print the options in effect as TOML, which `--config` takes back.

    An option that nothing is said of is a comment that tells its default.
    """
    for key, parameter in _options(context).items():
        value = context.params.get(parameter.name)
        if value is None:
            default = getattr(parameter, "show_default", None)
            streams.write_line(f"# {key}: {default if isinstance(default, str) else 'not set'}")
        else:
            streams.write_line(f"{key} = {_toml(key, value)}")


def _read_toml(name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}; check the name") from error
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: it is no TOML: {reason}; correct it") from error


def _options(context: typer.Context) -> dict[str, Any]:
    """Return the parameters that have a long flag, by that flag without dashes in front."""
    found = {}
    for parameter in context.command.params:
        flags = [flag for flag in parameter.opts if flag.startswith("--")]
        if flags and parameter.name not in _LEFT_OUT:
            found[flags[0].removeprefix("--")] = parameter
    return found


def _as_typed(value: str | float | bool, *, is_flag: bool) -> str | bool:
    """Return a value as the command line would have it, where `max-time = 60` is a text too."""
    if isinstance(value, bool):
        # Else `steps = true` would be one step.
        return value if is_flag else str(value).lower()
    return str(value)


def _toml(key: str, value: Any) -> str:
    """Write a scalar as TOML, in ASCII whatever the encoding of standard output."""
    if not isinstance(value, str):
        return repr(value) if isinstance(value, float) else json.dumps(value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SettingError(
            f"--{key} holds bytes that are no UTF-8, which TOML cannot: leave it out here"
        ) from error
    # The escapes of JSON are those of TOML, but for letters that take two of them.
    quoted = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[^\x20-\x7e]", lambda match: f"\\U{ord(match[0]):08X}", quoted)
