"""Training as a CUDA device has it, on the CPU: its engine, resident samples, recorded steps."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import torch

from sinefit.engines.cuda import CUDA
from sinefit.engines.recorded import AT_ONCE, REHEARSALS
from sinefit.fitting.loop import make_plan
from sinefit.fitting.samples import PartSamples, TrainingSamples
from sinefit.fitting.trainer import Trainer
from sinefit.signals.blocks import BlockGrid
from tests.engines.making import ScarceMemory
from tests.engines.tape import Tape

from .making import picture, settings

if TYPE_CHECKING:
    from sinefit.fitting.plan import FitPlan

CPU = torch.device("cpu")
SIGNAL = picture((30, 20), 3)


def plan_of(**others: Any) -> FitPlan:
    """A plan as for a CUDA device, in parts of 64 samples."""
    plan = make_plan(SIGNAL, settings("tuner", batch=97, **others))
    return dataclasses.replace(
        plan,
        engine=CUDA,
        precision="bfloat16",
        last_precision="float32",
        work=dataclasses.replace(plan.work, targets=64),
    )


def resident_samples() -> PartSamples:
    parts = plain_samples()
    parts.of(0).make_resident()
    return parts


def plain_samples() -> PartSamples:
    return PartSamples(SIGNAL, BlockGrid.single(SIGNAL.spec), CPU)


def trainer_of(plan: FitPlan, tape: Tape | None = None) -> Trainer:
    return Trainer([plan], [resident_samples()], tape or Tape())


def losses(trainer: Trainer, steps: int, factor: float = 1.0) -> list[float]:
    return [
        float(sums)
        for _ in range(steps)
        for _, sums in trainer.advance([trainer.steps[0] + 1], [lambda _step: factor])
    ]


def test_steps_are_recorded_and_the_fit_gets_better() -> None:
    tape = Tape()
    trainer = trainer_of(plan_of(), tape)
    found = losses(trainer, 120)
    assert sum(found[-10:]) < 0.5 * sum(found[:10])
    assert tape.events == ["rehearse"] * REHEARSALS + ["record"] * 2 + ["replay"] * 120
    assert trainer.launch_failure is None
    for _ in trainer.advance([120 + 2 * AT_ONCE + 1], [lambda _step: 1.0]):
        pass
    assert tape.events.count("replay") == 120 + 3


def test_all_is_made_and_tried_before_the_first_step() -> None:
    tape, untouched = Tape(), trainer_of(plan_of())
    trainer = trainer_of(plan_of(), tape)
    trainer.rehearse()
    assert torch.equal(trainer.network.values, untouched.network.values)
    assert trainer.steps == [0]
    for name, kept in trainer.state(range(1)).items():
        assert torch.equal(kept, untouched.state(range(1))[name])
    before = len(tape.events)
    assert losses(trainer, 8) == losses(untouched, 8)
    assert tape.events[before:] == ["replay"] * 8  # nothing was left to be made


def test_to_rehearse_before_going_on_changes_nothing() -> None:
    whole, rehearsed = trainer_of(plan_of()), trainer_of(plan_of())
    for trainer in (whole, rehearsed):
        losses(trainer, 5)
    rehearsed.rehearse()
    assert losses(rehearsed, 5) == losses(whole, 5)


def test_a_step_for_which_memory_is_short_is_taken_again_in_smaller_parts() -> None:
    expected = losses(trainer_of(plan_of()), 8)
    tape = Tape(RuntimeError("no graphs"))
    trainer = trainer_of(plan_of(), tape)
    tape.scarce_after = REHEARSALS + 3
    assert losses(trainer, 8) == pytest.approx(expected, rel=1e-3)
    assert trainer.steps == [8]
    assert trainer.piece == 32
    assert len(trainer.notices) == 2


def test_recorded_steps_are_those_of_a_plain_training() -> None:
    plan = dataclasses.replace(plan_of(), precision="float32")
    recorded = trainer_of(plan)
    plain = Trainer(
        [make_plan(SIGNAL, settings("tuner", batch=97, engine="reference"))],
        [plain_samples()],
    )
    assert losses(recorded, 12, 0.5) == pytest.approx(losses(plain, 12, 0.5), rel=1e-4)


def test_a_device_that_cannot_record_is_told_every_step_and_says_why() -> None:
    expected = losses(trainer_of(plan_of()), 8)
    trainer = trainer_of(plan_of(), Tape(RuntimeError("no graphs\nhere")))
    assert losses(trainer, 8) == expected
    assert trainer.launch_failure == "no graphs here"


def test_samples_that_are_not_resident_are_not_recorded() -> None:
    tape = Tape()
    trainer = Trainer([plan_of()], [plain_samples()], tape)
    assert losses(trainer, 8) == losses(trainer_of(plan_of()), 8)
    assert tape.events == []


@pytest.mark.parametrize("steps", [1, 20])
def test_restoring_goes_on_with_the_same_steps(steps: int) -> None:
    whole = trainer_of(plan_of())
    losses(whole, steps)
    kept = {name: tensor.clone() for name, tensor in whole.state(range(1)).items()}
    weights = whole.network.clone()
    expected = losses(whole, 15, 0.5)
    again = trainer_of(plan_of())
    losses(again, 6)  # what was recorded goes on with what is restored
    again.restore(range(1), weights, kept)
    assert losses(again, 15, 0.5) == expected


def test_refining_keeps_the_weights_and_records_anew() -> None:
    tape = Tape()
    trainer = trainer_of(plan_of(), tape)
    losses(trainer, 6)
    before = trainer.network.values.clone()
    trainer.refine()
    assert torch.equal(trainer.network.values, before)
    assert losses(trainer, 4, 0.1)[0] > 0.0
    assert not torch.equal(trainer.network.values, before)
    assert tape.events.count("record") == 2 * 2


def test_a_device_short_of_memory_gets_smaller_parts_and_the_same_steps() -> None:
    plan = plan_of()
    expected = losses(trainer_of(plan), 5)
    samples, width = resident_samples(), plan.work.size.width
    # The largest tensors are those of a part, (targets, width), and of weights (width, width).
    with ScarceMemory(width * max(width, 20)):
        trainer = Trainer([plan], [samples], Tape())
    assert trainer.piece == 16
    assert trainer.lacks_memory
    assert losses(trainer, 5) == pytest.approx(expected, rel=1e-3)


def test_a_device_without_memory_for_a_single_sample_is_an_error() -> None:
    plan, samples = plan_of(), resident_samples()
    with pytest.raises(torch.OutOfMemoryError), ScarceMemory(plan.work.size.width - 1):
        Trainer([plan], [samples], Tape())


def test_resident_samples_are_the_same_samples() -> None:
    samples = TrainingSamples(picture((1030, 1020), 1), CPU)  # more than are sent at a time
    indices = torch.randperm(samples.count)[:5000]
    indices[:2] = torch.tensor([0, samples.count - 1])
    expected = samples.batch(indices)
    samples.make_resident()
    for mine, theirs in zip(samples.batch(indices), expected, strict=True):
        assert torch.equal(mine, theirs)
