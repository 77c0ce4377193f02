from __future__ import annotations

import pytest

from .forked import forked
from .making import ENVIRONMENT

__all__ = ["forked"]


@pytest.fixture(autouse=True)
def _ordinary_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the colour switches of whoever runs the tests out of them."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", ENVIRONMENT["TERM"])
