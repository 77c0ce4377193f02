from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import sinefit
from sinefit.errors import (
    DeviceError,
    InputError,
    MemoryLimitError,
    SettingError,
)
from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field


@pytest.mark.parametrize(
    "settings",
    [{"scale": "x"}, {"scale": None, "size": "4x3"}, {"rate": "fast"}, {"region": 3}, {"size": []}],
)
def test_a_render_of_wrong_types_is_refused(settings: dict[str, Any], field: Field) -> None:
    with pytest.raises(SettingError, match=f"^`{list(settings)[-1]}` is .*: it must be"):
        field.render(**settings)


def test_a_render_that_memory_cannot_hold_is_refused_before_it_begins(field: Field) -> None:
    with pytest.raises(MemoryLimitError, match=r"1000000x1000000 .* 3000\.0 GB .*render_pieces"):
        field.render(size=(10**6, 10**6))


def test_a_field_is_held_against_a_signal_in_any_form(photo: Path, field: Field) -> None:
    told: list[float] = []
    before = field.network.values.clone()
    scores = sinefit.evaluate(field, photo, device="cpu", on_share=told.append)
    assert scores["psnr"] == pytest.approx(field.record.psnr, abs=1e-3)
    assert scores["psnr_range"] == 255
    assert -1 <= scores["ssim"] <= 1
    assert told[-1] == 1
    assert torch.equal(field.network.values, before)
    signal = read_signal(photo)
    assert sinefit.evaluate(field, signal, device="cpu") == scores
    assert sinefit.evaluate(field, photo.read_bytes(), device="cpu") == scores


def test_what_a_field_cannot_be_held_against(photo: Path, field: Field) -> None:
    with pytest.raises(SettingError, match="compare it with a signal of the same kind"):
        sinefit.evaluate(field, np.zeros((9, 9), np.float32), device="cpu")
    with pytest.raises(DeviceError):
        sinefit.evaluate(field, photo, device="cuda:99")
    with pytest.raises(SettingError, match=r"^`field` is"):
        sinefit.evaluate(photo, photo)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"no.png does not exist"):
        sinefit.evaluate(field, "no.png", device="cpu")
