from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from sinefit.benchmark import settings, suite
from sinefit.benchmark.tables import table_lines
from sinefit.cli.bench import bench
from sinefit.errors import SinefitError
from tests.benchmark.making import TINY, made_up

from .making import make_picture, run_on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


def run_bench(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(bench)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the benchmark, which does nothing here, was asked for."""
    kept: dict[str, Any] = {}

    def run(files: list[str], lengths: object, **others: Any) -> object:
        kept.update(others, files=files, settings=lengths)
        others["tell"]("peak: something")
        return made_up(failures=kept.get("failures", ()))

    monkeypatch.setattr(suite, "run_benchmark", run)
    return kept


def test_a_real_run_of_a_tiny_benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "QUICK", TINY)
    photo = make_picture(tmp_path / "photo.png")
    result = run_bench(photo, "--quick", "--json", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    values = json.loads(result.stdout)
    assert list(values)[:2] == ["json_version", "quick"]
    assert (values["json_version"], values["quick"]) == (1, True)
    (fit,) = values["fits"]
    assert fit["file"] == str(photo)
    # It went through the real command, with torch in its memory.
    assert fit["peak_memory_bytes"] > 50e6
    assert fit["seconds"] < fit["process_seconds"]
    assert values["picture"] == {"name": "photo.png", "shape": [12, 12]}
    assert "fit: " in result.stderr
    assert "\x1b" not in result.stderr


def test_tables_are_the_product_and_progress_is_not(asked: dict[str, Any]) -> None:
    result = run_bench()
    assert result.stdout.splitlines() == list(table_lines(made_up()))
    assert result.stderr == "peak: something\n"
    assert asked["settings"] == settings.STANDARD
    assert (asked["files"], asked["device"]) == ([], "auto")
    quiet = run_bench("--quiet", "--quick", "--max-time", "2m", "--device", "cpu", "a.png")
    assert quiet.stdout == result.stdout
    assert quiet.stderr == ""
    assert asked["settings"].fit_seconds == 120.0
    assert asked["settings"].reduction == settings.QUICK.reduction
    assert (asked["files"], asked["device"]) == (["a.png"], "cpu")


def test_fits_that_failed_are_told_last(asked: dict[str, Any]) -> None:
    asked["failures"] = (("b.png", "b.png: no"),)
    result = run_bench("--json", "-q")
    assert result.exit_code == 6
    assert json.loads(result.stdout)["failures"] == [{"file": "b.png", "error": "b.png: no"}]
    assert result.stderr == "sinefit: b.png could not be fitted: b.png: no\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["missing.png"], 3),
        (["--device", "cuda:99"], 2),
        (["--device", "abacus"], 2),
        (["--max-time", "soon"], 2),
        (["--max-time", "0"], 2),
    ],
)
def test_errors_are_one_line_and_come_first(arguments: list[str], status: int) -> None:
    result = run_bench(*arguments)
    assert result.exit_code == status
    (line,) = result.stderr.splitlines()
    assert line.startswith("sinefit: error: ")
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (SinefitError("it diverged"), 1)]
)
def test_an_end_before_the_end(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: object, **_others: object) -> None:
        raise error

    monkeypatch.setattr(settings, "QUICK", TINY)
    monkeypatch.setattr(suite, "run_race", stop)
    result = run_bench("--quick", "--device", "cpu")
    assert result.exit_code == status
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("sinefit: error: ")


def test_ctrl_c_ends_it_in_one_line(tmp_path: Path) -> None:
    status, shown = run_on_terminal(
        *("bench", "--quick", "--device", "cpu"),
        cwd=tmp_path,
        send=signal.SIGINT,
        after=b"peak: products",
    )
    assert status == 130
    assert shown.splitlines()[-1].endswith(b"stopped\x1b[0m")
    assert b"Traceback" not in shown
    assert list(tmp_path.iterdir()) == []
