"""Fits with the CUDA step on the CPU: a stand-in records, all else is what a device would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from sinefit.fitting.engines import CudaEngine, FlatNetwork
from sinefit.fitting.engines.stages import PlainStages
from sinefit.fitting.flat_adam import FlatAdam
from sinefit.fitting.optimizer import RuledAdam
from sinefit.fitting.recorded import REHEARSALS, RecordedStep
from sinefit.fitting.samples import TrainingSamples
from sinefit.fitting.training import Training
from sinefit.initializers.base import TrainingRules
from sinefit.networks.size import NetworkSize

from .making import picture, random_network, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fitting.config import FitConfig
    from sinefit.networks.sine import SineNetwork

CPU = torch.device("cpu")
SIZE = NetworkSize(2, 6, 3, 2)
RATES = (3e-2, 1e-2, 2e-3, 5e-4)


class Tape:
    """Records as a device does: what is recorded is not done, and is done at every replay."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.events: list[str] = []
        self._failure = failure

    def rehearse(self, work: Callable[[], None]) -> None:
        self.events.append("rehearse")
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.events.append("record")
        if self._failure is not None:
            raise self._failure

        def replay() -> None:
            self.events.append("replay")
            work()

        return replay


class Script:
    """A training as on a CUDA device, with a tape for its graphs."""

    def __init__(self, config: FitConfig, tape: Tape | None = None) -> None:
        self.plain = Training(picture((30, 20), 3), config, CPU)
        samples = self.plain.samples
        samples.make_resident()
        self.flat = FlatNetwork(self.plain.network)
        self.tape = tape or Tape()
        self.adam = FlatAdam(self.flat, self.plain.rates, TrainingRules((1.0,) * 9))
        piece = 40
        stages = PlainStages(self.flat.size, piece, CPU)
        engine = CudaEngine(self.flat, torch.float32, piece, stages)
        self.step = RecordedStep(samples, self.plain.batch, engine, self.adam, self.tape)
        self.order = self.plain._order

    def take(self, count: int) -> list[float]:
        return [float(self.step(self.order.draw(), 0.5)) for _ in range(count)]


def test_some_steps_are_rehearsed_then_one_is_recorded_and_repeated() -> None:
    script = Script(settings(batch=97))
    script.take(REHEARSALS + 4)
    expected = ["rehearse"] * REHEARSALS + ["record"] + ["replay"] * 4
    assert script.tape.events == expected
    assert script.step.failure is None


@pytest.mark.parametrize("failure", [None, RuntimeError("no graphs\nhere"), RuntimeError()])
def test_recorded_or_not_the_steps_are_those_of_the_plain_training(
    failure: Exception | None,
) -> None:
    config = settings(batch=97, engine="manual")
    plain = Training(picture((30, 20), 3), config, CPU)
    expected = [float(plain.step(0.5)) for _ in range(12)]
    script = Script(config, Tape(failure))
    assert script.take(12) == pytest.approx(expected, rel=0.02)  # bfloat16 there, where it is fast
    assert script.tape.events.count("record") == 1
    if failure is not None:
        assert script.step.failure in ("no graphs here", "RuntimeError")
        assert script.tape.events.count("rehearse") == 12


def test_a_loss_that_was_returned_stays() -> None:
    script = Script(settings(batch=97))
    losses = [script.step(script.order.draw(), 0.5) for _ in range(6)]
    values = [float(loss) for loss in losses]
    assert len(set(values)) == 6
    assert values == Script(settings(batch=97)).take(6)


def test_an_error_that_is_not_the_recording_s_is_not_hidden() -> None:
    script = Script(settings(batch=97), Tape(KeyError("a bug")))
    with pytest.raises(KeyError):
        script.take(REHEARSALS + 1)


def set_gradients(network: SineNetwork, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        assert parameter.grad is not None
        parameter.grad.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)


COLUMNS = {0: (0.1, 3e-3)}


def pair(rules: TrainingRules) -> tuple[SineNetwork, RuledAdam, SineNetwork, FlatAdam]:
    network, twin = random_network(SIZE), random_network(SIZE)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    flat = FlatNetwork(twin)
    adam = RuledAdam(network, RATES, rules, COLUMNS)
    return network, adam, twin, FlatAdam(flat, RATES, rules, COLUMNS)


RULES = [
    TrainingRules((1.0,) * 4),
    TrainingRules((1.0,) * 4, frozen_weights=frozenset({0, 2})),
    TrainingRules((1.0,) * 4, frozenset({0}), {1: torch.tensor([0.05, 0.1, 0.2, 0.3, 0.5, 10.0])}),
]


@pytest.mark.parametrize("rules", RULES)
def test_the_flat_optimiser_is_the_ruled_one(rules: TrainingRules) -> None:
    network, ruled, twin, flat = pair(rules)
    for step, factor in enumerate((0.3, 1.0, 0.7, 0.0, 0.5)):
        for other, optimizer in ((network, ruled), (twin, flat)):
            set_gradients(other, step)
            optimizer.step(factor)
        for mine, theirs in zip(network.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
    for layer in rules.frozen_weights:
        assert torch.equal(twin.weights[layer], random_network(SIZE).weights[layer])


@pytest.mark.parametrize("rules", RULES)
def test_the_state_of_either_optimiser_fits_the_other(rules: TrainingRules) -> None:
    network, ruled, twin, flat = pair(rules)
    for step in range(3):
        set_gradients(network, step)
        ruled.step(1.0)
    with torch.no_grad():
        for mine, theirs in zip(network.parameters(), twin.parameters(), strict=True):
            theirs.copy_(mine)
    flat.restore(ruled.state(), 3)
    state = flat.state()
    assert state.keys() == ruled.state().keys()
    for name, average in ruled.state().items():
        assert torch.equal(average, state[name])
    for other, optimizer in ((network, ruled), (twin, flat)):
        set_gradients(other, 7)
        optimizer.step(1.0)
    for mine, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def test_a_state_of_another_network_is_refused() -> None:
    _, _, _, flat = pair(RULES[0])
    state = {name: torch.zeros(1) for name in flat.state()}
    with pytest.raises(ValueError, match="do not fit"):
        flat.restore(state, 1)


def test_resident_samples_are_the_same_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinefit.fitting.samples.RESIDENT_PIECE", 37)
    samples = TrainingSamples(picture((30, 20), 3), CPU)
    indices = torch.randperm(samples.count)
    expected = samples.batch(indices)
    assert not samples.resident
    samples.make_resident()
    assert samples.resident
    for mine, theirs in zip(samples.batch(indices), expected, strict=True):
        assert torch.equal(mine, theirs)


class Elsewhere:
    """A device that takes the name of CUDA and is the CPU, to a training that asks for its type."""

    type = "cuda"


@pytest.fixture
def cuda_training(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Training]:
    """Makes trainings that take every decision as on CUDA, while their tensors are on the CPU."""
    room = "sinefit.fitting.training"
    monkeypatch.setattr(f"{room}.CudaRecorder", lambda _device: Tape())
    monkeypatch.setattr(f"{room}.fast_operands", lambda _device: torch.bfloat16)
    monkeypatch.setattr(f"{room}.piece_size", lambda _device: 64)

    class Resident(TrainingSamples):
        def __init__(self, signal: Any, _device: Any) -> None:
            super().__init__(signal, CPU)
            self.make_resident()

    monkeypatch.setattr(f"{room}.TrainingSamples", Resident)
    monkeypatch.setattr(f"{room}.choose_update", lambda _device: None)
    monkeypatch.setattr(
        f"{room}.choose_stages", lambda size, piece, _device: PlainStages(size, piece, CPU)
    )
    monkeypatch.setattr("sinefit.networks.sine.SineNetwork.to", lambda self, _device: self)

    def make(**others: Any) -> Training:
        return Training(picture((30, 20), 3), settings("tuner", **others), Elsewhere())  # type: ignore[arg-type]

    return make


def test_a_training_on_cuda_is_recorded(cuda_training: Callable[..., Training]) -> None:
    training = cuda_training(batch=97)
    assert training.piece == 64
    losses = [float(training.step(1.0)) for _ in range(120)]
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    assert training.launch_failure is None


def test_restoring_on_cuda_goes_on_with_the_same_steps(
    cuda_training: Callable[..., Training],
) -> None:
    whole = cuda_training(batch=97)
    for _ in range(20):
        whole.step(1.0)
    kept = {name: tensor.clone() for name, tensor in whole.state().items()}
    network = cuda_training(batch=97).network
    with torch.no_grad():
        for mine, theirs in zip(network.parameters(), whole.network.parameters(), strict=True):
            mine.copy_(theirs)
    expected = [float(whole.step(0.5)) for _ in range(15)]
    again = cuda_training(batch=97)
    again.restore(network, kept, 20)
    assert [float(again.step(0.5)) for _ in range(15)] == expected


def test_a_checkpoint_of_another_kind_of_device_begins_a_new_epoch() -> None:
    training = Training(picture((30, 20), 3), settings("tuner", batch=97), CPU)
    for _ in range(5):
        training.step(1.0)
    state = training.state()
    # A CUDA generator keeps seed and offset, in 16 bytes.
    state["order.generator"] = torch.zeros(16, dtype=torch.uint8)
    again = Training(picture((30, 20), 3), settings("tuner", batch=97), CPU)
    again.restore(training.network, state, 5)
    epoch = torch.cat([again._order.draw() for _ in range(6)])
    assert len(epoch.unique()) == 6 * 97


def test_refining_on_cuda_keeps_the_weights_and_goes_on_in_float32(
    cuda_training: Callable[..., Training],
) -> None:
    training = cuda_training(batch=97)
    for _ in range(6):
        training.step(1.0)
    before = [parameter.detach().clone() for parameter in training.network.parameters()]
    training.refine()
    for mine, theirs in zip(training.network.parameters(), before, strict=True):
        assert torch.equal(mine, theirs)
    assert float(training.step(0.1)) > 0.0
    assert not torch.equal(training.network.weights[1], before[1])


def test_a_cuda_device_short_of_memory_gets_smaller_pieces(
    cuda_training: Callable[..., Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [float(loss) for loss in (cuda_training(batch=97).step(1.0),)]

    def scarce(size: NetworkSize, piece: int, device: object) -> PlainStages:
        if piece > 20:
            raise torch.OutOfMemoryError("no memory for so many samples")
        return PlainStages(size, piece, CPU)

    monkeypatch.setattr("sinefit.fitting.training.choose_stages", scarce)
    training = cuda_training(batch=97)
    assert training.piece == 16
    assert [float(training.step(1.0))] == pytest.approx(expected, rel=1e-3)

    def none(size: NetworkSize, piece: int, device: object) -> PlainStages:
        raise torch.OutOfMemoryError("nothing left")

    monkeypatch.setattr("sinefit.fitting.training.choose_stages", none)
    with pytest.raises(torch.OutOfMemoryError):
        cuda_training(batch=97)
