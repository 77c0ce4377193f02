from __future__ import annotations

import pytest
import torch

from sinefit.errors import DeviceError
from sinefit.fitting import pace
from sinefit.fitting.pace import operations_per_second


def test_threads_add_up() -> None:
    one = operations_per_second("cpu", 1)
    assert operations_per_second("cpu", 3) == pytest.approx(3 * one)
    assert operations_per_second("cpu", None) == pytest.approx(torch.get_num_threads() * one)


def test_every_kind_of_processor_has_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "tiles_supported", lambda _: True)
    assert operations_per_second("cpu", 1) == pace.TILES
    monkeypatch.setattr(pace, "tiles_supported", lambda _: False)
    monkeypatch.setattr(pace, "fast_operands", lambda _: torch.bfloat16)
    assert operations_per_second("cpu", 1) == pace.LOW_PRECISION
    monkeypatch.setattr(pace, "fast_operands", lambda _: torch.float32)
    assert operations_per_second("cpu", 1) == pace.SINGLE_PRECISION


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError):
        operations_per_second("tpu", None)
