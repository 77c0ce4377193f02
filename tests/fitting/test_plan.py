from __future__ import annotations

import dataclasses
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.engines.native import NativeEngine
from sinefit.engines.registry import choose_engine
from sinefit.errors import InputError, MemoryLimitError, SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.defaults import default_steps
from sinefit.fitting.fit import Fit
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan
from sinefit.fitting.machine import Machine, machine_for
from sinefit.fitting.plan import plan_fit
from sinefit.fitting.report import FitStoppedError
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.shape_plan import COPIES
from sinefit.fitting.trainer import Trainer
from sinefit.initializers.registry import INITIALIZERS
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize
from sinefit.signals.signal import Signal
from tests.engines.making import held_bytes

from .making import clip, even_picture, globe, picture, settings, sound

if TYPE_CHECKING:
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.plan import FitPlan

CPU = Machine(torch.device("cpu"), 1)


def plain(value: Any) -> Any:
    """A plan or a part of it in types that compare by what they hold."""
    if isinstance(value, Network):
        return value.family, value.size, value.values.tolist()
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value))
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if hasattr(value, "items"):
        return {name: plain(part) for name, part in value.items()}
    if type(value).__module__.startswith("sinefit") and hasattr(value, "__dict__"):
        return plain(vars(value))
    return value


@pytest.mark.parametrize("init", INITIALIZERS)
def test_equal_arguments_give_equal_plans(init: str) -> None:
    signal, config = picture(), settings(init, seed=7)
    torch.manual_seed(1)
    first = plan_fit(signal, config, CPU)
    torch.manual_seed(2)
    again = plan_fit(signal, config, CPU)
    assert plain(again) == plain(first)
    assert torch.equal(again.start.values, first.start.values)
    other = plan_fit(signal, dataclasses.replace(config, seed=8), CPU)
    assert not torch.equal(other.start.values, first.start.values)


@pytest.mark.parametrize("start_from", [False, True])
def test_carrying_out_a_plan_changes_nothing_of_it(start_from: bool) -> None:
    signal, config = picture(), settings("tuner")
    earlier = fit_signal(signal, config).field if start_from else None
    kept = None if earlier is None else earlier.network.values.clone()
    plan = make_plan(signal, config, start_from=earlier)
    before = plain(plan)
    results = [run_plan(signal, plan, FitHooks()).field for _ in range(2)]
    assert plain(plan) == before
    assert torch.equal(results[0].network.values, results[1].network.values)
    assert not torch.equal(results[0].network.values, plan.start.values)
    if earlier is not None and kept is not None:
        assert torch.equal(earlier.network.values, kept)
        # Nor does what its caller does to the field later.
        earlier.network.values.zero_()
        assert plain(plan) == before


@pytest.mark.parametrize("signal", [picture(), sound(300, 2), clip(), globe()])
def test_everything_is_decided_before_the_first_step(signal: Signal) -> None:
    config = settings(width=None, budget=None)
    plan = make_plan(signal, config)
    spec = signal.spec
    assert plan.start.size == config.size_for(spec) == plan.work.size
    assert plan.start.members == plan.work.members == 1
    assert plan.budget == Budget(steps=default_steps(spec, 1))
    assert plan.steps == default_steps(spec, 1)
    assert plan.batch == min(256, spec.sample_count)
    assert len(plan.omega) == spec.coordinate_features
    assert len(plan.members) == plan.blocks.count == 1
    assert plan.members[0].rates.by_name.keys() == plan.start.parameters.keys()
    assert not plan.continued


@pytest.mark.processor
@pytest.mark.parametrize("name", ["auto", "torch", "reference"])
def test_the_engine_is_the_one_asked_for_or_the_fastest(name: str) -> None:
    plan = make_plan(picture(), settings(engine=name, width=32))
    assert plan.engine.name == (choose_engine(plan.work).name if name == "auto" else name)
    precisions = plan.engine.precisions(plan.work)
    assert (plan.precision, plan.last_precision) == (precisions[0], precisions[-1])


def test_other_threads_are_those_of_the_engine_too() -> None:
    plan = make_plan(picture(), settings(threads=1)).on_threads(2)
    assert (plan.machine.threads, plan.work.threads) == (2, 2)


def test_a_signal_without_samples_is_refused() -> None:
    spec = dataclasses.replace(sound().spec, shape=(0,), source="silence.wav")
    with pytest.raises(InputError, match=r"silence\.wav: it has no samples"):
        make_plan(Signal(spec, np.zeros((0, 1), np.float32)), settings())


def test_weights_that_a_type_cannot_hold_are_refused() -> None:
    config = settings(omega=(1e6,), dtype="float16")
    with pytest.raises(SettingError, match="`dtype` is float16"):
        make_plan(picture(), config)
    assert make_plan(picture(), dataclasses.replace(config, dtype="bfloat16"))


@pytest.mark.parametrize("other", [picture(channels=3), sound(), clip()])
def test_a_field_of_another_kind_is_refused(other: Signal) -> None:
    earlier = fit_signal(picture((10, 12)), settings(budget=Budget(steps=1))).field
    assert make_plan(picture((20, 24)), settings(), start_from=earlier).continued
    with pytest.raises(
        SettingError, match="`start_from` holds a field of 2 coordinates and 1 channels"
    ):
        make_plan(other, settings(), start_from=earlier)


def stopped(signal: Signal, plan: FitPlan) -> Checkpoint:
    with pytest.raises(FitStoppedError) as caught:
        run_plan(signal, plan, FitHooks(should_stop=lambda: True))
    return caught.value.checkpoint


def test_a_fit_that_goes_on_continues_another_only_if_it_did() -> None:
    signal, config = picture(), settings()
    fresh = stopped(signal, make_plan(signal, config))
    assert not make_plan(signal, config, resume=fresh).continued
    earlier = fit_signal(signal, config).field
    going_on = make_plan(signal, config, start_from=earlier)
    assert going_on.continued
    later = stopped(signal, going_on)
    assert make_plan(signal, later.config, resume=later).continued


@pytest.mark.parametrize("rate", [None, 0.5])
@pytest.mark.parametrize("name", ["siren", "tuner", "winner", "torch"])
def test_the_rate_that_is_advised_against_is_one_that_matters(
    name: str, rate: float | None
) -> None:
    config = settings(name, learning_rate=rate, depth=3)
    rates = make_plan(picture(), config).members[0].rates
    lower = dataclasses.replace(config, learning_rate=rates.base * 0.999)
    slower = make_plan(picture(), lower).members[0].rates
    assert all(a < b for a, b in zip(slower.by_layer, rates.by_layer, strict=True))
    assert rate is None or rates.base == pytest.approx(rate)


def test_bounded_columns_keep_their_bounds_on_a_signal_of_another_size() -> None:
    tiny, large = picture((4, 5)), picture((150, 120))
    drawn = settings("tuner", width=60, learning_rate=1e-9, blocks=1, budget=Budget(steps=1))
    # All frequencies of the tiny picture are low ones, 17 of the large one's are high.
    field = fit_signal(tiny, drawn).field
    after = fit_signal(large, drawn, start_from=field).field
    # A column held within the bound of another frequency would lose the weights above it.
    torch.testing.assert_close(after.network.values, field.network.values, rtol=0, atol=1e-6)

    field = fit_signal(large, drawn).field
    bounds = make_plan(tiny, drawn, start_from=field).members[0].rules.bounds["layers.1.weight"]
    first = field.network.parameters["layers.0.weight"][0]
    is_high = first.abs().amax(dim=1) > 10.5 * math.pi / 2
    assert int(is_high.sum()) == 17
    assert isinstance(bounds, torch.Tensor)
    assert torch.equal(bounds == 0.6, is_high)


@pytest.mark.processor
@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_the_memory_that_is_checked_is_what_a_fit_holds(engine: str) -> None:
    signal = picture((40, 40), 3)
    # A recipe that bounds weights, which have to be held too.
    config = settings("tuner", width=64, depth=3, batch=512, engine=engine)
    plan = make_plan(signal, config)
    trainer = Trainer([plan], [PartSamples(signal, plan.blocks, plan.machine.device)])
    fit = Fit(signal, plan, trainer, FitHooks())
    trainer.take(trainer.first_group, torch.arange(512).view(1, 1, -1), [[1.0]])
    actual = held_bytes([fit, trainer])
    trained_by = trainer.engine
    if isinstance(trained_by, NativeEngine):
        actual += trained_by._network.bytes
    estimate = 4 * COPIES * plan.start.values.numel() + plan.engine.memory(plan.work)
    assert actual > estimate / 5  # the walk has found the tensors
    assert actual <= estimate


def test_a_network_that_memory_cannot_hold_is_refused_with_the_figures() -> None:
    with pytest.raises(MemoryLimitError, match="a network of width 1000000") as caught:
        make_plan(picture(), settings(width=10**6))
    needs = re.search(r"depth 2 needs ([\d.]+) GB to train", str(caught.value))
    assert needs is not None
    # The start, the weights, the best, gradients, two averages, rates and a copy, of four bytes; in
    # C gradients of four parts, and copies for both ways through.
    gigabytes = 4e-9 * NetworkSize(2, 10**6, 2, 1).parameter_count
    assert 8 * gigabytes < float(needs[1]) < 19 * gigabytes
    assert "GB are free: take a smaller `width`" in str(caught.value)


def test_a_machine_has_the_threads_asked_for_or_those_of_the_process() -> None:
    assert machine_for(settings(threads=1)).threads == 1
    assert machine_for(settings()).threads == torch.get_num_threads()
    assert make_plan(even_picture(3), settings(threads=1)).work.threads == 1
