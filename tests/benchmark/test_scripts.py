"""The scripts beside the tests, which no test run collects: they go with the package as it is."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

from sinefit.engines.torch_engine import TORCH
from tests.fitting.making import picture

SCRIPTS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_finds_what_it_imports(path: Path) -> None:
    assert callable(runpy.run_path(str(path))["main"])


def test_the_steps_of_the_gpu_script_train() -> None:
    (path,) = [path for path in SCRIPTS if path.name == "gpu.py"]
    script = runpy.run_path(str(path))
    device, signal = torch.device("cpu"), picture()
    plan = script["plan_of"](signal, 200, device)
    losses: list[float] = []

    def make(*arguments: Any) -> Any:
        engine = TORCH.make(*arguments)

        class Kept:
            gradient = engine.gradient

            def step(self, batch: Any) -> None:
                losses.append(float(engine.step(batch)))

        return Kept()

    step = script["step_of"](signal, plan, make, recorded=False)
    assert script["rate_of"](step, plan.batch, device, seconds=0.01)() > 0
    assert losses[-1] < losses[0]
