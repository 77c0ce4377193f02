from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from sinefit.fields.weights_file import read_field
from sinefit.solving.registry import EQUATIONS
from tests.cli.making import fail, invoke, press_on_terminal, succeed
from tests.cli.test_inits import words

if TYPE_CHECKING:
    from pathlib import Path

TOY = ("--width", "8", "--depth", "2", "--points", "16", "--threads", "1")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_equations_are_listed() -> None:
    shown = words(succeed("solve").stdout)
    for equation in EQUATIONS.values():
        for text in (equation.name, equation.formula, equation.truth, equation.reference):
            assert words(text) in shown
    rows = json.loads(succeed("solve", "--json").stdout)["equations"]
    assert [row["name"] for row in rows] == list(EQUATIONS)


def test_it_writes_weights_and_a_picture(here: Path) -> None:
    done = succeed("solve", "heat", "--steps", "3", "--init", "lambert", *TOY)
    assert done.stdout == ""
    assert "heat: relative L2 error" in done.stderr
    assert "wrote heat.safetensors and heat.png" in done.stderr
    field = read_field(here / "heat.safetensors")
    assert (field.spec.kind, field.spec.shape) == ("array", (128, 128))
    assert field.record.initializer == "lambert"
    with Image.open(here / "heat.png") as picture:
        assert picture.format == "PNG"
    succeed("info", "heat.safetensors")
    succeed("render", "heat.safetensors", "--what", "laplacian", "-o", "bend.npy")
    succeed("render", "heat.safetensors", "--scale", "0.5", "-o", "small.npy")


def test_json() -> None:
    done = succeed("solve", "burgers", "--steps", "2", "--json", "-q", "-o", "b", *TOY)
    values = json.loads(done.stdout)
    assert values["weights"] == "b"
    assert values["picture"] == "b.png"
    assert values["equation"] == "burgers"
    assert values["relative_error"] > 0.0
    assert [check["step"] for check in values["history"]] == [0, 2]
    assert done.stderr == ""


def test_a_pipe_gets_the_weights_alone(here: Path) -> None:
    done = succeed("solve", "heat", "--steps", "2", "-q", "-o", "-", *TOY)
    assert done.stdout_bytes[8:9] == b"{"
    assert list(here.iterdir()) == []


def test_existing_files_are_told_of_before_the_work(here: Path) -> None:
    (here / "heat.png").touch()
    assert "heat.png" in fail(5, "solve", "heat", "--steps", "2", *TOY)
    assert not (here / "heat.safetensors").exists()
    succeed("solve", "heat", "--steps", "2", "--force", *TOY)


def test_what_cannot_be() -> None:
    assert "unknown equation 'heet'" in fail(2, "solve", "heet")
    assert fail(2, "solve", "heat", "--steps", "0").startswith("--steps is 0")
    assert fail(2, "solve", "heat", "--omega", "1,2,3").startswith("--omega has 3 values")
    assert fail(2, "solve", "heat", "--lr", "-1").startswith("--lr is -1")
    assert "--output" in fail(2, "solve", "heat", "--json", "-o", "-")


def test_divergence_is_a_failure_that_leaves_the_best(here: Path) -> None:
    done = invoke("solve", "heat", "--lr", "1e30", "--steps", "400", *TOY)
    assert done.exit_code == 1
    assert "lower --lr" in done.stderr
    assert (here / "heat.safetensors").exists()


def test_ctrl_c_ends_with_the_best_so_far(here: Path) -> None:
    solve = ("solve", "heat", *TOY, "--steps", "1000000")
    status, shown = press_on_terminal(*solve, cwd=here, keys=[(b"step ", b"\x03")])
    assert status == 130, shown
    assert b"Traceback" not in shown
    assert b"relative L2 error" in shown
    assert read_field(here / "heat.safetensors").spec.kind == "array"
