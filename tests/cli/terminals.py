"""A standard error that says that it is a terminal, in this process."""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What commands a terminal: colours, and moves of the cursor."""


class Terminal(io.StringIO):
    """A standard error that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def become_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace standard error; within a test, as pytest sets its own between a fixture and that."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "100")
    return stream
