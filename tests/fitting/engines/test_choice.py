from __future__ import annotations

import pytest
import torch

from sinefit.fitting.engines import choice, choose_engine, fast_operands
from sinefit.networks.size import NetworkSize

pytestmark = pytest.mark.processor


def test_operands_that_suit_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(choice, "bfloat16_products", lambda there=there: there)
        assert fast_operands(torch.device("cpu")) == expected
        assert fast_operands(torch.device("mps")) == torch.float32


def test_the_engine_of_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    size = NetworkSize(2, 64, 3, 3)
    cpu, cuda, mps = (torch.device(name) for name in ("cpu", "cuda", "mps"))
    for there, expected in ((True, "native"), (False, "manual")):
        monkeypatch.setattr(choice, "tiles_supported", lambda _, there=there: there)
        assert choose_engine("auto", cpu, size) == expected
        assert choose_engine("auto", cuda, size) == "cuda"
        assert choose_engine("auto", mps, size) == "manual"
        assert choose_engine("autograd", cpu, size) == "autograd"
        assert choose_engine("manual", cuda, size) == "manual"
