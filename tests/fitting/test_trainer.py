from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.fitting.loop import make_plan
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.trainer import Trainer

from .making import picture, settings
from .stubs import StubKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.plan import FitPlan
    from sinefit.signals.signal import Signal

CPU = torch.device("cpu")
SIGNAL = picture((30, 20), 3)


def trainer_of(*plans: FitPlan, signals: Sequence[Signal] | None = None) -> Trainer:
    """A trainer of plans, all of one signal unless told otherwise."""
    chosen = signals or [SIGNAL] * len(plans)
    samples = [
        PartSamples(signal, plan.blocks, CPU) for signal, plan in zip(chosen, plans, strict=True)
    ]
    return Trainer(plans, samples)


def take(trainer: Trainer, factors: Sequence[float]) -> list[float]:
    """Take a step at each factor, the same for all members; return their sums of losses."""
    begin, sums = trainer.steps[0], [0.0] * trainer.network.members
    goals = [steps + len(factors) for steps in trainer.steps]
    for places, found in trainer.advance(goals, [lambda step: factors[step - begin]] * len(sums)):
        sums[places.start : places.stop] = found.tolist()
    return sums


def losses(trainer: Trainer, steps: int, factor: float = 1.0) -> list[list[float]]:
    """The members' losses of so many steps."""
    return [take(trainer, [factor]) for _ in range(steps)]


@pytest.mark.parametrize("steps", [0, 1, 20])
def test_restoring_goes_on_with_the_same_steps(steps: int) -> None:
    plan = make_plan(SIGNAL, settings("tuner", batch=97))
    whole = trainer_of(plan)
    losses(whole, steps)
    kept = {name: tensor.clone() for name, tensor in whole.state(range(1)).items()}
    weights = whole.network.clone()
    expected = losses(whole, 15, 0.5)
    again = trainer_of(plan)
    again.restore(range(1), weights, kept)
    assert losses(again, 15, 0.5) == expected


def test_the_state_is_all_that_weights_do_not_tell() -> None:
    plan = make_plan(SIGNAL, settings(batch=97))
    first, second = trainer_of(plan), trainer_of(plan)
    losses(first, 9)
    # With the weights but no state the next losses differ.
    second.restore(range(1), first.network, second.state(range(1)))
    assert losses(first, 3) != losses(second, 3)


def test_steps_at_once_are_those_one_by_one() -> None:
    plan = make_plan(SIGNAL, settings(batch=97))
    factors = [0.1, 0.7, 1.0, 0.4, 0.2]
    at_once, one_by_one = trainer_of(plan), trainer_of(plan)
    total = take(at_once, factors)
    assert total == pytest.approx([sum(take(one_by_one, [each])[0] for each in factors)])
    assert torch.equal(at_once.network.values, one_by_one.network.values)


def test_the_rate_of_a_step_is_its_factor_s_share() -> None:
    plan = make_plan(SIGNAL, settings(learning_rate=1e-3))
    trainer = trainer_of(plan)
    take(trainer, [0.25])
    # Adam's first step moves every weight by its rate, be it one for all or one per column.
    moved = trainer.network.views((trainer.network.values - plan.start.values).abs())
    for name, rate in plan.members[0].rates.by_name.items():
        expected = 0.25 * torch.as_tensor(rate).float().expand_as(moved[name])
        torch.testing.assert_close(moved[name], expected, rtol=0.02, atol=1e-7)


@pytest.mark.parametrize(
    "scarce",
    [StubKind(room=100), StubKind(room_to_step=100), StubKind(room=200, room_to_step=100)],
)
def test_a_device_without_memory_gets_smaller_pieces_and_the_same_steps(
    scarce: StubKind,
) -> None:
    plan = make_plan(SIGNAL, settings(batch=300))
    ample, little = (trainer_of(kind.takes(plan)) for kind in (StubKind(), scarce))
    for _ in range(20):
        assert take(little, [0.1]) == pytest.approx(take(ample, [0.1]))
    torch.testing.assert_close(little.network.values, ample.network.values, rtol=0, atol=1e-5)
    assert (ample.piece, ample.lacks_memory) == (300, False)
    assert (little.piece, little.lacks_memory) == (75, True)


@pytest.mark.parametrize(
    "kind",
    [
        StubKind(room=0.5),
        StubKind(room_to_step=0.5),
        # To these the whole batch is one part.
        StubKind(room=100, in_parts=False),
        StubKind(room_to_step=100, in_parts=False),
    ],
)
def test_memory_that_never_suffices_is_an_error(kind: StubKind) -> None:
    plan = kind.takes(make_plan(SIGNAL, settings(batch=300)))
    with pytest.raises(torch.OutOfMemoryError):
        take(trainer_of(plan), [1.0])


def test_refined_steps_are_taken_in_the_last_precision() -> None:
    kind = StubKind()
    trainer = trainer_of(kind.takes(make_plan(SIGNAL, settings())))
    take(trainer, [1.0] * 3)
    for _ in range(2):
        trainer.refine()
        take(trainer, [1.0] * 2)
    assert kind.steps == ["bfloat16"] * 3 + ["float32"] * 4


@pytest.mark.parametrize("own", [True, False])
def test_threads_of_torch_stand_aside_only_for_those_of_an_engine(own: bool) -> None:
    seen = []
    kind = StubKind(lambda *_: seen.append(torch.get_num_threads()))
    kind.has_own_threads = own
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        take(trainer_of(kind.takes(make_plan(SIGNAL, settings()))), [1.0])
        assert seen == [1 if own else 2]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def stack_settings(seed: int) -> FitConfig:
    return settings(seed=seed, batch=97, engine="torch")


def test_those_that_stay_in_a_stack_go_on_as_if_none_had_left() -> None:
    signals = [picture((30, 20), 3, seed=seed) for seed in range(3)]
    plans = [make_plan(signal, stack_settings(seed)) for seed, signal in enumerate(signals)]
    whole, parted = (trainer_of(*plans, signals=signals) for _ in range(2))
    for one in (whole, parted):
        losses(one, 12)
    parted.leave([1])
    assert parted.network.members == 2
    torch.testing.assert_close(parted.network.values, whole.network.values[[0, 2]])
    for stays, all_of_them in zip(losses(parted, 10, 0.2), losses(whole, 10, 0.2), strict=True):
        assert stays == pytest.approx([all_of_them[0], all_of_them[2]], rel=1e-3)


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_a_block_that_is_put_back_goes_on_slower_and_the_others_as_before(engine: str) -> None:
    plan = make_plan(SIGNAL, settings(blocks=2, batch=97, engine=engine))
    whole, parted = trainer_of(plan), trainer_of(plan)
    for one in (whole, parted):
        losses(one, 12)
    rows = plan.start.values[[2]]
    parted.put_back([2], rows)
    assert torch.equal(parted.network.values[2], rows[0])
    state = {name: tensor.clone() for name, tensor in parted.state(range(4)).items()}
    weights = parted.network.clone()
    for one in (whole, parted):
        losses(one, 10, 0.3)
    assert (parted.network.values == whole.network.values).all(dim=1).tolist() == [
        True,
        True,
        False,
        True,
    ]
    again = trainer_of(plan)
    again.restore(range(4), weights, state)
    losses(again, 10, 0.3)
    assert torch.equal(again.network.values, parted.network.values)


def test_a_stack_works_on_fewer_samples_of_each_without_lacking_memory() -> None:
    plans = [make_plan(SIGNAL, stack_settings(seed)) for seed in range(50)]
    trainer = trainer_of(*plans)
    assert trainer.piece == 4096 // 50
    assert not trainer.lacks_memory
