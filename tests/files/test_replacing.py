from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import OutputError, OutputExistsError
from sinefit.files import check_output, whole_output, write_bytes
from tests.refusing import files_up_to, under_refusals

from .making import Interruption, mode_of, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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


def test_what_does_not_reach_the_disk_replaces_nothing(here: Path) -> None:
    (here / "old").write_bytes(b"old")
    for target in ("old", "new"):
        with pytest.raises(OutputError, match=f"^{target}: cannot write: Input/output error$"):
            under_refusals(
                {"fsync": errno.EIO}, partial(write_bytes, target, b"content", force=True)
            )
    assert (here / "old").read_bytes() == b"old"
    assert names(here) == ["old"]


def test_an_interruption_before_all_is_on_the_disk_replaces_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_descriptor: int) -> None:
        raise Interruption

    (here / "old").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)  # no signal comes for sure within that call
    for target in ("old", "new"):
        with pytest.raises(Interruption):
            write_bytes(target, b"content", force=True)
    assert (here / "old").read_bytes() == b"old"
    assert names(here) == ["old"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_wait_for_its_disk(number: int, here: Path) -> None:
    under_refusals({"fsync": number}, lambda: write_bytes("a", b"content", force=False))
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
def test_a_file_system_without_permissions(number: int, here: Path) -> None:
    for content in (b"first", b"second"):
        under_refusals(
            {"chmod": number, "chown": number}, partial(write_bytes, "a", content, force=True)
        )
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
def test_a_file_system_without_hard_links(number: int, here: Path) -> None:
    def write() -> None:
        write_bytes("a", b"content", force=False)
        assert (here / "a").read_bytes() == b"content"
        (here / "a").unlink()
        test_a_file_that_appears_meanwhile_is_kept(here)

    under_refusals({"link": number}, write)


NO_RENAME: Mapping[str, int] = {"rename": errno.EXDEV, "link": errno.EXDEV}


@pytest.mark.parametrize("number", REFUSALS)
def test_a_file_system_without_renames(number: int, here: Path) -> None:
    def write(content: bytes, *, force: bool) -> None:
        refusals = {"rename": number, "link": number}
        under_refusals(refusals, lambda: write_bytes("new", content, force=force))
        assert (here / "new").read_bytes() == content

    mask = os.umask(0o022)
    try:
        write(b"content", force=False)
    finally:
        os.umask(mask)
    assert mode_of(here / "new") == 0o644
    (here / "new").chmod(0o660)
    for content in (b"a longer content", b"short", b""):
        write(content, force=True)
        assert mode_of(here / "new") == 0o660
    assert names(here) == ["new"]


def test_without_renames_nothing_is_replaced_unasked(here: Path) -> None:
    under_refusals(NO_RENAME, lambda: test_a_file_that_appears_meanwhile_is_kept(here))


def test_without_renames_a_full_disk_spares_what_is_there(here: Path) -> None:
    (here / "old").write_bytes(b"old")
    for target in ("old", "new"):
        with pytest.raises(OutputError, match=rf"^{target}: cannot write: No space left"):
            under_refusals(
                {**NO_RENAME, "fallocate": errno.ENOSPC},
                partial(write_bytes, target, b"content", force=True),
            )
    assert (here / "old").read_bytes() == b"old"
    assert names(here) == ["old"]


def write_beyond_the_limit(target: str) -> None:
    """Write more than a file may hold, the limit put there once the temporary file is written."""
    with contextlib.ExitStack() as limits, whole_output(target, force=True) as temporary:
        temporary.write_bytes(b"content" * 10_000)
        limits.enter_context(files_up_to(30_000))


# Without fallocate the C library makes room block by block, so that some of it is had.
@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_renames_half_a_copy_is_removed(number: int, here: Path) -> None:
    with pytest.raises(OutputError, match=r"^new: cannot write: File too large$"):
        under_refusals({**NO_RENAME, "fallocate": number}, lambda: write_beyond_the_limit("new"))
    assert names(here) == []


def test_without_renames_half_the_room_spares_what_is_there(here: Path) -> None:
    (here / "old").write_bytes(b"old")
    with pytest.raises(OutputError, match=r"^old: cannot write: File too large$"):
        under_refusals(
            {**NO_RENAME, "fallocate": errno.EOPNOTSUPP}, lambda: write_beyond_the_limit("old")
        )
    assert (here / "old").read_bytes() == b"old"
    assert names(here) == ["old"]


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_room_cannot_be_promised_the_copy_is_made(number: int, here: Path) -> None:
    (here / "a").write_bytes(b"what was there")
    under_refusals(
        {**NO_RENAME, "fallocate": number}, lambda: write_bytes("a", b"content", force=True)
    )
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
