from __future__ import annotations

import os
from pathlib import Path

import pytest

from sinefit.descriptors import descriptor_of

pytestmark = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there are no such names here")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("/dev/stdin", 0),
        ("/dev/stdout", 1),
        ("/dev/stderr", 2),
        ("/dev/fd/0", 0),
        ("/dev/fd/1", 1),
        ("/dev/fd/63", 63),
        ("/dev/../dev/fd/3", 3),
        (Path("/dev/fd/3"), 3),
    ],
)
def test_names_of_open_files(name: str | Path, number: int) -> None:
    assert descriptor_of(name) == number


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")
@pytest.mark.parametrize("name", ["/proc/self/fd/4", "/proc/thread-self/fd/4", "/proc/{}/fd/4"])
def test_names_below_proc(name: str) -> None:
    assert descriptor_of(name.format(os.getpid())) == 4


@pytest.mark.parametrize(
    "name",
    [
        *(
            "-",
            "",
            "1",
            "photo.png",
            "/dev/null",
            "/dev/fd",
            "/dev/fd/",
            "/dev/fd/x",
            "/dev/fd/1/2",
        ),
        *("/dev/fd/\N{ARABIC-INDIC DIGIT ONE}", "/proc/1/fd/1"),
        *("nul\0byte", "x" * 5000, "bad\udcff"),
    ],
)
def test_other_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1").touch()
    assert descriptor_of(name) is None


def test_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").symlink_to("/dev/fd")
    (tmp_path / "first").symlink_to("/dev/stdout")
    (tmp_path / "second").symlink_to("first")
    (tmp_path / "ordinary").symlink_to("file")
    (tmp_path / "round").symlink_to("round")
    assert descriptor_of("folder/5") == 5
    assert descriptor_of(tmp_path / "second") == 1
    assert descriptor_of("ordinary") is None
    assert descriptor_of("round") is None


def test_a_name_stands_for_the_number_and_not_for_what_it_leads_to(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        name = Path(f"/dev/fd/{file.fileno()}")
        assert name.resolve() == (tmp_path / "file").resolve()
        assert descriptor_of(name) == file.fileno()
