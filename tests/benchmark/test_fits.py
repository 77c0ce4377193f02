from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sinefit.benchmark.fits import fit_file
from sinefit.errors import SinefitError

from .making import WorkClock

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORT = {
    "psnr": 30.5,
    "psnr_float": 30.75,
    "steps": 12,
    "samples_per_second": 4e5,
    "seconds": 0.5,
    "more": "ignored",
}


def command(code: str) -> Sequence[str]:
    return (sys.executable, "-c", code)


def printing(body: str = "") -> Sequence[str]:
    return command(f"import sys\n{body}\nprint({json.dumps(json.dumps(REPORT))})")


def test_the_report_of_the_command_is_taken_over(tmp_path: Path) -> None:
    kept = tmp_path / "arguments"
    body = f"open({str(kept)!r}, 'w').write('\\n'.join(sys.argv[1:]))"
    found = fit_file("a b.png", printing(body), "cpu", 2.5, WorkClock())
    assert (found.file, found.psnr, found.psnr_float) == ("a b.png", 30.5, 30.75)
    assert (found.steps, found.samples_per_second, found.seconds) == (12, 4e5, 0.5)
    name, *options, dashes, file = kept.read_text().splitlines()
    assert (name, dashes, file) == ("fit", "--", "a b.png")
    values = dict(zip(options[:4:2], options[1:4:2], strict=True))
    assert values == {"--max-time": "2.5", "--device": "cpu"}
    # The weights go to a folder that is gone afterwards.
    output = Path(options[options.index("--output") + 1])
    assert output.suffix == ".safetensors"
    assert not output.parent.exists()


def test_the_peak_memory_is_that_of_the_command_alone() -> None:
    # What this process holds, far more than a bare Python, does not count.
    held = bytearray(b"x" * 300_000_000)
    plain = fit_file("x", printing(), "cpu", 1.0, WorkClock()).peak_memory_bytes
    more = fit_file("x", printing(f"b'x' * {10**8}"), "cpu", 1.0, WorkClock()).peak_memory_bytes
    assert plain < 60e6 < len(held)
    assert 90e6 < more - plain < 110e6


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('sinefit: error: x.png holds no picture: get another')", "x.png "),
        ("import sys; sys.exit('note\\nsinefit: error: out of memory')", "x.png: out of memory"),
        ("import sys; sys.exit(4)", "x.png: exit status 4"),
        ("import os; os.kill(os.getpid(), 9)", "x.png: exit status 137"),
    ],
)
def test_a_failure_is_told_in_the_commands_own_words(code: str, message: str) -> None:
    with pytest.raises(SinefitError) as error:
        fit_file("x.png", command(code), "cpu", 1.0, WorkClock())
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_an_interruption_ends_the_process(tmp_path: Path) -> None:
    kept = tmp_path / "number"
    code = f"import os, time; open({str(kept)!r}, 'w').write(str(os.getpid())); time.sleep(100)"

    def interrupt() -> None:
        while not (kept.exists() and kept.read_text()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        fit_file("x.png", command(code), "cpu", 1.0, WorkClock())
    thread.join()
    deadline = time.monotonic() + 20
    while is_running(int(kept.read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(int(kept.read_text()))


def is_running(number: int) -> bool:
    """Tell whether a process is there and more than an entry that nobody has asked after."""
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return sys.platform != "linux"
    return state not in "ZX"
