from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.fitting.engines import choice, choose_engine, fast_operands
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    import pytest


def test_operands_that_suit_this_machine() -> None:
    assert fast_operands(torch.device("cpu")) in (torch.float32, torch.bfloat16)


def test_operands_without_fast_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: False, raising=False)
    assert fast_operands(torch.device("cpu")) == torch.float32
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert fast_operands(torch.device("cpu")) == torch.bfloat16


def test_operands_where_torch_has_no_such_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, probe, raising=False)
    assert fast_operands(torch.device("cpu")) == torch.float32
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
