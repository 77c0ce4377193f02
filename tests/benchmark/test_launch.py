from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sinefit.benchmark import launch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "status"), [("", 0), ("raise SystemExit(5)", 5), ("import os; os.abort()", 128 + 6)]
)
def test_the_exit_status_is_that_of_the_command(code: str, status: int, tmp_path: Path) -> None:
    report = tmp_path / "report"
    assert launch.main(str(report), sys.executable, "-c", code) == status
    assert int(report.read_text()) > 1e6


def test_as_a_script_it_loads_next_to_nothing(tmp_path: Path) -> None:
    report = tmp_path / "report"
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-X", "importtime", launch.__file__, str(report)),
            *(sys.executable, "-c", "print('its own')"),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "its own\n"
    for heavy in ("torch", "numpy", "subprocess", "sinefit"):
        assert f" {heavy}\n" not in done.stderr
    assert " pathlib\n" in done.stderr  # so the others would have been seen
