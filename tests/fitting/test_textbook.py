"""The papers' recipe against a SIREN in plain torch, step by step.

The reference has its factors inside the sines and is trained by torch.optim.Adam on its own
weights: it shares no line with the tool but the starting weights.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.errors import SettingError
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.config import FitConfig
from sinefit.fitting.fit import REPORT_EVERY
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan
from sinefit.fitting.report import FitStoppedError
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.scoring import score_field
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.grid import GridAxis, native_axis

from .making import decibels, globe, picture, sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from sinefit.fitting.report import Progress
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import Signal, Targets

STEPS = 200
RATE = 1e-4
HIDDEN = 2
"""Hidden layers."""


class NativeSiren(torch.nn.Module):
    """x -> sin(W1 (omega * x) + mean * b1) -> sin(hidden_omega (W x + b)) -> W x + b."""

    def __init__(self, omega: tuple[float, ...], hidden_omega: float, start: Network) -> None:
        super().__init__()
        self.omega = torch.tensor(omega, dtype=torch.float64)
        self.mean = math.prod(omega) ** (1.0 / len(omega))
        self.hidden_omega = hidden_omega
        self.weights, self.biases = torch.nn.ParameterList(), torch.nn.ParameterList()
        for layer in range(HIDDEN + 2):
            weight = start.parameters[weight_name(layer)][0].double()
            bias = start.parameters[bias_name(layer)][0].double()
            in_weight, in_bias = self.factors(layer)
            self.weights.append(torch.nn.Parameter(weight / in_weight))
            self.biases.append(torch.nn.Parameter(bias / in_bias))

    def factors(self, layer: int) -> tuple[Tensor | float, float]:
        if layer == 0:
            return self.omega, self.mean
        return (self.hidden_omega, self.hidden_omega) if layer <= HIDDEN else (1.0, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.sin((self.omega * x) @ self.weights[0].T + self.mean * self.biases[0])
        for W, b in zip(self.weights[1:-1], self.biases[1:-1], strict=True):
            h = torch.sin(self.hidden_omega * (h @ W.T + b))
        outputs: Tensor = h @ self.weights[-1].T + self.biases[-1]
        return outputs

    def effective(self, size: NetworkSize) -> Network:
        parameters = {}
        for layer in range(HIDDEN + 2):
            in_weight, in_bias = self.factors(layer)
            parameters[weight_name(layer)] = (self.weights[layer].detach() * in_weight)[None]
            parameters[bias_name(layer)] = (self.biases[layer].detach() * in_bias)[None]
        return Network.of(SINE, size, parameters)


def textbook_samples(signal: Signal, targets: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Coordinates from end to end and scaled values, as the scripts make them."""
    axes = [torch.linspace(-1, 1, size, dtype=torch.float64) for size in signal.spec.shape]
    x = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, len(axes))
    values = torch.from_numpy(signal.samples.astype(np.float64)).reshape(len(x), -1)
    share = (values - signal.spec.low) / (signal.spec.high - signal.spec.low)
    return x, targets[0] + (targets[1] - targets[0]) * share


CASES: dict[str, dict[str, Any]] = {
    "siren": {"omega": (30.0,)},
    "siren:bias=plain:last=hidden": {"omega": (24.0, 37.3)},
    "ws": {"omega": (30.0,), "targets": "0,1"},
    "ws:alpha=1.5": {"omega": (12.0, 21.1)},
    "ssn": {"omega": (8.7, 15.0)},
    "lambert": {"omega": (35.0, 20.0)},
    "lambert:sigma_a=1": {"omega": (30.0,), "targets": "0,1"},
    "tuner": {"omega": (1.0,)},
    "tuner:bound_low=0.1:bound_high=0.05": {"omega": (1.0, 0.5)},
}
NATIVE = {"siren": (True, 30.0), "ws": (True, 30.0), "ssn": (True, 1.0), "tuner": (False, 30.0)}
"""Whether omega is inside the first sine, and what is inside the others; of all others nothing."""


def reference(init: str, signal: Signal, config: FitConfig) -> Iterator[tuple[Network, float]]:
    """Train as a paper's script does; yield effective weights after each step, the loss before."""
    plan = make_plan(signal, config)
    scheme = init.partition(":")[0]
    first, hidden = NATIVE.get(scheme, (False, 1.0))
    if "bias=plain" in init:
        hidden = 1.0
    omega = plan.omega if first else (1.0,) * len(plan.omega)
    network = NativeSiren(omega, hidden, plan.start)
    trained = [*network.weights, *network.biases]
    if scheme == "tuner":
        trained = trained[1:]  # the frequencies are frozen
    optimizer = torch.optim.Adam(trained, lr=RATE)
    low, high = map(float, (config.targets or "-1,1").split(","))
    x, y = textbook_samples(signal, (low, high))
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = ((network(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        for bound in plan.members[0].rules.bounds.values():
            limit = bound.double() / hidden
            network.weights[1].data.clamp_(-limit, limit)
        yield network.effective(plan.start.size), loss.item()


def paper(init: str, **settings: Any) -> FitConfig:
    values: dict[str, Any] = {
        "recipe": "paper",
        "precision": "float64",
        "budget": Budget(steps=STEPS),
        "width": 24,
        "depth": HIDDEN + 1,
        "device": "cpu",
    }
    return FitConfig(parse_initializer(init), **(values | settings))


@pytest.mark.parametrize("init", CASES)
def test_it_trains_as_the_papers_scripts_do(init: str) -> None:
    """In float64, before and after a stop; what is told and kept is rounded to float32."""
    signal = picture((14, 11), channels=3)
    config = paper(init, **CASES[init])
    networks, losses = zip(*reference(init, signal, config), strict=True)
    told: list[Progress] = []
    hooks = FitHooks(
        on_progress=told.append, should_stop=lambda: any(each.step >= 100 for each in told)
    )
    with pytest.raises(FitStoppedError) as stop:
        fit_signal(signal, config, hooks=hooks)
    checkpoint = decode_checkpoint(encode_checkpoint(stop.value.checkpoint), "kept")
    expected = networks[checkpoint.standing.step - 1]
    torch.testing.assert_close(checkpoint.state["weights"], expected.values, rtol=1e-9, atol=1e-10)

    result = fit_signal(signal, config, resume=checkpoint, on_progress=told.append)
    start, found = make_plan(signal, config).start, result.field.network
    torch.testing.assert_close(found.values, networks[-1].values.float(), rtol=1e-6, atol=1e-9)
    assert float((found.values - start.values).abs().max()) > 0.01
    for name, bound in make_plan(signal, config).members[0].rules.bounds.items():
        at_bound = found.parameters[name][0].abs() == bound
        assert bool(at_bound.any())
    means = np.reshape(losses, (-1, REPORT_EVERY)).mean(axis=1)
    psnr = 10 * np.log10(result.field.spec.target_range**2 / means)
    np.testing.assert_allclose([each.psnr for each in told[: len(means)]], psnr, rtol=1e-6)


@pytest.mark.parametrize("targets", ["-1,1", "0,1"])
@pytest.mark.parametrize("signal", [picture((13, 9)), sound(70)], ids=["picture", "sound"])
def test_a_field_remembers_where_its_samples_lie_and_what_they_are_fitted_as(
    signal: Signal, targets: Targets
) -> None:
    config = paper("siren", targets=targets, precision="float32", omega=(20.0,))
    result = fit_signal(signal, config)
    field = decode_field(encode_field(result.field), "kept")
    assert (field.spec.coordinates, field.spec.targets) == ("ends", targets)
    low, high = map(float, targets.split(","))
    x, _ = textbook_samples(signal, (low, high))
    parameters = field.network.parameters
    with torch.no_grad():
        h = x.float()
        for layer in range(HIDDEN + 2):
            h = h @ parameters[weight_name(layer)][0].T + parameters[bias_name(layer)][0]
            h = h.sin() if layer <= HIDDEN else h
    share = (h.double().numpy() - low) / (high - low)
    spec = signal.spec
    values = (spec.low + share * (spec.high - spec.low)).reshape(signal.samples.shape)
    error = decibels(values - signal.samples.astype(np.float64), spec.high - spec.low)
    assert result.report.record.psnr_float == pytest.approx(error, abs=1e-3)
    assert error > 12.0  # so that another mapping would be noticed
    step = 1.0 if spec.dtype == "uint8" else 1e-5
    top = spec.high if spec.dtype == "uint8" else np.inf
    rendered = field.render().samples
    assert (
        np.abs(rendered - np.clip(values, spec.low if step == 1.0 else -np.inf, top)).max() <= step
    )
    assert score_field(field, signal, torch.device("cpu"))["psnr_float"] == pytest.approx(
        error, abs=1e-3
    )


def test_coordinates_of_a_render_twice_as_large_lie_between_those_that_were_fitted() -> None:
    """The first sample is at -1 and the last at 1, so that cells at the edge reach beyond."""
    axis = native_axis(5)
    fitted = axis.coordinates(np.arange(5.0), "ends")
    np.testing.assert_allclose(fitted, [-1.0, -0.5, 0.0, 0.5, 1.0], atol=1e-15)
    fine = GridAxis(5, 0.0, 0.5, 10).coordinates(np.arange(10.0), "ends")
    np.testing.assert_allclose(fine.reshape(5, 2).mean(axis=1), fitted, atol=1e-15)
    np.testing.assert_allclose(np.diff(fine), 0.25, atol=1e-15)
    assert native_axis(1).coordinates(np.zeros(1), "ends").tolist() == [0.0]


def test_a_sphere_has_no_ends() -> None:
    signal = globe()
    assert fit_signal(signal, paper("siren", budget=Budget(steps=1))).field.spec == signal.spec
    with pytest.raises(SettingError, match="`coordinates` is ends: a sphere"):
        make_plan(signal, paper("siren", coordinates="ends"))


def test_blocks_train_by_the_recipe_too() -> None:
    """Each as if its part of the signal were all: the same network, alone, on the same samples."""
    signal = picture((16, 12))
    config = paper("ws", omega=(15.0,), blocks=(2, 1), margin=(0,), precision="float32")
    field = fit_signal(signal, config).field
    assert field.blocks.count == 2
    left = BlockGrid.over(signal.spec, (1, 2), (0, 0)).part(signal, 0)
    alone = fit_signal(left, dataclasses.replace(config, blocks=(1,), margin=None)).field
    torch.testing.assert_close(
        field.network.values[0], alone.network.values[0], rtol=1e-3, atol=1e-5
    )
