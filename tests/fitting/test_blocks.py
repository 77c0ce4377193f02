"""Fits of signals in blocks: what each depends on, how they are stopped, and what they reach."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.engines.adam import Adam, bounds_of, rows_of
from sinefit.engines.objective import Batch
from sinefit.engines.reference import REFERENCE
from sinefit.engines.small_networks import SMALL_NETWORKS
from sinefit.engines.torch_engine import TORCH
from sinefit.errors import SettingError
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.fit import Fit
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan, train
from sinefit.fitting.orders import EpochOrder
from sinefit.fitting.report import FitNotMeasuredError, FitStoppedError
from sinefit.fitting.samples import PartSamples, TrainingSamples
from sinefit.fitting.schedule import rate_factor
from sinefit.fitting.together import fit_together
from sinefit.fitting.trainer import Trainer
from sinefit.fitting.turns import ROUND
from sinefit.native import small_networks
from sinefit.signals.array.reading import array_signal
from sinefit.signals.signal import Signal

from .making import STILL, clip, decibels, globe, outputs_of, picture, reached, settings, sound
from .stubs import SLOW, Clock, StubKind

if TYPE_CHECKING:
    from sinefit.engines.engine import EngineKind
    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.networks.network import Network

    from .making import Values

ROWS, COLUMNS = 96, 128
pytestmark = pytest.mark.processor

LARGE: dict[str, Any] = {"blocks": "4x3", "width": None, "depth": 4, "batch": None}
"""Settings of a fit of few blocks, as they are usual."""
MANY: dict[str, Any] = {"blocks": "8x6", "batch": 200, "budget": Budget(steps=40)}
"""Settings of one of more blocks than any engine trains at a time."""


def scene() -> Signal:
    """A picture of clouds with edges, such as photographs have."""
    clouds = picture((ROWS, COLUMNS), 3)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    samples = clouds.samples.copy()
    samples[(y - 40) ** 2 + (x - 50) ** 2 < 500] = (200, 60, 30)
    samples[(x > 90) & (y > x - 60)] = 240
    return Signal(clouds.spec, samples)


SCENE = scene()


@pytest.fixture(scope="module")
def fitted() -> FitResult:
    return fit_signal(SCENE, settings(**LARGE, budget=Budget(steps=800)))


def share(distance: Values, margin: int) -> Values:
    """What rises from 0 a margin before an edge to 1 a margin behind it, as a raised cosine."""
    return np.where(
        np.abs(distance) < margin,
        (1 + np.sin(np.pi / 2 * distance / max(margin, 1))) / 2,
        (distance > 0).astype(float),
    )


def blended(field: Field) -> Values:
    """A field of blocks on its signal's grid, by formulas of the tests alone."""
    spec, blocks = field.spec, field.blocks
    whole = np.zeros((*spec.shape, spec.channels))
    for number in range(blocks.count):
        places = [int(place) for place in np.unravel_index(number, blocks.counts)]
        begins: list[int] = []
        ends: list[int] = []
        windows: list[Values] = []
        for size, count, margin, place in zip(
            spec.shape, blocks.counts, blocks.margins, places, strict=True
        ):
            first, last = place * size // count, (place + 1) * size // count
            begin = max(0, first - margin)
            end = min(size, last + margin)
            centres = np.arange(begin, end) + 0.5
            window = np.ones(end - begin)
            if place > 0:
                window *= share(centres - first, margin)
            if place < count - 1:
                window *= 1 - share(centres - last, margin)
            begins, ends, windows = [*begins, begin], [*ends, end], [*windows, window]
        shape = tuple(end - begin for begin, end in zip(begins, ends, strict=True))
        part = outputs_of(field.network.member(number), spec.with_shape(shape))
        for axis, window in enumerate(windows):
            part *= window.reshape([-1 if axis == other else 1 for other in range(spec.axes + 1)])
        index = tuple(slice(begin, end) for begin, end in zip(begins, ends, strict=True))
        whole[index] += part
    return whole


def test_a_picture_in_blocks_is_fitted_well(fitted: FitResult) -> None:
    values = (blended(fitted.field) + 1) / 2 * 255
    truth = SCENE.samples.astype(np.float64)
    record = fitted.report.record
    assert record.psnr_float == pytest.approx(decibels(values - truth, 255), abs=0.01)
    stored = np.clip(np.rint(values), 0, 255)
    assert record.psnr == pytest.approx(decibels(stored - truth, 255), abs=0.01)
    assert reached(fitted) > 30.0
    assert (record.steps, record.psnr_samples) == (800, ROWS * COLUMNS)
    assert fitted.report.ended_by == "steps"


def test_the_field_of_a_fit_in_blocks_is_kept_in_a_file(fitted: FitResult) -> None:
    field = fitted.field
    assert field.blocks.counts == (3, 4)
    assert fitted.report.dtype == "float16"
    again = decode_field(encode_field(field, torch.float16), "name")
    assert torch.equal(again.network.values, field.network.values)
    assert (again.blocks, again.record, again.spec) == (field.blocks, field.record, field.spec)
    np.testing.assert_array_equal(again.render().samples, field.render().samples)
    rounded = np.clip(np.rint((blended(field) + 1) / 2 * 255), 0, 255)
    assert float(np.abs(rounded - field.render().samples.astype(np.float64)).max()) <= 1


def test_a_block_depends_on_its_own_part_alone(fitted: FitResult) -> None:
    other = SCENE.samples.copy()
    begin = COLUMNS // 2 + 3
    other[:, begin:] = other[::-1, begin:]
    again = fit_signal(Signal(SCENE.spec, other), settings(**LARGE, budget=Budget(steps=800)))
    blocks = fitted.field.blocks
    assert again.field.blocks == blocks
    equal = (again.field.network.values == fitted.field.network.values).all(dim=1).tolist()
    apart = [blocks.reaches(number)[1][1] <= begin for number in range(blocks.count)]
    assert equal == apart
    assert 0 < sum(apart) < blocks.count


def test_a_block_depends_on_the_seed_and_its_index() -> None:
    config = settings(**LARGE, budget=Budget(steps=3), dtype="float32")
    # All blocks of an even picture are the same, but for their seeds.
    even = Signal(SCENE.spec, np.full_like(SCENE.samples, 90))
    plan = make_plan(even, config)
    assert len({member.seed for member in plan.members}) == 12
    assert len({tuple(row) for row in plan.start.values.tolist()}) == 12
    assert torch.equal(plan.members.start_to_see().values, plan.start.values)
    other = make_plan(even, dataclasses.replace(config, seed=1))
    assert not {member.seed for member in plan.members} & {one.seed for one in other.members}
    # The first block is drawn as the network of a fit without blocks is.
    assert plan.members[0].seed == config.seed


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_threads_do_not_show(engine: str) -> None:
    results = [
        fit_signal(SCENE, settings(**MANY, engine=engine, threads=threads)) for threads in (1, 2)
    ]
    assert encode_field(results[0].field) == encode_field(results[1].field)


def test_frequencies_follow_each_part() -> None:
    samples = np.full((32, 64, 1), 100, np.uint8)
    samples[:, 40:] = picture((32, 24)).samples  # the right half is not even
    spec = dataclasses.replace(picture().spec, shape=(32, 64))
    plan = make_plan(Signal(spec, samples), settings(blocks="2x1", margin=1))
    left, right = (member.omega for member in plan.members)
    assert left[1] < right[1]
    assert plan.omega == pytest.approx([math.sqrt(a * b) for a, b in zip(left, right, strict=True)])


def stopped(plan: FitPlan, looks: int, resume: Checkpoint | None = None) -> Checkpoint | None:
    """The checkpoint of a fit that is stopped when it has looked around so often, None at its end.

    It looks around at the begin of every round, and between groups.
    """
    left = iter(range(looks))
    hooks = FitHooks(should_stop=lambda: next(left, None) is None)
    try:
        run_plan(SCENE, plan, hooks, resume, Clock(SLOW))
    except FitStoppedError as error:
        return decode_checkpoint(encode_checkpoint(error.checkpoint), "name")
    except FitNotMeasuredError:
        return None
    return None


def steps_of(checkpoint: Checkpoint) -> list[int]:
    """The steps that each block has taken."""
    steps: list[int] = checkpoint.state["adam.steps"].tolist()
    return steps


def test_a_fit_that_is_stopped_anywhere_goes_on_to_the_same_bytes() -> None:
    config = settings(**MANY)
    plan, expected = make_plan(SCENE, config), encode_field(fit_signal(SCENE, config).field)
    looks = within_rounds = 0
    while (checkpoint := stopped(plan, looks)) is not None:
        looks += 1
        steps = steps_of(checkpoint)
        assert steps == sorted(steps, reverse=True)
        assert steps[-1] == checkpoint.standing.step
        assert steps[0] - steps[-1] <= ROUND
        within_rounds += steps[0] > steps[-1]
        result = fit_signal(SCENE, config, resume=checkpoint)
        assert encode_field(result.field) == expected
        assert result.report.record.steps == 40
    assert looks > within_rounds >= 3


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_a_fit_that_is_stopped_again_and_again_goes_on_to_the_same_bytes(engine: str) -> None:
    # Three groups of those in torch: one ahead, one on its way, one behind.
    config = settings(**{**MANY, "engine": engine})
    expected = encode_field(fit_signal(SCENE, config).field)
    checkpoint = latest = stopped(make_plan(SCENE, config), 1)
    stops, distances = 0, set()
    while checkpoint is not None:
        latest, stops = checkpoint, stops + 1
        distances.add(len(set(steps_of(checkpoint))))
        plan = make_plan(SCENE, config, resume=checkpoint)
        checkpoint = stopped(plan, 3 if stops % 2 else 1, checkpoint)
    assert stops >= 3
    assert max(distances) == (2 if engine == "auto" and small_networks.supported() else 3)
    assert encode_field(fit_signal(SCENE, config, resume=latest).field) == expected


def test_checkpoints_between_groups_go_on_to_the_same_bytes() -> None:
    config = settings(**MANY)
    kept: list[bytes] = []
    hooks = FitHooks(
        on_checkpoint=lambda checkpoint: kept.append(encode_checkpoint(checkpoint)),
        checkpoint_every=0.0,
    )
    expected = encode_field(fit_signal(SCENE, config, hooks=hooks).field)
    assert len(kept) > 4
    for content in kept[1::3]:
        checkpoint = decode_checkpoint(content, "name")
        assert encode_field(fit_signal(SCENE, config, resume=checkpoint).field) == expected
    # Whatever has been reached can be looked at.
    assert decode_field(kept[1], "name").render().samples.shape == SCENE.samples.shape


def by(kind: EngineKind, plan: FitPlan) -> FitPlan:
    return dataclasses.replace(plan, engine=kind, precision="float32", last_precision="float32")


@pytest.mark.skipif(not small_networks.supported(), reason="all machines have the same groups")
@pytest.mark.parametrize(
    ("first", "second", "looks"), [(SMALL_NETWORKS, TORCH, 3), (TORCH, SMALL_NETWORKS, 4)]
)
def test_a_round_is_made_whole_on_a_machine_with_other_groups(
    first: EngineKind, second: EngineKind, looks: int
) -> None:
    config = settings(**MANY, learning_rate=1e-4, dtype="float32")
    plan = make_plan(SCENE, config)
    whole = run_plan(SCENE, by(second, plan), FitHooks())
    checkpoint = stopped(by(first, plan), looks)
    assert checkpoint is not None
    assert len(set(steps_of(checkpoint))) == 2
    plan = make_plan(SCENE, config, resume=checkpoint)
    result = run_plan(SCENE, by(second, plan), FitHooks(), checkpoint)
    assert result.report.record.steps == 40
    torch.testing.assert_close(
        result.field.network.values, whole.field.network.values, rtol=0, atol=1e-3
    )


def test_one_block_is_trained_as_a_plain_network_is() -> None:
    """Batches, rates and steps in a loop of a few lines, by the engine in autograd."""
    signal = picture((40, 30), 3)
    config = settings(blocks=1, batch=97, budget=Budget(steps=40), engine="reference")
    plan = make_plan(signal, config)
    assert (plan.start.members, plan.blocks.count) == (1, 1)
    network = plan.start.clone()
    engine = REFERENCE.make(network, plan.work, "float32")
    member = plan.members[0]
    adam = Adam(
        network,
        rows_of(network, [member.rates.by_name], 0.0),
        bounds_of(network, [member.rules.bounds]),
    )
    samples = TrainingSamples(signal, torch.device("cpu"))
    order = EpochOrder(samples.count, 97, config.seed)
    for step in range(40):
        coordinates, targets = samples.batch(order.draw(step, 1)[0])
        engine.step(Batch(coordinates[None], targets[None]))
        adam.step(engine.gradient, [rate_factor("cosine", step, (step + 0.5) / 40)])
    found = fit_signal(signal, config).field
    assert found.blocks.count == 1
    torch.testing.assert_close(found.network.values, network.values, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "signal", [picture((40, 30), 3), sound(700, 2), clip((8, 12, 16)), globe((18, 36))]
)
@pytest.mark.parametrize("init", ["siren", "tuner", "lambert"])
def test_engines_agree_on_a_stack(signal: Signal, init: str) -> None:
    plan = make_plan(signal, settings(init, blocks=2, batch=64, budget=Budget(steps=8)))
    kinds: list[EngineKind] = [REFERENCE, TORCH]
    if small_networks.supported():
        kinds.append(SMALL_NETWORKS)
    expected, *others = (
        run_plan(signal, by(kind, dataclasses.replace(plan, dtype="float32")), FitHooks())
        for kind in kinds
    )
    for other in others:
        torch.testing.assert_close(
            other.field.network.values, expected.field.network.values, rtol=0, atol=5e-5
        )
        assert reached(other) == pytest.approx(reached(expected), abs=0.01)


def test_signals_in_blocks_are_fitted_together_as_alone() -> None:
    signals = [picture((24, 20), seed=seed) for seed in range(3)]
    config = settings(blocks=2, batch=64, budget=Budget(steps=40), threads=1)
    for result, signal in zip(fit_together(signals, config), signals, strict=True):
        assert encode_field(result.field) == encode_field(fit_signal(signal, config).field)


@pytest.mark.parametrize("seconds", [9.0, 150.0])
def test_the_end_of_the_time_leaves_a_whole_picture(seconds: float) -> None:
    config = settings(**{**MANY, "budget": Budget(max_time=seconds), "planned_steps": 90})
    plan = make_plan(SCENE, config)
    trainer = Trainer([plan], [PartSamples(SCENE, plan.blocks, plan.machine.device)])
    fit = Fit(SCENE, plan, trainer, FitHooks())
    train([fit], trainer, clock=Clock(SLOW))
    taken = fit.standing.step
    result = fit.finish()
    assert result.report.ended_by == "time"
    assert result.report.seconds >= seconds
    steps = trainer.steps
    assert taken == min(steps) >= 1
    assert max(steps) - min(steps) <= ROUND
    assert math.isfinite(reached(result))


def test_the_quality_of_the_whole_ends_a_fit() -> None:
    seen: list[Progress] = []
    budget = Budget(steps=5000, target_psnr=24.0)
    result = fit_signal(SCENE, settings(**LARGE, budget=budget), on_progress=seen.append)
    assert result.report.ended_by == "quality"
    assert reached(result) >= 24.0
    assert result.report.record.steps < 5000
    assert (
        fit_signal(SCENE, settings(**{**MANY, "budget": Budget(target_psnr=18.0)})).report.ended_by
        == "quality"
    )


def test_a_fit_begins_with_the_field_of_an_earlier_one(fitted: FitResult) -> None:
    config = settings(**{**LARGE, **STILL, "blocks": None})
    plan = make_plan(SCENE, config, start_from=fitted.field)
    assert plan.continued
    assert plan.blocks == fitted.field.blocks
    assert torch.equal(plan.start.values, fitted.field.network.values)
    assert torch.equal(plan.members.start_to_see().values, fitted.field.network.values)
    again = fit_signal(SCENE, config, start_from=fitted.field)
    assert reached(again) == pytest.approx(reached(fitted), abs=1e-3)
    same = dataclasses.replace(config, blocks=(4, 3), margin=(plan.blocks.margins[0],))
    assert make_plan(SCENE, same, start_from=fitted.field).blocks == plan.blocks


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"blocks": "3x4"}, "`blocks` makes 3x4 blocks, the field of `start_from` has 4x3 blocks"),
        ({"blocks": 1}, "`blocks` makes 1x1 blocks, the field of `start_from` has 4x3 blocks"),
        ({"blocks": None, "block_size": 16}, "`block_size` makes 8x6 blocks, the field of"),
        ({"margin": "4x5"}, "`margin` makes a margin of 4x5, the field of `start_from` has a"),
    ],
)
def test_other_blocks_than_those_of_the_start_are_refused(
    fitted: FitResult, asked: dict[str, Any], message: str
) -> None:
    config = settings(**{**LARGE, **asked})
    with pytest.raises(SettingError, match=f"^{message}") as caught:
        make_plan(SCENE, config, start_from=fitted.field)
    assert "\n" not in str(caught.value)
    with pytest.raises(SettingError, match=f"^{message}"):
        fit_together([SCENE, SCENE], config, start_from=fitted.field)


@pytest.mark.parametrize("other", [picture(channels=1), sound(900, 3), clip()])
def test_a_start_of_another_kind_is_refused(fitted: FitResult, other: Signal) -> None:
    with pytest.raises(SettingError, match=r"^`start_from` holds a field of 2 coordinates and 3 "):
        make_plan(other, settings(blocks=None), start_from=fitted.field)


def test_the_edges_of_the_sphere_agree() -> None:
    """A smooth map in blocks: its first meridian is no seam."""
    latitude = np.linspace(-1, 1, 48)[:, None]
    longitude = np.linspace(-np.pi, np.pi, 96, endpoint=False)[None]
    values = np.cos(2 * longitude) * (1 - latitude**2) + latitude + np.sin(longitude + 2)
    signal = array_signal(values, domain="sphere")
    config = settings(blocks="2x4", width=24, batch=64, depth=3, budget=Budget(steps=600))
    result = fit_signal(signal, config)
    assert reached(result) > 35.0
    finer = result.field.render(scale=8).samples[..., 0]
    steps = np.abs(np.diff(np.concatenate([finer, finer[:, :1]], axis=1), axis=1))
    # From the last meridian to the first it is as far as from any other to the next.
    assert steps[:, -1].max() < 1.5 * steps[:, :-1].max()
    # The error there is that of other places.
    error = np.abs(result.field.render().samples[..., 0].astype(np.float64) - values)
    assert error[:, [0, -1]].max() < 1.5 * error.max()


def test_a_block_that_loses_its_way_is_put_back_and_the_others_do_not_hear_of_it() -> None:
    def spoil(number: int, stack: Network) -> None:
        if number == 200:
            stack.values[1].mul_(50.0)
        if number == 300:
            stack.values[2, 7] = math.nan

    config = settings(**{**LARGE, "blocks": 2, "width": 16, "budget": Budget(steps=600)})
    plan = make_plan(SCENE, config)
    sound_fit, spoilt = (
        run_plan(SCENE, by(kind, plan), FitHooks()) for kind in (StubKind(), StubKind(spoil))
    )
    assert spoilt.report.ended_by == "steps"
    equal = (sound_fit.field.network.values == spoilt.field.network.values).all(dim=1)
    assert equal.tolist() == [True, False, False, True]
    assert reached(spoilt) > reached(sound_fit) - 1.5
