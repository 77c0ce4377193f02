from __future__ import annotations

import errno
import os
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import OutputError
from sinefit.files import check_output, whole_output, write_bytes
from tests.refusing import under_refusals

from .making import interrupted_write, names

if TYPE_CHECKING:
    from pathlib import Path


def test_checking_leaves_no_trace(here: Path) -> None:
    check_output("a", force=False)
    assert names(here) == []


def test_temporary_files_of_dead_processes_are_removed(here: Path) -> None:
    with whole_output("a.png", force=False, suffix=".png") as temporary:
        (stale := here / f"{temporary.name.removesuffix('.png')}x.png").write_bytes(b"half")
        others = [".a.png.swp", ".b.png.sinefit-abcdefgh", "a.png.sinefit-abcdefgh"]
        for name in others:
            (here / name).touch()
        # Another write of the same file, as another process would do it, spares what is in use.
        check_output("a.png", force=False)
        assert not stale.exists()
        assert temporary.exists()
        temporary.write_bytes(b"whole")
    assert (here / "a.png").read_bytes() == b"whole"
    assert names(here) == sorted([*others, "a.png"])


def test_what_only_looks_like_a_temporary_file_is_harmless(here: Path) -> None:
    os.mkfifo(here / ".a.sinefit-pipe")
    (here / ".a.sinefit-folder").mkdir()
    (here / "b").write_bytes(b"another's")
    (here / ".a.sinefit-link").symlink_to("b")
    write_bytes("a", b"content", force=False)
    assert (here / "b").read_bytes() == b"another's"
    assert (here / "a").read_bytes() == b"content"


def test_many_writers_of_one_file(here: Path) -> None:
    failures = []

    def write(number: int) -> None:
        try:
            for _ in range(30):
                write_bytes("a", bytes([number]) * 5000, force=True)
        except OutputError as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    content = (here / "a").read_bytes()
    assert content == content[:1] * 5000
    assert names(here) == ["a"]


def test_a_file_system_without_locks(here: Path) -> None:
    for content in (b"content", b"other"):
        under_refusals({"flock": errno.ENOLCK}, partial(write_bytes, "a", content, force=True))
    assert (here / "a").read_bytes() == b"other"
    assert names(here) == ["a"]


def test_a_temporary_file_that_cannot_be_removed_hides_no_reason(here: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutputError, match=r"/a: cannot write: No space left"):
        under_refusals({"unlink": errno.EROFS}, lambda: interrupted_write(here / "a", full))
    assert names(here) != []  # there was something that could not be removed
