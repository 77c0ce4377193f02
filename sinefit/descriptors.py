"""Names that stand for a file that is open already: /dev/stdout, /dev/fd/3."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_STANDARD: Final = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_MOST_LINKS: Final = 40


def descriptor_of(name: str | Path) -> int | None:
    """Return the number of the open file that a name stands for: 3 for /dev/fd/3, else None.

    Such a name is no file of its own: opened or replaced by name, it would cut or lose what the
    number is redirected to. Links to it are followed, as /dev/stdout itself is one.
    """
    place = str(name)
    folders = rf"/dev/fd|/proc/{os.getpid()}(/task/[0-9]+)?/fd"
    for _ in range(_MOST_LINKS):
        if place in _STANDARD:
            return _STANDARD[place]
        try:
            folder, last = os.path.realpath(Path(place).parent), Path(place).name
            if re.fullmatch("[0-9]{1,9}", last) and re.fullmatch(folders, folder):
                return int(last)
            place = str(Path(folder) / Path(place).readlink())
        except (OSError, ValueError):
            return None
    return None
