from __future__ import annotations

import re
import signal
import subprocess
import urllib.request
import webbrowser
from pathlib import Path

import pytest

import sinefit

from .making import COMMAND, ENVIRONMENT, TINY, fail, make_picture, make_sound, succeed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view")
    make_picture(folder / "photo.png")
    succeed("fit", folder / "photo.png", *TINY, "-q")
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in made.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_page_lies_beside_the_weights(here: Path) -> None:
    result = succeed("view", "photo.safetensors")
    page = (here / "photo.html").read_text()
    assert "<title>photo.png</title>" in page
    assert result.stdout == ""
    assert "photo.html" in result.stderr
    assert "exists already" in fail(5, "view", "photo.safetensors")
    assert succeed("view", "--force").stderr.startswith("showing photo.safetensors, the newest")


def test_the_library_writes_the_same_page(here: Path) -> None:
    succeed("view", "photo.safetensors", "--with-original", "photo.png")
    field = sinefit.load("photo.safetensors")
    sinefit.write_page(field, "same.html", original="photo.png")
    assert (here / "same.html").read_bytes() == (here / "photo.html").read_bytes()
    with pytest.raises(sinefit.OutputExistsError):
        sinefit.write_page(field, "same.html")


def test_a_page_through_pipes(here: Path) -> None:
    weights = (here / "photo.safetensors").read_bytes()
    piped = succeed("view", "-", "-o", "-", stdin=weights).stdout_bytes
    succeed("view", "photo.safetensors")
    assert piped == (here / "photo.html").read_bytes()


def test_what_is_wrong_is_told_and_leaves_nothing(here: Path) -> None:
    make_picture(here / "other.png", size=(30, 12))
    make_sound(here / "tone.wav")
    assert "30x12" in fail(2, "view", "photo.safetensors", "--with-original", "other.png")
    assert "a sound" in fail(2, "view", "photo.safetensors", "--with-original", "tone.wav")
    fail(3, "view", "photo.safetensors", "--with-original", "missing.png")
    fail(3, "view", "photo.png")
    assert "--open" in fail(2, "view", "photo.safetensors", "-o", "-", "--open")
    assert not list(here.glob("*.html"))


def test_the_page_is_opened(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_page(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    succeed("view", "photo.safetensors", "--open")
    assert opened == [(Path.cwd() / "photo.html").as_uri()]


def test_a_gallery_is_served_until_it_is_stopped(here: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "view", ".", "--port", "0"],
        cwd=here,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        (address,) = re.findall(r"http://127.0.0.1:\d+/", line)
        with urllib.request.urlopen(address) as answer:
            assert b"photo.html" in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        process.stderr.close()


def test_only_a_folder_is_served(here: Path) -> None:
    assert "no folder" in fail(3, "view", "photo.safetensors", "--port", "0")
    assert "drop --output" in fail(2, "view", ".", "--port", "0", "-o", "a.html")
    assert "--port" in fail(2, "view", ".", "--port", "70000")
