"""Stacks of very many weights: what they take in memory, and that nothing else depends on it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan
from sinefit.fitting.members import plan_members
from sinefit.fitting.report import FitStoppedError

from .making import picture, settings

if TYPE_CHECKING:
    from sinefit.fitting.report import Progress

SIGNAL = picture((64, 56), 3)
MANY: dict[str, Any] = {"blocks": (7, 6), "width": 16, "batch": 16, "budget": Budget(steps=70)}

PEAK = """
import resource, sys
import numpy as np
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import fit_signal
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.array.reading import array_signal

def run(blocks, steps):
    noise = np.random.default_rng(0).random((1024, 1), np.float32)
    config = FitConfig(parse_initializer("siren"), width=512, depth=2, blocks=(blocks,),
                       batch=128, device="cpu", threads=1, budget=Budget(steps=steps))
    return fit_signal(array_signal(noise, channels_last=True), config).field.network.values.numel()

run(2, 1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
weights = run(64, 1)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(weights, (after - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in other units")
def test_a_stack_is_held_as_values_averages_and_best_alone() -> None:
    found = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True
    ).stdout
    weights, grown = map(int, found.split())
    assert weights > 2**24
    # Four floats, and for the group that is trained its rates and a copy of what is moved.
    assert grown < 4 * 7 * weights


def weights_of(**others: Any) -> torch.Tensor:
    return fit_signal(SIGNAL, settings(**{**MANY, **others})).field.network.values


def test_neither_tables_nor_rounds_nor_threads_change_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = weights_of()
    monkeypatch.setattr("sinefit.fitting.samples.TABLE_BYTES", 0)
    monkeypatch.setattr("sinefit.fitting.turns.LONG_ROUND", 32)  # as losses are looked at
    assert torch.equal(weights_of(), expected)
    monkeypatch.setattr("sinefit.fitting.trainer.SPARSE", 0)
    assert torch.equal(weights_of(), expected)
    assert torch.equal(weights_of(threads=1), expected)


def test_blocks_are_looked_at_alike_on_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sinefit.fitting.members.LOOKED_AT_ONCE", 5)
    config = settings("siren", **MANY)
    blocks, size = config.blocks_for(SIGNAL.spec), config.size_for(SIGNAL.spec)

    def look(threads: int) -> object:
        members = plan_members(SIGNAL, config, blocks, size, steps=1, batch=16, threads=threads)
        return members.omegas, members.traits

    assert look(1) == look(3)
    expected = look(1)
    monkeypatch.setattr("sinefit.fitting.members.MANY", 42)
    monkeypatch.setattr("sinefit.fitting.members.FEW_LINES", 4)
    assert look(1) != expected


def test_the_rates_of_a_table_are_those_of_each_network() -> None:
    plan = make_plan(SIGNAL, settings("tuner", **MANY))
    start = plan.start
    rows = start.views(plan.rates.rows(start, range(3, 6)))
    for place, number in enumerate(range(3, 6)):
        for name, rate in plan.members[number].rates.by_name.items():
            expected = torch.as_tensor(rate).float().expand_as(rows[name][place])
            assert torch.equal(rows[name][place], expected)
    assert plan.rates.base == min(member.rates.base for member in plan.members)


def test_a_round_tells_how_many_blocks_have_had_their_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sinefit.fitting.fit.TELL_EVERY", 0.0)
    told: list[Progress] = []
    hooks = FitHooks(on_progress=told.append)
    config = settings(**{**MANY, "engine": "torch", "batch": 1300, "budget": Budget(steps=40)})
    config = dataclasses.replace(config, blocks=(2, 2))
    run_plan(SIGNAL, make_plan(SIGNAL, config), hooks)
    done = [progress.blocks for progress in told if progress.phase == "fitting"]
    rounds = [blocks for blocks in done if blocks is not None]
    assert rounds
    assert all(0 < some < count == 4 for some, count in rounds)
    shares = [progress.share or 0.0 for progress in told if progress.phase == "fitting"]
    assert shares == sorted(shares)


def test_a_checkpoint_of_a_stack_holds_its_memory_and_goes_on_the_same() -> None:
    config = settings(**MANY)
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with pytest.raises(FitStoppedError) as caught:
        run_plan(SIGNAL, make_plan(SIGNAL, config), FitHooks(should_stop=should_stop))
    resumed = fit_signal(SIGNAL, config, resume=caught.value.checkpoint).field
    assert torch.equal(resumed.network.values, weights_of())
    assert np.isfinite(resumed.network.values.numpy()).all()
