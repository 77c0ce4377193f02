"""Forked processes, with a parent of their own: a fork of the tests would copy their threads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

PARENT = """
import os, sys
import numpy, torch, sinefit
torch.set_num_threads(2)
values = numpy.random.default_rng(0).random((200, 200))
def fit(threads):
    return sinefit.fit(values, steps=3, width=16, depth=1, device="cpu", threads=threads)
before, after = (int(word) or None for word in sys.argv[1:3])
field = fit(before)
if os.fork():
    os.wait()
else:
    try:
        field.render() if sys.argv[3] == "render" else fit(after)
        print("done", flush=True)
    except sinefit.SettingError as error:
        print(error, flush=True)
"""


def run(before: int, after: int, work: str = "fit") -> str:
    """Return what a child says of its work on `after` threads, its parent on `before`; 0 is all."""
    words = [sys.executable, "-c", PARENT, str(before), str(after), work]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert not done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("work", ["fit", "render"])
def test_threads_that_a_fork_has_left_behind_are_told_and_not_waited_for(work: str) -> None:
    message = run(before=0, after=0, work=work)
    assert message.startswith("this process was forked from one that had computed with several")
    assert "spawn" in message


@pytest.mark.parametrize(("before", "after"), [(1, 0), (0, 1)])
def test_one_thread_on_either_side_is_enough(before: int, after: int) -> None:
    assert run(before, after) == "done"
