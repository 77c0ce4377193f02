from __future__ import annotations

import os
from pathlib import Path

import pytest

from sinefit.errors import InputError
from sinefit.jobs.job import Job, check_source


@pytest.mark.parametrize(
    ("target", "checkpoint"),
    [
        ("photo.safetensors", "photo.ckpt.safetensors"),
        ("sub/w.bin", "sub/w.bin.ckpt.safetensors"),
        ("-", None),
        (os.devnull, None),
    ],
)
def test_the_checkpoint_lies_beside_the_output(target: str, checkpoint: str | None) -> None:
    assert Job("a.png", target).checkpoint == (None if checkpoint is None else Path(checkpoint))


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.png").touch()
    check_source("a.png")
    check_source("-")
    for source, cause in (
        ("b.png", "^b.png does not exist: check the name$"),
        (".", "^. is a folder: add `recursive`, or name the files in it$"),
        ("a.png/b", "^a.png/b cannot be opened: Not a directory$"),
        ("x" * 300, "cannot be opened: File name too long$"),
    ):
        with pytest.raises(InputError, match=cause):
            check_source(source)


def test_an_output_is_there_if_it_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not Job("a.png", "a.safetensors").has_output
    Path("a.safetensors").touch()
    assert Job("a.png", "a.safetensors").has_output
    Path("-").touch()
    assert not Job("a.png", "-").has_output
