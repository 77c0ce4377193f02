from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import sinefit
from sinefit.fitting.gradient_quality import gradient_psnr
from tests.cli.making import ENVIRONMENT, succeed
from tests.fitting.making import picture

if TYPE_CHECKING:
    from sinefit.comparing.results import Comparison

LAKE = Path(__file__).parents[2] / "samples/lake.png"
SMALL: dict[str, Any] = {
    "width": 16,
    "batch": 256,
    "device": "cpu",
    "threads": 1,
    "selection": sinefit.Selection(downsample=8),
}
GRID: dict[str, Any] = {**SMALL, "init": ["siren", "lambert"], "network": "finer", "depth": [2, 3]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    return sinefit.compare(LAKE, seeds=2, steps=60, holdout="10%", folder=folder, **GRID)


def test_every_cell_is_fitted_and_scored(found: Comparison) -> None:
    assert found.is_whole
    assert len(found.cells) == found.planned == 12
    assert len(found.rows) == 6
    for cell in found.cells:
        assert (cell.steps, cell.ended_by, cell.width) == (60, "steps", 16)
        assert cell.psnr is not None
        assert cell.psnr_holdout is not None
        assert cell.psnr_gradient is not None
        assert 0.0 < (cell.ssim or 0.0) < 1.0
        assert cell.curve[-1][0] == 50


def test_a_cell_s_figures_are_those_of_its_weights(found: Comparison) -> None:
    signal = sinefit.read_signal(str(LAKE), selection=SMALL["selection"])
    for cell in found.cells[:3]:
        field = sinefit.load(cell.weights)
        assert cell.parameters == field.network.values.numel()
        assert (cell.psnr, cell.psnr_holdout) == (field.record.psnr, field.record.psnr_holdout)
        assert cell.ssim == pytest.approx(sinefit.evaluate(field, signal)["ssim"])
        config = sinefit.FitConfig(holdout="10%")  # type: ignore[arg-type]
        assert cell.psnr_gradient == pytest.approx(gradient_psnr(field, signal, config.holdout))
        alone = sinefit.fit(
            signal,
            init=cell.init,
            width=16,
            depth=cell.depth,
            batch=256,
            steps=60,
            seed=cell.seed,
            holdout="10%",
            blocks=1,
            device="cpu",
            threads=1,
        )
        assert alone.record == field.record


def test_what_is_done_is_not_fitted_again(
    found: Comparison, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    told: list[str] = []
    again = sinefit.compare(
        LAKE,
        seeds=2,
        steps=60,
        holdout="10%",
        folder=folder,
        on_progress=lambda cell, _: told.append(cell.label),
        **GRID,
    )
    assert again == found
    assert told == []
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_other_settings_are_other_cells(found: Comparison, folder: Path) -> None:
    other = sinefit.compare(
        LAKE, seeds=[1], steps=20, folder=folder, **{**SMALL, "init": "siren", "depth": 2}
    )
    (cell,) = other.cells
    assert cell.weights not in {one.weights for one in found.cells}
    assert (cell.seed, cell.psnr_holdout) == (1, None)
    assert cell.psnr_gradient is not None


def test_a_cell_that_fails_leaves_the_others(tmp_path: Path) -> None:
    """Half precision holds no weights of a million."""
    found = sinefit.compare(
        LAKE,
        seeds=1,
        steps=5,
        folder=tmp_path,
        **{**SMALL, "omega": ["1e6", "20"], "depth": 2, "dtype": "float16"},
    )
    assert found.is_whole
    assert [cell.omega for cell in found.cells] == ["20"]
    (failure,) = found.failures
    assert "omega 1e+06" in failure.label
    assert "`dtype` is float16: it cannot hold weights of " in str(failure.error)


def test_a_stop_leaves_a_checkpoint_and_the_call_goes_on(tmp_path: Path) -> None:
    settings: dict[str, Any] = {**SMALL, "init": ["siren", "lambert"], "depth": 3}
    whole = sinefit.compare(LAKE, seeds=1, steps=300, folder=tmp_path / "whole", **settings)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    stopped = sinefit.compare(
        LAKE, seeds=1, steps=300, folder=tmp_path / "other", should_stop=stop, **settings
    )
    assert not stopped.is_whole
    assert len(list((tmp_path / "other").glob("*.ckpt.safetensors"))) == 1
    begun: list[int] = []
    resumed = sinefit.compare(
        LAKE,
        seeds=1,
        steps=300,
        folder=tmp_path / "other",
        on_progress=lambda _, progress: begun.append(progress.step),
        **settings,
    )
    assert figures(resumed) == figures(whole)
    assert min(begun) > 0
    for one, other in zip(resumed.cells, whole.cells, strict=True):
        assert [step for step, *_ in one.curve] == [step for step, *_ in other.curve]
        np.testing.assert_allclose(
            [psnr for *_, psnr in one.curve], [psnr for *_, psnr in other.curve], rtol=1e-6
        )


def figures(found: Comparison) -> list[tuple[float | None, ...]]:
    return [(one.psnr, one.psnr_gradient, one.ssim, one.steps) for one in found.cells]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no such signal")
def test_a_killed_comparison_goes_on_without_fitting_its_cells_again(tmp_path: Path) -> None:
    words = f"""compare {LAKE} --init siren,lambert --depth 3 --width 16 --batch 256 --steps 1000
        --seeds 2 --downsample 8 --device cpu --threads 1 --checkpoint-every 0.05s -O {tmp_path} -q
        --json""".split()
    command = [sys.executable, "-m", "sinefit", *words]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline and process.poll() is None:
            done = [
                path for path in tmp_path.glob("*.json") if not path.name.endswith(".part.json")
            ]
            if done and list(tmp_path.glob("*.ckpt.safetensors")):
                break
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in done}
    assert 1 <= len(kept) < 4
    cells = json.loads(succeed(*words).stdout)["cells"]
    assert len(cells) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not list(tmp_path.glob("*.ckpt.safetensors"))
    assert not list(tmp_path.glob("*.part.json"))
    for cell in cells:
        steps = [step for step, *_ in cell["curve"]]
        assert steps == sorted(set(steps))
        assert cell["steps"] == 1000


def test_schemes_are_told_apart_on_a_picture(tmp_path: Path) -> None:
    """`torch`'s start, whose gradients shrink from layer to layer, is a negative control."""
    found = sinefit.compare(
        LAKE,
        seeds=2,
        steps=250,
        folder=tmp_path,
        **{**SMALL, "init": ["torch", "siren"], "depth": 6},
    )
    worse, better = found.rows
    assert (worse.first.init, better.first.init) == ("torch", "siren")
    for figure, margin in (("psnr", 3.0), ("ssim", 0.1)):
        low, high = worse.mean(figure), better.mean(figure)
        assert low is not None
        assert high is not None
        assert high - low > margin
        spread = max(worse.spread(figure) or 0.0, better.spread(figure) or 0.0)
        assert high - low > 3.0 * spread
    assert "psnr" in found.best(better)


def test_a_damaged_record_is_told_by_its_name(
    found: Comparison, folder: Path, tmp_path: Path
) -> None:
    sinefit.compare(picture_file(tmp_path), seeds=1, steps=5, folder=tmp_path, width=8, depth=2)
    (record,) = tmp_path.glob("*.json")
    record.write_text('{"version": 1}')
    again = sinefit.compare(
        picture_file(tmp_path), seeds=1, steps=5, folder=tmp_path, width=8, depth=2
    )
    (failure,) = again.failures
    assert (
        str(failure.error)
        == f"{record}: no record of this sinefit, or damaged: remove it to fit again"
    )


def picture_file(folder: Path) -> Path:
    path = folder / "small.png"
    sinefit.write(dataclasses.replace(picture()), path, force=True)
    return path


def test_a_diverged_cell_has_the_figures_of_its_best_weights(tmp_path: Path) -> None:
    found = sinefit.compare(
        picture_file(tmp_path),
        seeds=1,
        steps=600,
        folder=tmp_path,
        width=8,
        depth=2,
        learning_rate=[1e-3, 1e9],
    )
    fine, diverged = found.cells
    assert (fine.ended_by, diverged.ended_by) == ("steps", "divergence")
    assert diverged.psnr is not None
    assert diverged.settings == ("lr 1e+09",)
