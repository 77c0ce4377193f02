"""Names that stand for a file that is open already: /dev/stdout, /dev/fd/3."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_STANDARD: Final = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_MOST_LINKS: Final = 40


def descriptor_of(name: str | Path) -> int | None:
    """Return the number of the open file that a name stands for: 3 for /dev/fd/3, else None.

    Such a name is no file of its own: opened or replaced by name, it would cut or lose what the
    number is redirected to. Links to it are followed, as /dev/stdout itself is one.
    """
    place = str(name)
    for _ in range(_MOST_LINKS):
        if place in _STANDARD:
            return _STANDARD[place]
        # Text is taken apart by itself here: every output is asked for many times.
        above, last = os.path.split(place.rstrip("/"))
        try:
            if re.fullmatch("[0-9]{1,9}", last):
                folders = rf"/dev/fd|/proc/{os.getpid()}(/task/[0-9]+)?/fd"
                if re.fullmatch(folders, os.path.realpath(above)):
                    return int(last)
            linked = os.readlink(place.rstrip("/"))  # noqa: PTH115 (as above)
            place = os.path.join(os.path.realpath(above), linked)  # noqa: PTH118
        except (OSError, ValueError):
            return None
    return None
