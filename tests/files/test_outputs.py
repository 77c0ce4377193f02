from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import OutputError, OutputExistsError
from sinefit.files import check_output, whole_output, write_bytes
from tests.refusing import under_refusals

from .making import Interruption, interrupted_write, names

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("target", ["a.bin", "two words [b].bin", "-x", "bad\udcff", "x" * 255])
def test_a_file_is_written_and_nothing_else(target: str, here: Path) -> None:
    write_bytes(target, b"content", force=False)
    assert (here / target).read_bytes() == b"content"
    assert names(here) == [target]


def test_the_target_appears_only_at_the_end(here: Path) -> None:
    with whole_output("a", force=False, suffix=".png") as temporary:
        temporary.write_bytes(b"content")
        assert not (here / "a").exists()
        assert temporary.suffix == ".png"
        assert temporary.parent.samefile(here)  # a rename from elsewhere may be a copy
    assert (here / "a").read_bytes() == b"content"


@pytest.mark.parametrize("error", [ValueError("x"), Interruption(), OutputError("x")])
def test_a_failure_leaves_all_as_it_was(error: BaseException, here: Path) -> None:
    (here / "old").write_bytes(b"old")
    for target in ("old", "new"):
        with pytest.raises(type(error)):
            interrupted_write(here / target, error)
    assert names(here) == ["old"]
    assert (here / "old").read_bytes() == b"old"


def test_a_full_disk_names_the_target(here: Path) -> None:
    with pytest.raises(OutputError, match=r"^.*new: cannot write: No space left on device$"):
        interrupted_write(here / "new", OSError(28, "No space left on device"))
    assert names(here) == []


def test_a_writers_error_names_the_target_and_not_the_temporary_file(here: Path) -> None:
    def fail(error: type[OutputError], target: str) -> None:
        with whole_output(target, force=True, suffix=".png") as temporary:
            raise error(f"{temporary} cannot be written: a reason")

    for error in (OutputError, OutputExistsError):
        with pytest.raises(error, match=r"^x\.png cannot be written: a reason$"):
            fail(error, "x.png")
    with pytest.raises(OutputError, match=r"^standard output cannot be written: a reason$"):
        fail(OutputError, "-")


def test_a_reader_that_has_gone_stays_that(here: Path) -> None:
    with pytest.raises(BrokenPipeError):
        interrupted_write(here / "new", BrokenPipeError(32, "Broken pipe"))


def test_nothing_is_replaced_without_force(here: Path) -> None:
    write_bytes("a", b"old", force=False)
    with pytest.raises(OutputExistsError, match=r"^a: it exists already; add `force`"):
        check_output("a", force=False)
    with pytest.raises(OutputExistsError, match=r"^a: it exists already; add `force`"):
        write_bytes("a", b"new", force=False)
    assert (here / "a").read_bytes() == b"old"
    check_output("a", force=True)
    write_bytes("a", b"new", force=True)
    assert (here / "a").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        (".", r"^\.: it is a folder; name a file$"),
        ("folder", r"^folder: it is a folder; name a file$"),
        ("missing/a", r"^missing/a: its folder does not exist; create missing first$"),
        ("file/a", r"^file/a: "),
        ("x" * 256, r"^x+: cannot write there: File name too long$"),
        ("nul\0byte", r"cannot write there: embedded null byte$"),
    ],
)
def test_what_cannot_be_written_is_known_before(target: str, cause: str, here: Path) -> None:
    (here / "folder").mkdir()
    (here / "file").touch()
    for force in (False, True):
        with pytest.raises(OutputError, match=cause):
            check_output(target, force=force)
        with pytest.raises(OutputError, match=cause):
            write_bytes(target, b"", force=force)
    assert names(here) == ["file", "folder"]


def test_a_folder_that_takes_no_files_is_known_before(here: Path) -> None:
    # Whoever may do anything ignores permissions.
    with pytest.raises(OutputError, match=r"^a: cannot write there: Permission denied$"):
        under_refusals({"open": errno.EACCES}, lambda: check_output("a", force=False))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(here: Path) -> None:
    (here / "folder").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        check_output("folder/a", force=False)


def test_the_input_is_never_replaced(here: Path) -> None:
    (here / "photo.png").write_bytes(b"old")
    (here / "hard").hardlink_to("photo.png")
    for target in ("photo.png", here / "photo.png", "hard"):
        with pytest.raises(OutputError, match="it is the input itself") as raised:
            check_output(target, force=True, source="photo.png")
        assert not isinstance(raised.value, OutputExistsError)  # `force` would not help
    check_output("other.png", force=True, source="photo.png")
    check_output("photo.png", force=True, source="missing.png")
