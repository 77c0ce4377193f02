from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sinefit.reproducing.registry import STUDIES

from .making import fail, make_picture, succeed
from .test_inits import words

if TYPE_CHECKING:
    from pathlib import Path


def test_all_studies_are_listed() -> None:
    shown = words(succeed("reproduce").stdout)
    for study in STUDIES.values():
        for text in (study.name, study.shows, study.paper):
            assert words(text) in shown
    rows = json.loads(succeed("reproduce", "--json").stdout)["studies"]
    assert [row["name"] for row in rows] == list(STUDIES)


def test_a_study_is_run_and_told() -> None:
    done = succeed("reproduce", "simple-variance", "--threads", "1")
    assert "simple-variance: measuring ssn" in done.stderr
    shown = words(done.stdout)
    assert "Here, scaled down: 6 sine layers of 512" in shown
    assert "layer 5" in shown
    assert "holds here: Normal weights" in shown


def test_json() -> None:
    values = json.loads(succeed("reproduce", "simple-variance", "--json", "-q").stdout)
    assert values["name"] == "simple-variance"
    assert values["full"] is False
    assert len(values["run"]["rows"]) == 5
    assert values["run"]["claims"][0]["holds"] is True


def test_what_cannot_be(tmp_path: Path) -> None:
    assert fail(2, "reproduce", "nothing").startswith("unknown study 'nothing': choose from")
    picture = make_picture(tmp_path / "a.png")
    message = fail(2, "reproduce", "last-layer", "--image", picture, "--sound", picture)
    assert "the same file" in message
    assert "does not exist" in fail(3, "reproduce", "last-layer", "--image", "missing.png")
