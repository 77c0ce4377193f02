"""Runs a command as a small process of its own, and writes down how much memory that took at most.

On Linux a process begins with the peak of the one that started it as its own. The benchmark, which
has held a network's activations, must therefore not start what it measures itself: it starts this
file as a script, which imports next to nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(report: str, *command: str) -> int:
    """Run a command, write its peak memory in bytes to the file `report`, return its exit status.

    128 and the signal's number stand for a command that a signal ended, as in a shell.
    """
    number = os.spawnv(os.P_NOWAIT, command[0], command)
    _, status, usage = os.wait4(number, 0)
    # The BSDs, and macOS with them, count in bytes, Linux in units of 1024.
    unit = 1 if sys.platform == "darwin" else 1024
    Path(report).write_text(str(usage.ru_maxrss * unit))
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
