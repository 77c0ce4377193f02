"""One input and the output that is made of it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sinefit.errors import InputError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import is_standard_input, is_standard_output, is_stream

CHECKPOINT_SUFFIX: Final = f".ckpt{SUFFIX}"
"""How the names of checkpoints end; they are never taken for finished fields."""


@dataclass(frozen=True)
class Job:
    """One input and the output that is made of it."""

    source: str
    target: str
    makes_folder: bool = False
    """Whether the target's folder is made where it is missing."""
    stack: str | None = None
    """File of many fields that the target ends in."""
    render: str | None = None
    """File of the field's samples that the fit is made for, written after the target."""

    @property
    def shown(self) -> str:
        """What people are told that is made of the input."""
        return self.render or self.stack or self.target

    @property
    def names(self) -> dict[str, str]:
        """What machines are told of the output, by what it is."""
        return {"weights" if self.render is None else "output": self.shown}

    @property
    def checkpoint(self) -> Path | None:
        """Where the fit keeps its checkpoint: beside the output, nowhere for a stream."""
        if is_stream(self.target):
            return None
        return Path(self.target.removesuffix(SUFFIX) + CHECKPOINT_SUFFIX)

    @property
    def has_output(self) -> bool:
        """Whether there is a file where the output goes."""
        output = self.render or self.target
        return not is_standard_output(output) and os.path.isfile(output)  # noqa: PTH113 (it takes any name)


def check_source(source: str) -> None:
    """Raise InputError for what is no file, before anything is said about an output."""
    if is_standard_input(source):
        return
    try:
        mode = Path(source).stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{source} does not exist: check the name") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{source} cannot be opened: {reason}") from None
    if stat.S_ISDIR(mode):
        raise InputError(
            f"{source or 'FILE'} is a folder: add `recursive`, or name the files in it"
        )
