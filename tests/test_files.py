from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from sinefit.errors import OutputError, OutputExistsError
from sinefit.files import check_output, is_standard_output, is_stream, whole_output, write_bytes


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Interruption(BaseException):
    """Something that stops a program in the middle, as Ctrl-C does."""


def interrupted_write(target: Path, error: BaseException) -> None:
    with whole_output(target, force=True) as temporary:
        temporary.write_bytes(b"half")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


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
    with pytest.raises(OutputExistsError, match=r"^a: it exists already; add --force"):
        check_output("a", force=False)
    with pytest.raises(OutputExistsError, match=r"^a: it exists already; add --force"):
        write_bytes("a", b"new", force=False)
    assert (here / "a").read_bytes() == b"old"
    check_output("a", force=True)
    write_bytes("a", b"new", force=True)
    assert (here / "a").read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_kept(here: Path) -> None:
    def write() -> None:
        with whole_output("a", force=False) as temporary:
            temporary.write_bytes(b"mine")
            (here / "a").write_bytes(b"another's")

    with pytest.raises(OutputExistsError, match=r"^a: it appeared meanwhile"):
        write()
    assert (here / "a").read_bytes() == b"another's"
    assert names(here) == ["a"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_any_other(mask: int, here: Path) -> None:
    before = os.umask(mask)
    try:
        write_bytes("mine", b"", force=False)
        (here / "other").touch()
        assert os.umask(mask) == mask  # reading the mask has not changed it
    finally:
        os.umask(before)
    assert mode_of(here / "mine") == mode_of(here / "other") == 0o666 & ~mask


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o660])
def test_a_replaced_file_keeps_its_permissions(mode: int, here: Path) -> None:
    (here / "a").touch()
    (here / "a").chmod(mode)
    write_bytes("a", b"new", force=True)
    assert mode_of(here / "a") == mode


def test_through_a_link_the_file_is_replaced(here: Path) -> None:
    (here / "folder").mkdir()
    (here / "folder" / "real").write_bytes(b"old")
    (here / "link").symlink_to("folder/real")
    with pytest.raises(OutputExistsError, match=r"^link: it exists already"):
        check_output("link", force=False)
    write_bytes("link", b"new", force=True)
    assert (here / "link").is_symlink()
    assert (here / "folder" / "real").read_bytes() == b"new"
    assert names(here / "folder") == ["real"]


def test_a_link_to_nothing_gets_its_file(here: Path) -> None:
    (here / "link").symlink_to("real")
    write_bytes("link", b"new", force=False)
    assert (here / "link").is_symlink()
    assert (here / "real").read_bytes() == b"new"
    (here / "lost").symlink_to("missing/real")
    with pytest.raises(OutputError, match=r"^lost: cannot write there: No such file"):
        check_output("lost", force=False)
    (here / "round").symlink_to("round")
    with pytest.raises(OutputError, match=r"^round: "):
        check_output("round", force=False)


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


def test_a_folder_that_takes_no_files_is_known_before(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever may do anything ignores permissions, so the refusal is put in by hand.
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(OutputError, match=r"^a: cannot write there: Permission denied$"):
        check_output("a", force=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(here: Path) -> None:
    (here / "folder").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        check_output("folder/a", force=False)


def test_checking_leaves_no_trace(here: Path) -> None:
    check_output("a", force=False)
    assert names(here) == []


def test_the_input_is_never_replaced(here: Path) -> None:
    (here / "photo.png").write_bytes(b"old")
    (here / "hard").hardlink_to("photo.png")
    for target in ("photo.png", here / "photo.png", "hard"):
        with pytest.raises(OutputError, match="it is the input itself") as raised:
            check_output(target, force=True, source="photo.png")
        assert not isinstance(raised.value, OutputExistsError)  # --force would not help
    check_output("other.png", force=True, source="photo.png")
    check_output("photo.png", force=True, source="missing.png")


@pytest.mark.parametrize("target", ["-", "/dev/stdout", "/dev/fd/1", Path("-")])
def test_names_of_standard_output(target: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_standard_output(target)
    assert is_stream(target)
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    write_bytes(target, b"\x00\r\n\xff", force=False)
    assert isinstance(stream.buffer, io.BytesIO)
    assert stream.buffer.getvalue() == b"\x00\r\n\xff"


def test_a_closed_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match=r"^standard output is closed"):
        check_output("-", force=False)


def test_what_is_a_stream(here: Path) -> None:
    (here / "file").touch()
    os.mkfifo(here / "pipe")
    assert is_stream(os.devnull)
    assert is_stream(here / "pipe")
    for target in ("file", here, "missing", "./-"):
        assert not is_stream(target)
        assert not is_standard_output(target)


def test_devices_and_pipes_receive_the_bytes(here: Path) -> None:
    write_bytes(os.devnull, b"content", force=False)
    assert not Path(os.devnull).is_file()
    os.mkfifo(here / "pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((here / "pipe").read_bytes()))
    reader.start()
    write_bytes("pipe", b"content" * 99999, force=False)
    reader.join(timeout=20)
    assert received == [b"content" * 99999]
    assert (here / "pipe").is_fifo()


def test_a_stream_gets_nothing_of_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(ValueError, match="x"):
        interrupted_write(Path("-"), ValueError("x"))
    assert isinstance(stream.buffer, io.BytesIO)
    assert stream.buffer.getvalue() == b""


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
