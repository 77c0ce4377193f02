from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sinefit.errors import InputError, SettingError
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import (
    deciding,
    decode_checkpoint,
    encode_checkpoint,
    fingerprint,
)
from sinefit.fitting.draws import SHUFFLED_BY_STACKS
from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan
from sinefit.fitting.omega_choice import NyquistShare
from sinefit.fitting.report import FitDivergedError, FitStoppedError
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.array.reading import array_signal

from .making import clip, picture, settings, sound
from .stubs import SLOW, Clock, StubKind

if TYPE_CHECKING:
    from sinefit.fitting.checkpoint import (
        Checkpoint,
    )
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import Progress
    from sinefit.signals.signal import Signal


def stop_after(signal: Signal, config: FitConfig, steps: int, **options: Any) -> Checkpoint:
    """Return the checkpoint of a fit that looks around after every step, and is stopped so."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > steps

    plan = make_plan(signal, config, **options)
    hooks = FitHooks(should_stop=should_stop)
    with pytest.raises(FitStoppedError) as caught:
        run_plan(signal, plan, hooks, options.get("resume"), Clock(SLOW))
    return caught.value.checkpoint


def through_file(checkpoint: Checkpoint) -> Checkpoint:
    return decode_checkpoint(encode_checkpoint(checkpoint), "fit.ckpt.safetensors")


SIGNALS = {"picture": picture((30, 20), 3), "sound": sound(700), "clip": clip()}


@pytest.mark.parametrize("stops", [[0], [1], [49, 2], [50], [63, 30, 7]])
@pytest.mark.parametrize("name", SIGNALS)
def test_a_stopped_fit_ends_with_the_bytes_of_one_that_was_not(name: str, stops: list[int]) -> None:
    signal = SIGNALS[name]
    # Batches that do not divide the samples, so that epochs leave a rest.
    config = settings(budget=Budget(steps=120), batch=97, seed=3)
    expected = encode_field(fit_signal(signal, config).field)
    checkpoint = None
    for steps in stops:
        checkpoint = through_file(stop_after(signal, config, steps, resume=checkpoint))
    result = fit_signal(signal, config, resume=checkpoint)
    assert encode_field(result.field) == expected


def test_a_fit_in_its_refined_part_goes_on_too() -> None:
    # A wave that is soon held well, by a network wide enough for tile registers.
    places = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    signal = array_signal(np.sin(places).astype(np.float32))
    config = settings(budget=Budget(steps=400), batch=29, width=32, omega=(2.0,))
    expected = encode_field(fit_signal(signal, config).field)
    for steps, refined in ((200, False), (330, False), (351, True), (399, True)):
        checkpoint = through_file(stop_after(signal, config, steps))
        assert checkpoint.standing.refined == refined
        assert encode_field(fit_signal(signal, config, resume=checkpoint).field) == expected


@pytest.mark.parametrize("init", ["tuner", "ws", "lambert:sigma_a=1"])
def test_frozen_and_bounded_weights_go_on_too(init: str) -> None:
    signal = picture((30, 20), 3)
    config = settings(init, budget=Budget(steps=80), batch=97)
    expected = encode_field(fit_signal(signal, config).field)
    checkpoint = through_file(stop_after(signal, config, 31))
    assert encode_field(fit_signal(signal, config, resume=checkpoint).field) == expected


@pytest.mark.parametrize(("init", "shape"), [("siren", (30, 20)), ("tuner:low=2", (3, 3))])
def test_a_fit_that_continues_another_goes_on_too(init: str, shape: tuple[int, int]) -> None:
    signal = picture((30, 20), 3)
    earlier = fit_signal(picture(shape, 3), settings(init, width=40, budget=Budget(steps=60))).field
    config = settings(budget=Budget(steps=80))
    expected = encode_field(fit_signal(signal, config, start_from=earlier).field)
    checkpoint = through_file(stop_after(signal, config, 31, start_from=earlier))
    # The earlier field is not needed again.
    result = fit_signal(signal, checkpoint.config, resume=checkpoint)
    assert encode_field(result.field) == expected


def test_checkpoints_on_the_way_go_on_to_the_same_end() -> None:
    signal = picture((30, 20), 3)
    config = settings(budget=Budget(steps=60), batch=97)
    kept: list[bytes] = []
    hooks = FitHooks(
        on_checkpoint=lambda checkpoint: kept.append(encode_checkpoint(checkpoint)),
        checkpoint_every=0.0,
    )
    plan = make_plan(signal, config)
    expected = encode_field(run_plan(signal, plan, hooks, clock=Clock(SLOW)).field)
    assert len(kept) == 60  # one before every step
    for content in kept[::17]:
        checkpoint = decode_checkpoint(content, "name")
        assert encode_field(fit_signal(signal, config, resume=checkpoint).field) == expected


def test_a_fit_that_goes_on_reports_what_the_whole_one_does() -> None:
    signal = picture()
    config = settings(budget=Budget(steps=150))

    def reports(resume: Checkpoint | None = None) -> list[Progress]:
        seen: list[Progress] = []
        fit_signal(signal, config, resume=resume, on_progress=seen.append)
        return [progress for progress in seen if progress.phase == "fitting"]

    # The losses of the steps since the last report count.
    whole, later = reports(), reports(through_file(stop_after(signal, config, 73)))
    assert [progress.step for progress in later] == [100, 150]
    assert [progress.share for progress in later] == [progress.share for progress in whole[1:]]
    expected = [progress.psnr for progress in whole[1:]]
    assert [progress.psnr for progress in later] == pytest.approx(expected, abs=1e-4)


def test_a_fit_that_has_diverged_leaves_no_checkpoint() -> None:
    signal = picture()
    config = settings(budget=Budget(steps=100), learning_rate=1e30)
    asked = iter(range(1000))
    hooks = FitHooks(should_stop=lambda: next(asked) > 20)
    with pytest.raises(FitDivergedError):
        run_plan(signal, make_plan(signal, config), hooks, clock=Clock(SLOW))


def test_a_checkpoint_can_be_rendered() -> None:
    signal = picture((30, 20), 3)
    checkpoint = stop_after(signal, settings(budget=Budget(steps=200)), 150)
    field = decode_field(encode_checkpoint(checkpoint), "name")
    assert field.render().samples.shape == signal.samples.shape
    assert field.record.steps == 150


def test_checkpoints_come_at_their_interval() -> None:
    clock, kept = Clock(), []

    def work(*_: object) -> None:
        clock.now += 0.5

    signal = picture()
    plan = StubKind(work).takes(make_plan(signal, settings(budget=Budget(steps=100))))
    hooks = FitHooks(
        on_checkpoint=lambda checkpoint: kept.append(checkpoint.standing.step),
        checkpoint_every=10.0,
    )
    run_plan(signal, plan, hooks, clock=clock)
    assert kept == [20, 40, 60, 80]


def test_the_time_spent_is_added_up() -> None:
    signal = picture()
    config = settings(budget=Budget(steps=40))
    checkpoint = stop_after(signal, config, 20)
    assert checkpoint.standing.seconds > 0
    late = dataclasses.replace(
        checkpoint, standing=dataclasses.replace(checkpoint.standing, seconds=1000.0)
    )
    assert fit_signal(signal, config, resume=late).report.seconds > 1000.0


OTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "initializer": ("init", {"initializer": parse_initializer("lambert")}),
    "omega": ("omega", {"omega": (7.0,)}),
    "width": ("width", {"width": 9}),
    "depth": ("depth", {"depth": 4}),
    "steps": ("steps", {"budget": Budget(steps=99)}),
    "max_time": ("max_time", {"budget": Budget(steps=100, max_time=9.0)}),
    "target_psnr": ("target_psnr", {"budget": Budget(steps=100, target_psnr=90.0)}),
    "learning_rate": ("learning_rate", {"learning_rate": 1e-5}),
    "batch": ("batch", {"batch": 33}),
    "recipe": ("recipe", {"recipe": "paper"}),
    "schedule": ("schedule", {"schedule": "constant"}),
    "betas": ("betas", {"betas": (0.9, 0.999)}),
    "epsilon": ("epsilon", {"epsilon": 1e-8}),
    "precision": ("precision", {"precision": "float64"}),
    "coordinates": ("coordinates", {"coordinates": "ends"}),
    "targets": ("targets", {"targets": "0,1"}),
    "seed": ("seed", {"seed": 77}),
    "holdout": ("holdout", {"holdout": parse_holdout("holdout", "grid:2")}),
    "stop_on": ("stop_on", {"stop_on": "holdout"}),
    "supervise": ("supervise", {"supervise": "laplacian"}),
    "footprint": ("footprint", {"footprint": "box"}),
    "dtype": ("dtype", {"dtype": "bfloat16"}),
    "network": ("network", {"network": "finer", "initializer": None}),
    "engine": ("engine", {"engine": "reference"}),
    "blocks": ("blocks", {"blocks": (3, 2)}),
    "margin": ("margin", {"margin": (0,)}),
    "ensemble": ("ensemble", {"ensemble": 2}),
    # What follows from these is told.
    "block_size": ("blocks", {"block_size": (6,)}),
    "weights_per_value": ("width", {"weights_per_value": 90.0, "width": None, "blocks": (2,)}),
}


BLOCKS = ("blocks", "margin", "block_size", "weights_per_value")


def test_a_share_of_nyquist_goes_on_and_is_told() -> None:
    signal = picture((30, 20))
    config = settings(omega=(0.1, NyquistShare(0.3)), budget=Budget(steps=20))
    expected = encode_field(fit_signal(signal, config).field)
    checkpoint = through_file(stop_after(signal, config, 9))
    assert checkpoint.config.omega == config.omega
    assert encode_field(fit_signal(signal, config, resume=checkpoint).field) == expected
    other = dataclasses.replace(config, omega=(NyquistShare(),))
    with pytest.raises(SettingError, match=r"`omega` 0\.1,0\.3nyquist, not nyquist:"):
        fit_signal(signal, other, resume=checkpoint)


@pytest.mark.parametrize("name", [each.name for each in deciding()])
def test_other_settings_are_refused_by_name(name: str) -> None:
    signal = picture()
    config = settings(budget=Budget(steps=100), blocks=(2,) if name in BLOCKS else None)
    checkpoint = stop_after(signal, config, 10)
    if name == "block_size":
        config = dataclasses.replace(config, blocks=None)
    other = dataclasses.replace(config, **OTHER[name][1])
    with pytest.raises(SettingError, match=f"^the checkpoint was made with `{OTHER[name][0]}` "):
        fit_signal(signal, other, resume=checkpoint)


def test_another_input_is_refused() -> None:
    config = settings(budget=Budget(steps=100))
    checkpoint = stop_after(picture(), config, 10)
    with pytest.raises(SettingError, match="of another input"):
        fit_signal(picture(seed=5), config, resume=checkpoint)


def test_a_fingerprint_tells_signals_apart_but_not_their_names() -> None:
    signal = picture()
    named = dataclasses.replace(signal, spec=dataclasses.replace(signal.spec, source="a.png"))
    assert fingerprint(named) == fingerprint(signal)
    changed = signal.samples.copy()
    changed[-1, -1] = 255 - changed[-1, -1]
    assert fingerprint(dataclasses.replace(signal, samples=changed)) != fingerprint(signal)
    turned = dataclasses.replace(
        signal,
        spec=signal.spec.with_shape(signal.spec.shape[::-1]),
        samples=signal.samples.reshape(*signal.spec.shape[::-1], 1),
    )
    assert fingerprint(turned) != fingerprint(signal)


CONFIG = settings(budget=Budget(steps=100), width=5, depth=2, batch=20)
CONTENT = encode_checkpoint(stop_after(picture((6, 5)), CONFIG, 55))


def refuse_or_go_on(content: bytes) -> None:
    """A changed checkpoint is an error of one line, or a fit goes on from it."""
    problem: Exception | None = None
    try:
        checkpoint = decode_checkpoint(content, "name")
        fit_signal(picture((6, 5)), CONFIG, resume=checkpoint)
    except (InputError, SettingError, FitDivergedError) as error:
        problem = error
    assert "\n" not in str(problem)


def test_a_finished_field_is_no_checkpoint() -> None:
    content = encode_field(fit_signal(picture(), settings(budget=Budget(steps=1))).field)
    with pytest.raises(InputError, match="go on with it by `start_from`"):
        decode_checkpoint(content, "name")


@hypothesis_settings(max_examples=150)
@given(st.integers(0, len(CONTENT) - 1))
def test_truncations_are_refused(length: int) -> None:
    with pytest.raises(InputError):
        decode_checkpoint(CONTENT[:length], "name")


@hypothesis_settings(max_examples=150)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(place: int, value: int) -> None:
    changed = bytearray(CONTENT)
    changed[place] = value
    refuse_or_go_on(bytes(changed))


@pytest.mark.parametrize("part", ["settings", "standing", "fingerprint", "origin"])
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"steps": "many"}])
def test_changed_metadata_are_refused(part: str, value: object) -> None:
    tensors = safetensors.torch.load(CONTENT)
    length = int.from_bytes(CONTENT[:8], "little")
    metadata = json.loads(CONTENT[8 : 8 + length])["__metadata__"]
    metadata["checkpoint"] = json.dumps({**json.loads(metadata["checkpoint"]), part: value})
    content = safetensors.torch.save(tensors, metadata)
    if part == "origin" and value in ({}, [], {"steps": "many"}):
        refuse_or_go_on(content)
        return
    with pytest.raises((InputError, SettingError)):
        fit_signal(picture((6, 5)), CONFIG, resume=decode_checkpoint(content, "name"))


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [("settings", "initializer", None), ("settings", "width", None), ("standing", "refined", 1.0)],
)
def test_values_of_another_type_are_refused(part: str, name: str, value: object) -> None:
    tensors = safetensors.torch.load(CONTENT)
    length = int.from_bytes(CONTENT[:8], "little")
    metadata = json.loads(CONTENT[8 : 8 + length])["__metadata__"]
    values = json.loads(metadata["checkpoint"])
    values[part][name] = value
    metadata["checkpoint"] = json.dumps(values)
    with pytest.raises(InputError, match="damaged checkpoint"):
        decode_checkpoint(safetensors.torch.save(tensors, metadata), "name")


@pytest.mark.parametrize("version", [1, 2, 3, 4, 6, "5", None])
def test_another_version_is_told(version: object) -> None:
    tensors = safetensors.torch.load(CONTENT)
    length = int.from_bytes(CONTENT[:8], "little")
    metadata = json.loads(CONTENT[8 : 8 + length])["__metadata__"]
    values = json.loads(metadata["checkpoint"])
    values.pop("version")  # the first version did not name itself
    metadata["checkpoint"] = json.dumps(
        values if version is None else {**values, "version": version}
    )
    with pytest.raises(InputError, match=r"^name: a checkpoint of another version of sinefit: "):
        decode_checkpoint(safetensors.torch.save(tensors, metadata), "name")


def test_settings_of_another_network_are_refused() -> None:
    checkpoint = decode_checkpoint(CONTENT, "name")
    for config in (
        dataclasses.replace(checkpoint.config, width=9),
        dataclasses.replace(checkpoint.config, depth=9),
    ):
        content = encode_checkpoint(dataclasses.replace(checkpoint, config=config))
        with pytest.raises(InputError, match="damaged checkpoint: its settings"):
            decode_checkpoint(content, "name")


def test_settings_of_other_blocks_are_refused() -> None:
    checkpoint = decode_checkpoint(CONTENT, "name")
    config = dataclasses.replace(checkpoint.config, blocks=(2,))
    content = encode_checkpoint(dataclasses.replace(checkpoint, config=config))
    with pytest.raises(InputError, match="damaged checkpoint: its settings are of other blocks"):
        decode_checkpoint(content, "name")


@pytest.mark.parametrize(
    "missing",
    [
        "best.weights",
        "best.losses",
        "losses",
        "adam.gradient",
        "adam.square",
        "adam.steps",
    ],
)
def test_missing_state_is_refused(missing: str) -> None:
    checkpoint = decode_checkpoint(CONTENT, "name")
    state = {key: value for key, value in checkpoint.state.items() if key != missing}
    with pytest.raises(InputError, match="damaged checkpoint"):
        fit_signal(picture((6, 5)), CONFIG, resume=dataclasses.replace(checkpoint, state=state))


def test_a_long_signal_s_place_in_its_epoch_must_be_known() -> None:
    signal = sound(SHUFFLED_BY_STACKS + 1)
    config = settings(width=8, depth=1, batch=50, blocks=1, omega=(30.0,))
    checkpoint = stop_after(signal, config, 10)
    for missing in ("order.position", "order.rest"):
        state = {key: value for key, value in checkpoint.state.items() if key != missing}
        with pytest.raises(InputError, match="damaged checkpoint"):
            fit_signal(signal, config, resume=dataclasses.replace(checkpoint, state=state))


def test_state_of_another_shape_is_refused() -> None:
    checkpoint = decode_checkpoint(CONTENT, "name")
    for key in checkpoint.state:
        state = {**checkpoint.state, key: torch.zeros(3)}
        with pytest.raises(InputError, match="damaged checkpoint"):
            fit_signal(picture((6, 5)), CONFIG, resume=dataclasses.replace(checkpoint, state=state))


@pytest.mark.parametrize("steps", [[55], [54, 55], [56, 56], [10**6, 55], [-1, 55]])
def test_steps_that_no_round_leaves_are_refused(steps: list[int]) -> None:
    """The last block has as many as the fit, the first ones at most some more."""
    signal, config = picture((6, 5)), dataclasses.replace(CONFIG, blocks=(1, 2))
    checkpoint = stop_after(signal, config, 55)
    assert checkpoint.state["adam.steps"].tolist() == [55, 55]
    state = {**checkpoint.state, "adam.steps": torch.tensor(steps)}
    with pytest.raises(InputError, match="damaged checkpoint"):
        fit_signal(signal, config, resume=dataclasses.replace(checkpoint, state=state))


def test_the_size_is_a_few_times_that_of_the_weights() -> None:
    signal = picture()
    checkpoint = stop_after(signal, settings(budget=Budget(steps=100), width=64), 10)
    weights = len(encode_field(checkpoint.field))
    assert len(encode_checkpoint(checkpoint)) < 5 * weights
    assert np.isfinite(checkpoint.standing.latest)
