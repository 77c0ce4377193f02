"""Recorded steps on the CPU: a stand-in records, all else is what a device would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.adam import Adam
from sinefit.engines.objective import Batch
from sinefit.engines.recorded import AT_ONCE, REHEARSALS, Captures, RecordedSteps
from sinefit.engines.registry import ENGINES
from sinefit.networks.size import NetworkSize

from .making import draw_batch, random_network, work_of
from .tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SIZE = NetworkSize(2, 8, 2, 3)
SAMPLES, BATCH = 200, 24


class Script:
    """A network in training by steps of its own, with the batches and factors of its seed."""

    def __init__(self, name: str = "torch", members: int = 1) -> None:
        self.network = random_network(SIZE, members)
        self._table = draw_batch(SIZE, SAMPLES)
        self.engine = ENGINES[name].make(self.network, work_of(self.network, 10), "float32")
        self.adam = Adam(self.network, torch.full_like(self.network.values, 1e-2))
        self._generator = torch.Generator().manual_seed(2)

    def gather(self, indices: Tensor) -> Batch:
        """The samples of these numbers (members, batch)."""
        return Batch(self._table.coordinates[0][indices], self._table.targets[0][indices])

    def draw(self) -> tuple[Tensor, list[float]]:
        """The numbers of the next batch's samples, and each member's factor."""
        shape = (self.network.members, BATCH)
        factors = torch.rand(self.network.members, generator=self._generator)
        return torch.randint(SAMPLES, shape, generator=self._generator), factors.tolist()

    def plain(self, count: int) -> list[Tensor]:
        """The losses of steps that are taken as they are."""
        losses = []
        for _ in range(count):
            indices, factors = self.draw()
            losses.append(self.engine.step(self.gather(indices)).clone())
            self.adam.step(self.engine.gradient, factors)
        return losses

    def recorded(self, tape: Tape, at_once: int = 5) -> RecordedSteps:
        indices = torch.zeros((self.network.members, BATCH), dtype=torch.int64)
        return RecordedSteps(self.gather, self.engine, self.adam, indices, tape, at_once)


def take(script: Script, recorded: RecordedSteps, count: int) -> Tensor:
    """The sums of the losses of so many steps, taken in one call."""
    drawn = [script.draw() for _ in range(count)]
    indices = torch.stack([indices for indices, _ in drawn])
    factors = torch.tensor([each for _, each in drawn], dtype=torch.float64)
    return recorded.take(indices, factors)


def test_many_steps_are_repeated_at_once_and_what_is_left_over_one_by_one() -> None:
    script, tape = Script(), Tape()
    recorded = script.recorded(tape)
    prepared = ["rehearse"] * REHEARSALS + ["record"] * 2
    assert tape.events == prepared  # before the first step
    take(script, recorded, 13)
    assert tape.events == prepared + ["replay"] * (2 + 3)
    assert recorded.failure is None
    assert script.adam.steps.tolist() == [13]


def test_to_rehearse_changes_nothing() -> None:
    script, untouched = Script(members=2), Script(members=2)
    script.plain(3)
    untouched.plain(3)
    script.recorded(Tape())
    assert torch.equal(script.network.values, untouched.network.values)
    for mine, theirs in zip(script.adam.averages, untouched.adam.averages, strict=True):
        assert torch.equal(mine, theirs)
    assert script.adam.steps.tolist() == [3, 3]


@pytest.mark.parametrize("failure", [None, RuntimeError("no graphs\nhere"), RuntimeError()])
@pytest.mark.parametrize(("name", "members"), [("torch", 1), ("torch", 3), ("cuda", 1)])
@pytest.mark.parametrize("at_once", [1, 5, AT_ONCE])
def test_recorded_or_not_the_steps_are_the_same(
    name: str, members: int, failure: Exception | None, at_once: int
) -> None:
    plain, script, tape = Script(name, members), Script(name, members), Tape(failure)
    recorded = script.recorded(tape, at_once)
    expected = plain.plain(12)
    # What was returned must stay as it is.
    first, second = take(script, recorded, 7), take(script, recorded, 5)
    torch.testing.assert_close(first, torch.stack(expected[:7]).sum(dim=0))
    torch.testing.assert_close(second, torch.stack(expected[7:]).sum(dim=0))
    torch.testing.assert_close(script.network.values, plain.network.values, rtol=0, atol=1e-6)
    if failure is not None:
        assert recorded.failure == ("no graphs here" if str(failure) else "RuntimeError")
        assert tape.events.count("record") == 1  # it is not tried again
        assert tape.events.count("rehearse") == REHEARSALS + 12


def test_an_error_that_is_not_the_recording_s_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        Script().recorded(Tape(KeyError("a bug")))


def test_a_step_without_memory_is_told_with_what_was_done() -> None:
    script, other, tape = Script(), Script(), Tape(RuntimeError("no graphs"))
    recorded = script.recorded(tape)
    expected = other.plain(12)
    tape.scarce_after = REHEARSALS + 4
    with pytest.raises(torch.OutOfMemoryError):
        take(script, recorded, 12)
    assert recorded.taken == 4
    assert script.adam.steps.tolist() == [4]
    torch.testing.assert_close(recorded.sums, torch.stack(expected[:4]).sum(dim=0))


class Capturing:
    """A device whose captures leave something behind."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.captures = self.left = 0
        self._errors = iter(errors)

    def capture(self) -> Callable[[], None]:
        self.captures += 1
        self.left += 1
        error = next(self._errors)
        if error is not None:
            raise error
        return lambda: None

    def restore(self) -> None:
        self.left = 0


def test_after_a_capture_that_failed_there_is_no_other_in_a_process() -> None:
    captures, device = Captures(), Capturing(None, RuntimeError("stream is\ncapturing"), None)
    captures.attempt(device.capture, device.restore)
    assert (captures.failure, device.left) == (None, 0)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="stream is"):
            captures.attempt(device.capture, device.restore)
    assert captures.failure == "stream is capturing"
    assert (device.captures, device.left) == (2, 0)


def test_a_capture_that_is_interrupted_leaves_nothing_behind() -> None:
    captures, device = Captures(), Capturing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        captures.attempt(device.capture, device.restore)
    assert device.left == 0
