from __future__ import annotations

import contextlib
import errno
import subprocess
import sys
from pathlib import Path

import pytest

from sinefit.errors import OutputError
from sinefit.files import locked
from tests.refusing import under_refusals

from .making import names

resource = pytest.importorskip("resource")

HOLDER = """
import sys
from sinefit.files import locked
with locked("a"):
    print("held", flush=True)
    sys.stdin.read()
"""


def refused(target: str | Path, suffix: str = "") -> bool:
    with contextlib.suppress(OutputError), locked(target, suffix=suffix) as is_locked:
        assert is_locked
        return False
    return True


def test_one_holds_it_at_a_time_and_leaves_nothing(here: Path) -> None:
    for _ in range(2):
        with locked("a") as is_locked:
            assert is_locked
            assert refused("a")
            with pytest.raises(OutputError, match="/a: another fit is writing it: wait for that"):
                locked(here / "a").__enter__()
            assert not refused("b")
        assert names(here) == []
        assert not refused("a")


def test_it_is_that_of_the_file_whatever_its_name(here: Path) -> None:
    (here / "link").symlink_to("a.bin")
    with locked("a.bin", suffix=".bin"):
        assert refused("a", ".bin")
        assert refused("link", ".bin")
        assert not refused("link.bin", ".bin")
    with locked("x" * 200):
        assert not refused("x" * 201)


def test_a_killed_process_holds_it_no_more(here: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    assert refused("a")
    process.kill()
    process.communicate()
    (left,) = names(here)
    assert left.startswith(".a.")
    assert not refused("a")
    assert names(here) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks(number: int, here: Path) -> None:
    def hold() -> bool:
        with locked("a") as is_locked:
            return is_locked

    assert not under_refusals({"flock": number}, hold)
    assert names(here) == []


def test_a_folder_that_is_not_there(here: Path) -> None:
    with locked("missing/a") as is_locked:
        assert not is_locked
    with locked("a") as is_locked:
        assert is_locked
        for path in here.iterdir():
            path.unlink()


def test_files_are_left_for_the_work_itself(here: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as opened:
        highest = 0
        while highest < 40:  # the numbers below are all taken then
            highest = opened.enter_context(Path("/dev/null").open()).fileno()
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        for limit, can_be_locked in ((2 * highest, False), (2 * highest + 4, True)):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
            with locked("a") as is_locked:
                assert is_locked == can_be_locked
    assert names(here) == []
