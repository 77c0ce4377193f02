"""Stacks trained in C, held against the engine by autograd, step by step through a trainer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import torch

from sinefit.engines.reference import REFERENCE
from sinefit.engines.small_networks import SMALL_NETWORKS
from sinefit.engines.torch_engine import TORCH
from sinefit.fitting.loop import make_plan
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.trainer import Trainer
from sinefit.native import small_networks
from sinefit.native.instruction_sets import bfloat16_set
from sinefit.networks.size import NetworkSize
from tests.fitting.making import clip, globe, picture, settings, sound

from .making import CPU, PARABOLAS, draw_batch, exact, random_network, work_of, worst_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.engines.engine import EngineKind
    from sinefit.signals.signal import Signal

pytestmark = [
    pytest.mark.processor,
    pytest.mark.skipif(
        not small_networks.supported(), reason="this machine has no compiled part for it"
    ),
]

STACK = random_network(NetworkSize(2, 16, 2, 3), 3)


def trainer_of(signal: Signal, kind: EngineKind, threads: int = 1, **others: Any) -> Trainer:
    config = settings(**{"blocks": 2, "batch": 40, "threads": threads, **others})
    plan = dataclasses.replace(make_plan(signal, config), engine=kind)
    plan = dataclasses.replace(plan, precision="float32", last_precision="float32")
    return Trainer([plan], [PartSamples(signal, plan.blocks, CPU)])


def drawn(trainer: Trainer, steps: int) -> tuple[torch.Tensor, list[list[float]]]:
    """Samples that all blocks have, and factors that differ from one member to the next."""
    generator = torch.Generator().manual_seed(2)
    members = trainer.network.members
    indices = torch.randint(48, (steps, members, 40), generator=generator)
    return indices, torch.rand((steps, members), generator=generator).tolist()


def take(
    trainer: Trainer, indices: torch.Tensor, factors: Sequence[Sequence[float]]
) -> torch.Tensor:
    assert trainer.first_group == range(trainer.network.members)  # all are trained at once
    return trainer.take(trainer.first_group, indices, factors)


@pytest.mark.parametrize(
    "signal",
    [picture((24, 20), 3), sound(130, 2), clip((8, 16, 16)), globe((16, 18))],
    ids=lambda signal: signal.spec.kind,
)
@pytest.mark.parametrize("init", ["siren", "tuner", "ws", "lambert"])
def test_every_step_is_that_of_autograd(signal: Signal, init: str) -> None:
    small, plain = (trainer_of(signal, kind, init=init) for kind in (SMALL_NETWORKS, REFERENCE))
    assert small.network.members == 2**signal.spec.axes
    indices, factors = drawn(small, 8)
    for step in range(8):
        part = slice(step, step + 1)
        found, expected = (take(one, indices[part], factors[part]) for one in (small, plain))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)
        torch.testing.assert_close(small.network.values, plain.network.values, rtol=0, atol=2e-5)
    moved = small.network.values - make_plan(signal, settings(init, blocks=2)).start.values
    assert float(moved.abs().max()) > 1e-3


def test_steps_at_once_are_those_one_by_one_to_the_bit() -> None:
    signal = picture((24, 20), 3)
    at_once, one_by_one = (trainer_of(signal, SMALL_NETWORKS) for _ in range(2))
    indices, factors = drawn(at_once, 20)
    total = take(at_once, indices, factors)
    each = [
        take(one_by_one, indices[step : step + 1], factors[step : step + 1]) for step in range(20)
    ]
    torch.testing.assert_close(torch.stack(each).sum(dim=0), total)
    assert torch.equal(at_once.network.values, one_by_one.network.values)
    assert at_once.steps == one_by_one.steps == [20] * 4


def test_threads_do_not_show() -> None:
    signal = picture((24, 20), 3)
    trainers = [trainer_of(signal, SMALL_NETWORKS, threads) for threads in (1, 2, 5)]
    indices, factors = drawn(trainers[0], 20)
    losses = [take(trainer, indices, factors) for trainer in trainers]
    for trainer, sums in zip(trainers[1:], losses[1:], strict=True):
        assert torch.equal(trainer.network.values, trainers[0].network.values)
        assert torch.equal(sums, losses[0])


def test_it_serves_stacks_of_sine_networks_on_the_cpu() -> None:
    work = work_of(STACK, 40)
    assert SMALL_NETWORKS.precisions(work) == ("float32",)  # 16 is no width of tiles
    wide = work_of(random_network(NetworkSize(2, 32, 2, 3), 3), 40)
    rounds = bfloat16_set(32) is not None
    expected = ("bfloat16", "float32") if rounds else ("float32",)
    assert SMALL_NETWORKS.precisions(wide) == expected
    assert SMALL_NETWORKS.precisions(work_of(STACK, 40, points=2)) == ("float32",)
    alone = random_network(STACK.size)
    others = random_network(NetworkSize(2, 1, 1, 1), 3, family=PARABOLAS)
    for other in (
        work_of(alone, 40),
        work_of(others, 40),
        work_of(STACK, 40, device=torch.device("cuda")),
    ):
        assert SMALL_NETWORKS.precisions(other) == ()


def test_gradients_alone_are_those_of_the_engine_in_torch() -> None:
    batch = draw_batch(STACK.size, 50, STACK.members)
    losses, gradient = exact(STACK, batch)
    engine = SMALL_NETWORKS.make(STACK, work_of(STACK, 50), "float32")
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-5, atol=0)
    assert worst_error(STACK, engine.gradient, gradient) < 1e-5
    again = TORCH.make(STACK, work_of(STACK, 50), "float32")
    again.step(batch)
    assert torch.equal(engine.gradient, again.gradient)


def test_the_memory_that_it_names_is_that_of_its_threads() -> None:
    one, four = (SMALL_NETWORKS.memory(work_of(STACK, 40, threads=threads)) for threads in (1, 4))
    assert four == 4 * one > 4 * 4 * STACK.size.parameter_count
    many = random_network(STACK.size, 9)
    assert SMALL_NETWORKS.memory(work_of(many, 40, threads=1)) == one
