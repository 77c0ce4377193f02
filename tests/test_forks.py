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
before, *works = sys.argv[1:]
field = fit(int(before) or None)
for work in works:
    if os.fork():
        os.wait()
        continue
    try:
        field.render() if work == "render" else fit(int(work) or None)
        print("done", flush=True)
    except sinefit.SettingError as error:
        print(error, flush=True)
    break
"""


def run(before: int, *works: str) -> list[str]:
    """Return what children say of their work, their parent having fitted on `before` threads.

    A work is "render" or the threads of a fit; 0 is all.
    """
    words = [sys.executable, "-c", PARENT, str(before), *works]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert not done.stderr
    return done.stdout.splitlines()


def test_threads_that_a_fork_has_left_behind_are_told_and_not_waited_for() -> None:
    *refused, alone = run(0, "0", "render", "1")
    assert len(refused) == 2
    for message in refused:
        assert message.startswith("this process was forked from one that had computed with several")
        assert "spawn" in message
    assert alone == "done"  # one thread needs none that were left behind


def test_where_none_is_left_behind_a_child_has_all() -> None:
    assert run(1, "0") == ["done"]
