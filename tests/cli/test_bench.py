from __future__ import annotations

import io
import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from sinefit.benchmark.settings import QUICK, STANDARD
from sinefit.benchmark.tables import table_lines
from sinefit.cli.bench import bench, lengths_for, run_and_tell
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.streams import Streams
from tests.benchmark.making import TINY, made_up

from .making import make_picture, run_on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from tests.cli.forked import Commands


def run_bench(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(bench)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_made_up(
    streams: Streams, *, quiet: bool = False, as_json: bool = False, **others: object
) -> None:
    """Tell a benchmark whose figures are made up."""

    def run(_files: list[str], _settings: object, *, tell: Callable[[str], None], **_: Any) -> Any:
        tell("peak: something")
        return made_up(**others)

    messages = Messages(streams, quiet=quiet)
    run_and_tell([], TINY, "auto", messages, as_json=as_json, run=run)


def test_a_real_run_of_a_tiny_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = make_picture(tmp_path / "photo.png")
    run_and_tell([str(photo)], TINY, "cpu", Messages(), quick=True, as_json=True)
    shown = capsys.readouterr()
    values = json.loads(shown.out)
    assert list(values)[:2] == ["json_version", "quick"]
    assert (values["json_version"], values["quick"]) == (1, True)
    (fit,) = values["fits"]
    assert fit["file"] == str(photo)
    # It went through the real command, with torch in its memory.
    assert fit["peak_memory_bytes"] > 50e6
    assert fit["seconds"] < fit["process_seconds"]
    assert values["picture"] == {"name": "photo.png", "shape": [12, 12]}
    assert "fit: " in shown.err
    assert "\x1b" not in shown.err


@pytest.mark.parametrize(("quiet", "told"), [(False, "peak: something\n"), (True, "")])
def test_tables_are_the_product_and_progress_is_not(quiet: bool, told: str) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    run_made_up(Streams(stdout=stdout, stderr=stderr), quiet=quiet)
    assert stdout.getvalue().splitlines() == list(table_lines(made_up()))
    assert stderr.getvalue() == told


def test_how_long_its_parts_take() -> None:
    assert lengths_for(quick=False, max_time=None) == STANDARD
    assert lengths_for(quick=True, max_time=None) == QUICK
    assert lengths_for(quick=True, max_time="2m") == replace(QUICK, fit_seconds=120.0)


def test_fits_that_failed_are_told_last() -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    streams = Streams(stdout=stdout, stderr=stderr)
    with pytest.raises(typer.Exit) as stop:
        run_made_up(streams, quiet=True, as_json=True, failures=(("b.png", "b.png: no"),))
    assert stop.value.exit_code == 6
    assert json.loads(stdout.getvalue())["failures"] == [{"file": "b.png", "error": "b.png: no"}]
    assert stderr.getvalue() == "sinefit: b.png could not be fitted: b.png: no\n"


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


def test_ctrl_c_ends_it_in_one_line(tmp_path: Path, forked: Commands) -> None:
    status, shown = run_on_terminal(
        *("bench", "--quick", "--device", "cpu"),
        cwd=tmp_path,
        send=signal.SIGINT,
        after=b"peak: products",
        command=forked.words,
    )
    assert status == 130
    assert shown.splitlines()[-1].endswith(b"stopped\x1b[0m")
    assert b"Traceback" not in shown
    assert list(tmp_path.iterdir()) == []
