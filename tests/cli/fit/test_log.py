from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sinefit.cli.fit.log import open_log
from sinefit.cli.terminal.messages import Messages
from tests.cli.making import TINY, invoke, make_picture, succeed
from tests.cli.stops import BRIEF


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_without_a_log_and_a_machine_nothing_is_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_log(None, Messages()) as tell:
        assert tell is None
    assert capsys.readouterr().err == ""


def test_a_log_and_standard_error_have_the_same_events(here: Path) -> None:
    options = (*BRIEF, "--progress", "json", "--log", "log")
    result = invoke("fit", "photo.png", "missing.png", *options)
    assert result.exit_code == 6
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    errors = [line for line in lines if not line.startswith("{")]
    # Errors are told to people in any case.
    assert errors == ["sinefit: error: missing.png does not exist: check the name"]
    shown = [json.loads(line) for line in lines if line.startswith("{")]
    told = [record for record in shown if record["event"] not in ("message", "note")]
    logged = objects(Path("log").read_text())
    assert [record["event"] for record in logged] == [
        *("start", *["progress"] * 4, "end"),
        *("start", "error"),
    ]

    def untimed(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in record.items() if key not in ("time", "elapsed")}
            for record in records
        ]

    assert untimed(told) == untimed(logged)
    messages = [record["message"] for record in shown if record["event"] == "message"]
    assert any("dB PSNR as saved" in message for message in messages)
    assert messages[-1] == "  missing.png does not exist: check the name"


def test_a_render_and_a_comparison_tell_their_progress(here: Path) -> None:
    succeed("fit", "photo.png", *TINY, "-q")
    weights = "photo.safetensors"
    result = succeed("render", weights, "-o", "x.png", "--progress", "json")
    records = [r for r in objects(result.stderr) if r["event"] != "message"]
    assert [record["event"] for record in records] == ["start", "progress", "end"]
    assert {(record["file"], record["output"], record["format"]) for record in records} == {
        (weights, "x.png", "png")
    }
    assert (records[1]["phase"], records[1]["share"]) == ("rendering", 1.0)
    assert records[2]["device"] in ("cpu", "cuda", "mps")
    result = succeed("eval", weights, "photo.png", "--progress", "json", "--json")
    records = [r for r in objects(result.stderr) if r["event"] != "message"]
    assert {(record["file"], record["original"]) for record in records} == {(weights, "photo.png")}
    assert [record["event"] for record in (records[0], records[-1])] == ["start", "end"]
    shares = [record["share"] for record in records[1:-1]]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {record["phase"] for record in records[1:-1]} == {"comparing"}
    assert records[-1]["psnr"] == json.loads(result.stdout)["psnr"]


@pytest.mark.parametrize("command", [("render",), ("eval", "photo.png")])
def test_a_failure_is_recorded_and_told(command: tuple[str, ...], here: Path) -> None:
    name, *rest = command
    result = invoke(name, "missing.safetensors", *rest, "--progress", "json")
    assert result.exit_code == 3
    *records, error = result.stderr.splitlines()
    last = json.loads(records[-1])
    assert (last["event"], last["exit"]) == ("error", 3)
    assert error == f"sinefit: error: {last['error']}"


@pytest.mark.parametrize("command", ["fit", "render", "eval"])
def test_a_way_that_there_is_not(command: str, here: Path) -> None:
    result = invoke(command, "photo.png", "photo.png", "--progress", "xml")
    assert result.exit_code == 2
    assert "--progress" in result.stderr
