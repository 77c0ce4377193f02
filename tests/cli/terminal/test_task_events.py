from __future__ import annotations

import json
from typing import Any

import pytest

from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.errors import InputError


def records_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_events_of_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    with TaskEvents(Messages(progress="json"), "rendering", clock=lambda: now) as records:
        records.start(file="w", output="p")
        for tenths in range(1, 21):
            now = 100.0 + tenths / 10
            records.progress(tenths / 20)
        records.end(device="cpu")
    found = records_of(capsys.readouterr().err)
    assert {(record["file"], record["output"], record["log_version"]) for record in found} == {
        ("w", "p", 1)
    }
    assert [record["event"] for record in found] == ["start", *["progress"] * 5, "end"]
    # Half a second apart, the first at once and the last always.
    told = [(record["share"], record["seconds"]) for record in found[1:-1]]
    assert told == [(0.05, 0.1), (0.3, 0.6), (0.55, 1.1), (0.8, 1.6), (1.0, 2.0)]
    assert {record["phase"] for record in found[1:-1]} == {"rendering"}
    assert found[-1]["device"] == "cpu"


def test_a_task_that_fails_tells_why(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(InputError),
        TaskEvents(Messages(progress="json"), "rendering"),
    ):
        raise InputError("w: damaged")
    (record,) = records_of(capsys.readouterr().err)
    assert (record["event"], record["error"], record["exit"]) == ("error", "w: damaged", 3)
