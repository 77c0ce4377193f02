"""Recorded steps on the CPU: a stand-in records, all else is what a device would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.adam import Adam
from sinefit.engines.objective import Batch
from sinefit.engines.recorded import REHEARSALS, RecordedStep
from sinefit.engines.registry import ENGINES
from sinefit.networks.size import NetworkSize

from .making import draw_batch, random_network, work_of
from .tape import Tape

if TYPE_CHECKING:
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

    def recorded(self, tape: Tape) -> RecordedStep:
        indices = torch.zeros((self.network.members, BATCH), dtype=torch.int64)
        return RecordedStep(self.gather, self.engine, self.adam, indices, tape)


def take(script: Script, step: RecordedStep, count: int) -> list[Tensor]:
    return [step(*script.draw()) for _ in range(count)]


def test_some_steps_are_rehearsed_then_one_is_recorded_and_repeated() -> None:
    script, tape = Script(), Tape()
    step = script.recorded(tape)
    take(script, step, REHEARSALS + 4)
    assert tape.events == ["rehearse"] * REHEARSALS + ["record"] + ["replay"] * 4
    assert step.failure is None


@pytest.mark.parametrize("failure", [None, RuntimeError("no graphs\nhere"), RuntimeError()])
@pytest.mark.parametrize(("name", "members"), [("torch", 1), ("torch", 3), ("cuda", 1)])
def test_recorded_or_not_the_steps_are_the_same(
    name: str, members: int, failure: Exception | None
) -> None:
    plain, script, tape = Script(name, members), Script(name, members), Tape(failure)
    step = script.recorded(tape)
    # All losses are looked at after the last step: what was returned must stay.
    for expected, found in zip(plain.plain(12), take(script, step, 12), strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(script.network.values, plain.network.values)
    assert tape.events.count("record") == 1
    if failure is not None:
        assert step.failure == ("no graphs here" if str(failure) else "RuntimeError")
        assert tape.events.count("rehearse") == 12


def test_an_error_that_is_not_the_recording_s_is_not_hidden() -> None:
    script = Script()
    step = script.recorded(Tape(KeyError("a bug")))
    with pytest.raises(KeyError):
        take(script, step, REHEARSALS + 1)
