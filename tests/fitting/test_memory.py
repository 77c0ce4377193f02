from __future__ import annotations

import dataclasses
from typing import Literal

import pytest
import torch

from sinefit.errors import MemoryLimitError
from sinefit.fitting.budget import Budget
from sinefit.fitting.engines import ManualEngine, NativeEngine
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.memory import check_fit_memory, fit_bytes
from sinefit.fitting.training import Training
from sinefit.networks.size import NetworkSize

from .making import picture, settings


@pytest.mark.parametrize("engine", ["auto", "manual"])
def test_the_estimate_covers_what_a_training_holds(engine: Literal["auto", "manual"]) -> None:
    config = settings(width=64, depth=3, batch=512, engine=engine)
    signal = picture((40, 40), 3)
    training = Training(signal, config, torch.device("cpu"))
    training.step(1.0)
    held = set()
    for owner in (training._engine, training._optimizer._adam.state, training.network):
        stack = [owner if isinstance(owner, dict) else vars(owner)]
        while stack:
            for value in stack.pop().values():
                if isinstance(value, torch.Tensor):
                    held.add((value.untyped_storage().data_ptr(), value.untyped_storage().nbytes()))
                elif isinstance(value, list | tuple):
                    stack.append(dict(enumerate(value)))
                elif isinstance(value, dict):
                    stack.append(value)
    actual = sum(size for _, size in held)
    if isinstance(training._engine, NativeEngine):
        actual += training._engine.bytes
    estimate = fit_bytes(config.size_for(signal.spec), training.piece, torch.get_num_threads())
    assert actual > estimate / 5  # the walk has found the tensors
    assert actual <= estimate


def test_an_absurd_width_is_refused_with_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinefit.memory.available_bytes", lambda: 8 * 10**9)
    check_fit_memory(NetworkSize(2, 256, 4, 3), 4096, 2)
    with pytest.raises(MemoryLimitError, match=r"width 60000 .* needs 4\d\d\.\d GB .* 8\.0 GB"):
        check_fit_memory(NetworkSize(2, 60000, 4, 3), 4096, 2)
    with pytest.raises(MemoryLimitError):
        fit_signal(picture(), settings(width=10**6))


@pytest.mark.processor
def test_a_device_without_memory_gets_smaller_pieces_and_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signal = picture((40, 40), 3)
    config = settings(width=24, batch=300, budget=Budget(steps=60))
    expected = fit_signal(signal, config)
    step = ManualEngine.step

    def scarce(self: ManualEngine, coordinates: torch.Tensor, targets: torch.Tensor) -> object:
        if self._piece > 100:
            raise torch.OutOfMemoryError("no memory for so many samples")
        return step(self, coordinates, targets)

    monkeypatch.setattr(ManualEngine, "step", scarce)
    notices: list[str] = []
    result = fit_signal(signal, config, hooks=FitHooks(on_notice=notices.append))
    assert len(notices) == 1
    assert "75 samples at a time" in notices[0]
    first = dict(dataclasses.asdict(result.report.record))
    second = dict(dataclasses.asdict(expected.report.record))
    for key in ("psnr", "psnr_float"):
        assert first.pop(key) == pytest.approx(second.pop(key), abs=0.1)
    assert first == second
    # The weights differ by the order of sums only, made larger by rounded factors and long steps.
    for mine, whole in zip(
        result.field.network.parameters(), expected.field.network.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, whole, rtol=0, atol=0.03)


def test_memory_that_never_suffices_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: object) -> object:
        raise torch.OutOfMemoryError("nothing left")

    monkeypatch.setattr(ManualEngine, "step", never)
    with pytest.raises(torch.OutOfMemoryError):
        fit_signal(picture(), settings())
