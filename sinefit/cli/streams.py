"""Standard input and output as binary streams, and which file a command means without a name."""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from typing import TYPE_CHECKING, Any, Final

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import STANDARD_STREAM, is_standard_output

if TYPE_CHECKING:
    from pathlib import Path

JSON_VERSION: Final = 1
"""Version of the objects that `--json` prints; grows when a key changes its meaning or goes."""
_STANDARD_INPUTS: Final = (STANDARD_STREAM, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")

CHECKPOINT_SUFFIX = f".ckpt{SUFFIX}"
"""How the names of checkpoints end; they are never taken for finished fields."""


def is_standard_input(source: str) -> bool:
    """Tell whether an argument names standard input: "-", or its device where there is one."""
    return source in _STANDARD_INPUTS


def read_standard_input() -> bytes:
    """Return all of standard input; a terminal or no input at all is an error."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("standard input: it is a terminal; pipe a file in or name one")
    content = sys.stdin.buffer.read()
    if not content:
        raise InputError("standard input: it is empty")
    return content


def piped_input() -> bytes | None:
    """Return what is piped into the command, or None for a terminal, /dev/null or nothing."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return None
    return sys.stdin.buffer.read() or None


def refuse_terminal(target: str) -> None:
    """Raise SettingError if binary output would go to a terminal."""
    if is_standard_output(target) and sys.stdout is not None and sys.stdout.isatty():
        raise SettingError(
            f"--output is {target}: standard output is a terminal; redirect it or name a file"
        )


def default_stream() -> str:
    """Return the name of standard output for a command that has no file to name its output by."""
    if sys.stdout is not None and sys.stdout.isatty():
        raise SettingError("standard output is a terminal: name a file with --output")
    return STANDARD_STREAM


def write_json(values: dict[str, Any] | list[Any]) -> None:
    """Print one JSON value on standard output, an object with its version first.

    JSON has no infinity: a quality without any error is null.
    """
    if isinstance(values, dict):
        values = {"json_version": JSON_VERSION, **values}
    write_line(json.dumps(finite(values)))


def write_line(text: str) -> None:
    """Print a line on standard output at once, so that whoever reads it can go on."""
    if sys.stdout is None:
        raise OutputError("standard output is closed; there is nowhere to print")
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def finite(value: Any) -> Any:
    """Return a value with every number that JSON cannot write replaced by None."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def newest_weights(folder: Path) -> Path:
    """Return the weights file of a folder that was written last, checkpoints excluded."""
    found = [
        path
        for path in folder.glob(f"*{SUFFIX}")
        if path.is_file() and not path.name.endswith(CHECKPOINT_SUFFIX)
    ]
    if not found:
        raise InputError(
            "no weights file in this folder: name one, or make one with: sinefit fit FILE"
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
