from __future__ import annotations

import pytest
import torch

from sinefit.benchmark.pace import measure_pace
from sinefit.benchmark.textbook import TextbookTraining
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.training import Training
from tests.fitting.making import picture, settings

from .making import WorkClock


def test_both_take_whole_steps_of_their_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WorkClock()
    textbook_step, sinefit_step = TextbookTraining.step, Training.step

    def slow(training: TextbookTraining) -> torch.Tensor:
        clock.work(4.0)
        return textbook_step(training)

    def fast(training: Training, factor: float) -> torch.Tensor:
        clock.work(0.5)
        return sinefit_step(training, factor)

    monkeypatch.setattr(TextbookTraining, "step", slow)
    monkeypatch.setattr(Training, "step", fast)
    signal = picture((10, 12))
    pace = measure_pace(
        signal, settings(batch=100), torch.device("cpu"), clock, seconds=1.0, rounds=3
    )
    assert (pace.samples, pace.batch) == (120, 100)
    assert (pace.textbook, pace.sinefit, pace.ratio) == (30.0, 200.0, pytest.approx(200 / 30))


@pytest.mark.parametrize("own", [True, False])
def test_threads_of_torch_stand_aside_only_for_those_of_an_engine(
    own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[int]] = {"textbook": set(), "sinefit": set()}
    clock = WorkClock()

    def slow(_training: TextbookTraining) -> None:
        seen["textbook"].add(torch.get_num_threads())
        clock.work(1.0)

    def fast(_training: Training, _factor: float) -> None:
        seen["sinefit"].add(torch.get_num_threads())
        clock.work(1.0)

    monkeypatch.setattr(TextbookTraining, "step", slow)
    monkeypatch.setattr(Training, "step", fast)
    monkeypatch.setattr(Training, "has_own_threads", own)
    with cpu_threads(2):
        measure_pace(picture(), settings(), torch.device("cpu"), clock, seconds=1.0, rounds=2)
        assert torch.get_num_threads() == 2
    assert seen == {"textbook": {2}, "sinefit": {1 if own else 2}}
