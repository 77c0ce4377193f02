from __future__ import annotations

import signal

import pytest

from .forked import forked
from .making import ENVIRONMENT
from .terminals import Terminal

__all__ = ["forked"]

# A shell starts what it sends to the background with SIGINT ignored, and sinefit leaves it at that:
# tests of stopping must not depend on how they were started.
for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(
            _number,
            signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL,
        )


@pytest.fixture(autouse=True)
def _ordinary_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the colour switches of whoever runs the tests out of them."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", ENVIRONMENT["TERM"])


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal of a hundred columns to hand in as standard error."""
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal()
