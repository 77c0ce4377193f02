"""Networks of papers: fitted, stopped, gone on with, kept, rendered like sine networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import sinefit
from sinefit.engines.evaluation import choose_evaluator
from sinefit.engines.jets import JetEvaluator
from sinefit.errors import SettingError
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.config import FitConfig
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan
from sinefit.fitting.report import FitStoppedError
from sinefit.fitting.together import fit_together
from sinefit.networks.family import Published
from sinefit.networks.network import Network
from sinefit.networks.registry import FAMILIES, describe_network, parse_network

from .making import globe, picture, settings, sound
from .stubs import SLOW, Clock

if TYPE_CHECKING:
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.signals.signal import Signal

PUBLISHED = [name for name, family in FAMILIES.items() if isinstance(family, Published)]
EACH = pytest.mark.parametrize("name", PUBLISHED)


def config_of(network: str, steps: int = 12, **others: Any) -> FitConfig:
    values: dict[str, Any] = {
        "network": network,
        "width": 16,
        "depth": 2,
        "batch": 64,
        "budget": Budget(steps=steps),
        "device": "cpu",
    }
    return FitConfig(**(values | others))


def stopped(signal: Signal, config: FitConfig, steps: int) -> Checkpoint:
    """Return the checkpoint of a fit that is stopped after some steps."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > steps

    with pytest.raises(FitStoppedError) as caught:
        run_plan(
            signal,
            make_plan(signal, config),
            FitHooks(should_stop=should_stop),
            clock=Clock(SLOW),
        )
    return caught.value.checkpoint


@EACH
def test_a_network_learns_is_kept_and_rendered(name: str) -> None:
    signal = picture((24, 20))
    first = fit_signal(signal, config_of(name, 1, learning_rate=1e-12)).field
    result = fit_signal(signal, config_of(name, 60))
    field = result.field
    assert field.record.psnr is not None
    assert first.record.psnr is not None
    assert field.record.psnr > first.record.psnr
    assert (field.record.initializer, field.record.omega) == (None, ())
    assert result.report.network == describe_network(field.network.family)
    loaded = decode_field(encode_field(field), "weights")
    assert loaded.network.family == field.network.family
    assert loaded.network.family.name == name
    np.testing.assert_array_equal(loaded.network.values, field.network.values)
    # Twice as large, every second pair of samples lies around one of the first grid.
    assert loaded.render(2).samples.shape == (48, 40, *signal.samples.shape[2:])
    frozen = field.network.family.frozen(field.network.size)  # type: ignore[attr-defined]
    for part, values in field.network.parameters.items():
        assert bool((values == first.network.parameters[part]).all()) == (part in frozen), part


@EACH
def test_a_stopped_fit_goes_on_to_the_same_weights(name: str) -> None:
    signal, config = picture((16, 12)), config_of(name)
    whole = encode_field(fit_signal(signal, config).field)
    checkpoint = stopped(signal, config, 5)
    again = decode_checkpoint(encode_checkpoint(checkpoint), "fit.ckpt.safetensors")
    assert encode_field(fit_signal(signal, config, resume=again).field) == whole


@EACH
def test_a_fit_goes_on_from_a_field(name: str) -> None:
    signal = picture((16, 12))
    field = fit_signal(signal, config_of(name)).field
    more = fit_signal(signal, config_of("sine", 3), start_from=field).field
    assert more.network.family == field.network.family
    assert more.record.initializer is None


@EACH
@pytest.mark.parametrize("signal", [sound(90, 2), globe()], ids=["sound", "globe"])
def test_it_fits_signals_of_other_kinds_in_blocks_too(name: str, signal: Signal) -> None:
    field = fit_signal(signal, config_of(name, 3, blocks=(2,), batch=None)).field
    assert field.blocks.count > 1
    loaded = decode_field(encode_field(field), "weights")
    np.testing.assert_array_equal(loaded.render().samples, field.render().samples)
    assert field.render().samples.shape == signal.samples.shape


@EACH
def test_by_itself_it_is_one_network_at_its_usual_rate(name: str) -> None:
    signal = picture((200, 180))
    plan = make_plan(signal, config_of(name))
    family = plan.work.family
    assert isinstance(family, Published)
    assert plan.blocks.count == 1
    assert plan.learning_rates == (family.usual_rate,)
    assert plan.dtype == "float32"
    assert make_plan(signal, config_of(name, learning_rate=0.5)).learning_rates == (0.5,)


@EACH
def test_its_derivatives_are_the_limits_of_differences(name: str) -> None:
    """Of the whole function: what training holds still is none of it."""
    field = fit_signal(picture((20, 16)), config_of(name, 2)).field
    network = Network(field.network.family, field.network.size, field.network.values.double())
    points = torch.rand((1, 7, 2), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    evaluate = JetEvaluator(network)
    value, slope, curvature = evaluate(points, None, 1, 2)
    torch.testing.assert_close(value, network(points))
    step = torch.tensor([0.0, 1e-7], dtype=torch.float64)
    difference = (network(points + step) - network(points - step)) / 2e-7
    scale = float(slope.abs().max())
    torch.testing.assert_close(difference, slope, atol=1e-3 * scale, rtol=1e-3)
    if not name.startswith(("relu", "ffn")):  # whose slope has steps
        scale = float(curvature.abs().max())
        second = (network(points + 1e3 * step) - 2 * value + network(points - 1e3 * step)) / 1e-8
        torch.testing.assert_close(second, curvature, atol=1e-2 * scale, rtol=1e-2)


@pytest.mark.parametrize("name", ["wire", "bacon"])
def test_fits_together_are_those_made_alone(name: str) -> None:
    signals = [picture((16, 12), seed=seed) for seed in range(2)]
    config = config_of(name, 8)
    together = fit_together(signals, config)
    for signal, result in zip(signals, together, strict=True):
        alone = fit_signal(signal, config).field.network.values
        torch.testing.assert_close(result.field.network.values, alone, rtol=1e-3, atol=1e-4)


def test_fits_together_must_have_one_network() -> None:
    signals = [picture((16, 12)), picture((64, 12))]
    with pytest.raises(SettingError, match=r"octaves=4 as its network, .* say its settings in"):
        fit_together(signals, config_of("relu-pe"))
    fit_together(signals, config_of("relu-pe:octaves=2", 1))


def test_the_call_of_python_takes_a_network() -> None:
    field = sinefit.fit(np.eye(9), network="gauss:a=5", steps=2, width=8, depth=1)
    assert field.network.family == parse_network("gauss:a=5")


def test_settings_are_kept_with_the_weights() -> None:
    field = fit_signal(picture(), config_of("finer:omega=7", 2)).field
    loaded = decode_field(encode_field(field), "weights")
    assert loaded.network.family == parse_network("finer:omega=7")


def test_what_is_of_sine_networks_is_refused() -> None:
    with pytest.raises(SettingError, match="`init` is for sine networks, finer has a start of its"):
        settings(network="finer")
    with pytest.raises(SettingError, match=r"`omega` is for .* write `network` finer:omega="):
        config_of("finer", omega=30.0)
    with pytest.raises(SettingError, match="unknown network 'wir'"):
        config_of("wir")


def test_the_memory_of_training_does_not_grow_with_the_batch() -> None:
    plan = make_plan(picture((100, 100)), config_of("finer", batch=10_000))
    assert plan.batch == 10_000
    assert plan.work.targets == 4096


@EACH
def test_it_is_evaluated_as_a_stack_and_member_by_member(name: str) -> None:
    signal = picture((20, 16))
    network = fit_signal(signal, config_of(name, 2, blocks=(2,))).field.network
    evaluate = choose_evaluator(network, 8)
    assert network.members == 4
    coordinates = torch.rand(4, 7, 2)
    together = evaluate(coordinates)
    for member in range(4):
        alone = evaluate(coordinates[member : member + 1], [member])
        torch.testing.assert_close(alone[0], together[member])
