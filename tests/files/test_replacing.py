from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import OutputError, OutputExistsError
from sinefit.files import check_output, whole_output, write_bytes

from .making import Interruption, failing, mode_of, names

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

REFUSALS = [errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EBUSY, errno.ENOSYS]


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


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), Interruption()])
def test_what_does_not_reach_the_disk_replaces_nothing(
    error: BaseException, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise error

    (here / "old").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    kind = OutputError if isinstance(error, OSError) else Interruption
    for target in ("old", "new"):
        with pytest.raises(kind) as raised:
            write_bytes(target, b"content", force=True)
        if kind is OutputError:
            assert str(raised.value) == f"{target}: cannot write: Input/output error"
    assert (here / "old").read_bytes() == b"old"
    assert names(here) == ["old"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_wait_for_its_disk(
    number: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing(number))
    write_bytes("a", b"content", force=False)
    assert (here / "a").read_bytes() == b"content"


def test_a_folder_that_cannot_be_synced(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    write_bytes("a", b"content", force=False)
    assert (here / "a").read_bytes() == b"content"  # it is whole, so it is no failure


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_file_system_without_permissions(
    number: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in ("chmod", "chown"):
        monkeypatch.setattr(os, call, failing(number))
    for content in (b"first", b"second"):
        write_bytes("a", content, force=True)
        assert (here / "a").read_bytes() == content


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_replaced_file_keeps_its_owner(here: Path) -> None:
    (here / "a").touch()
    os.chown(here / "a", 12345, 23456)
    (here / "a").chmod(0o640)
    write_bytes("a", b"new", force=True)
    found = (here / "a").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o640)


@pytest.mark.parametrize("number", REFUSALS)
def test_a_file_system_without_hard_links(
    number: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(number))
    write_bytes("a", b"content", force=False)
    assert (here / "a").read_bytes() == b"content"
    (here / "a").unlink()
    test_a_file_that_appears_meanwhile_is_kept(here)


@pytest.fixture
def no_rename(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Refuse renames and hard links."""
    for call in ("rename", "replace", "link"):
        monkeypatch.setattr(os, call, failing(getattr(request, "param", errno.EXDEV)))


@pytest.mark.parametrize("no_rename", REFUSALS, indirect=True)
def test_a_file_system_without_renames(no_rename: None, here: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_bytes("new", b"content", force=False)
    finally:
        os.umask(mask)
    assert (here / "new").read_bytes() == b"content"
    assert mode_of(here / "new") == 0o644
    (here / "new").chmod(0o660)
    for content in (b"a longer content", b"short", b""):
        write_bytes("new", content, force=True)
        assert (here / "new").read_bytes() == content
        assert mode_of(here / "new") == 0o660
    assert names(here) == ["new"]


def test_without_renames_nothing_is_replaced_unasked(no_rename: None, here: Path) -> None:
    test_a_file_that_appears_meanwhile_is_kept(here)


def test_without_renames_a_full_disk_spares_what_is_there(
    no_rename: None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(descriptor: int, offset: int, length: int) -> None:
        os.truncate(descriptor, offset + length - 1)  # some of it could be had
        raise OSError(errno.ENOSPC, "No space left on device")

    (here / "old").write_bytes(b"old")
    monkeypatch.setattr(os, "posix_fallocate", fill, raising=False)
    for target in ("old", "new"):
        with pytest.raises(OutputError, match=rf"^{target}: cannot write: No space left"):
            write_bytes(target, b"content", force=True)
    assert (here / "old").read_bytes() == b"old"
    assert names(here) == ["old"]


def test_without_renames_half_a_copy_is_removed(
    no_rename: None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: io.BufferedReader, target: io.BufferedWriter) -> None:
        target.write(source.read(3))
        target.flush()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shutil, "copyfileobj", half)
    with pytest.raises(OutputError, match=r"^new: cannot write: Input/output error$"):
        write_bytes("new", b"content", force=False)
    assert names(here) == []


def test_where_room_cannot_be_promised_the_copy_is_made(
    no_rename: None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.EOPNOTSUPP), raising=False)
    (here / "a").write_bytes(b"what was there")
    write_bytes("a", b"content", force=True)
    assert (here / "a").read_bytes() == b"content"


@pytest.fixture
def mounted(here: Path) -> Iterator[Path]:
    """Return a file that is a mount, as containers have them: no rename replaces it."""
    (here / "outside").write_bytes(b"old")
    (here / "inside").touch()
    mount = shutil.which("mount")
    command = [str(mount), "--bind", str(here / "outside"), str(here / "inside")]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    yield here / "inside"
    subprocess.run(["umount", str(here / "inside")], check=True)


def test_a_mounted_file_gets_the_bytes(mounted: Path, here: Path) -> None:
    write_bytes(mounted, b"content", force=True)
    assert (here / "outside").read_bytes() == b"content"
    assert names(here) == ["inside", "outside"]
