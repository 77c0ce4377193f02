from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from sinefit.files import write_elsewhere

from .making import names


def test_beside_the_target_under_another_name(here: Path) -> None:
    (here / "sub").mkdir()
    for name in ("a.ckpt.bin", "a-1.ckpt.bin"):
        (here / "sub" / name).write_bytes(b"another's")
    assert write_elsewhere("sub/a.ckpt.bin", b"content") == Path("sub/a-2.ckpt.bin")
    assert (here / "sub/a-2.ckpt.bin").read_bytes() == b"content"
    assert (here / "sub/a.ckpt.bin").read_bytes() == b"another's"
    assert names(here) == ["sub"]


def test_in_the_present_folder(here: Path) -> None:
    assert write_elsewhere(here / "missing" / "a.bin", b"content") == Path("a.bin")
    assert write_elsewhere(here / "missing" / "a.bin", b"more") == Path("a-1.bin")
    assert (here / "a.bin").read_bytes() == b"content"


def test_in_the_folder_for_temporary_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "temporary").mkdir()
    (here / "gone").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(here / "temporary"))
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()
    expected = here / "temporary" / "a.bin"
    assert write_elsewhere(here / "missing" / "a.bin", b"content") == expected
    assert expected.read_bytes() == b"content"


@pytest.mark.skipif(not Path("/proc").exists(), reason="there is no folder here without files")
def test_nowhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(here / "missing"))
    monkeypatch.chdir("/proc")
    assert write_elsewhere(here / "missing" / "a.bin", b"content") is None
