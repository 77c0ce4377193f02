"""The folder that most tests of batches begin with; others have one of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .making import make_picture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, with two pictures and a file that is none."""
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    make_picture(tmp_path / "c.png", phase=1.0)
    return tmp_path
