from __future__ import annotations

import pytest
import torch

from sinefit.benchmark.training import measure_pace
from sinefit.fitting.devices import cpu_threads
from tests.fitting.making import picture, settings

CPU = torch.device("cpu")


class Readings:
    """A clock on which a second passes with every reading; keeps torch's threads at each."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def __call__(self) -> float:
        self.threads.append(torch.get_num_threads())
        return float(len(self.threads))


def test_both_take_whole_steps_of_their_own_size() -> None:
    config = settings(batch=100, width=16)
    # The clock is read after every step, so that one takes a second.
    pace = measure_pace(picture((10, 12)), config, CPU, Readings(), seconds=3.0, rounds=3)
    assert (pace.samples, pace.batch) == (120, 100)
    assert (pace.textbook, pace.sinefit) == (120.0, 100.0)
    assert pace.ratio == pytest.approx(100 / 120)


def test_a_device_is_waited_for_after_many_steps() -> None:
    clock, config = Readings(), settings(batch=100, width=16)
    pace = measure_pace(picture((10, 12)), config, CPU, clock, seconds=3.0, rounds=2, at_once=64)
    assert (pace.textbook, pace.sinefit) == (120.0, 64 * 100.0)
    # Each turn is begun and ended by a reading, and has three between and at its end.
    assert len(clock.threads) == 2 * 2 * 4


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_the_threads_of_torch_are_its_own_between_the_steps(engine: str) -> None:
    clock = Readings()
    with cpu_threads(2):
        measure_pace(picture(), settings(engine=engine), CPU, clock, seconds=1.0, rounds=2)
    assert set(clock.threads) == {2}
