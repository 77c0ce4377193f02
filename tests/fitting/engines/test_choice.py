from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.fitting.engines import fast_operands

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
