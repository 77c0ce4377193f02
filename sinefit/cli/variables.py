"""Environment variables: those that options are taken from, and those that no option has."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX: Final = "SINEFIT"
"""How the variables begin: SINEFIT_FIT_MAX_TIME."""
_OTHERS: Final = {"SINEFIT_CPU_CAPABILITY", "SINEFIT_DEBUG", "SINEFIT_VERSION"}
"""Variables that are no option's of a subcommand; what scripts call their own is among them."""


def variable_of(command: str, flag: str) -> str:
    """Return the variable of a subcommand's option, by its long flag."""
    return f"{PREFIX}_{command}_{flag.removeprefix('--')}".upper().replace("-", "_")


def unknown_variables(flags: Iterable[tuple[str, str]]) -> list[str]:
    """Return a sentence for each variable of sinefit's that is set and that no option has.

    `flags` are the long flags of all subcommands, each after the name of its subcommand.
    """
    known = {variable_of(command, flag) for command, flag in flags}
    found = []
    for name in variables_of_options():
        if name not in known:
            close = get_close_matches(name, sorted(known | _OTHERS), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            found.append(f"{name} is the variable of no option{hint}")
    return found


def variables_of_options() -> list[str]:
    """Return the variables that are set and that only an option can explain."""
    return sorted(name for name in os.environ.keys() - _OTHERS if name.startswith(f"{PREFIX}_"))
