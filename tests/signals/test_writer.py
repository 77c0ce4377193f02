from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sinefit.errors import OutputError
from sinefit.signals.writer import check_room

resource = pytest.importorskip("resource")


def test_a_file_with_room(tmp_path: Path) -> None:
    check_room(tmp_path / "out")


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"so far")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OutputError) as raised:
            check_room(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    reason = os.strerror(errno.EFBIG)
    assert str(raised.value) == f"{path} cannot be written: {reason}; make room for it"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk() -> None:
    with pytest.raises(OutputError, match=os.strerror(errno.ENOSPC)):
        check_room(Path("/dev/full"))
