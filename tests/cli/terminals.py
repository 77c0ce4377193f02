"""A standard error that says that it is a terminal."""

from __future__ import annotations

import io
import re

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What commands a terminal: colours, and moves of the cursor."""


class Terminal(io.StringIO):
    """A standard error that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True
