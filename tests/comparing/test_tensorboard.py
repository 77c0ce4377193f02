from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import sinefit
from sinefit.comparing.tensorboard import check_tensorboard
from tests.cli.making import make_picture

if TYPE_CHECKING:
    from pathlib import Path


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads of a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found: Any = EventAccumulator(str(folder))
        found.Reload()
        return {
            tag: [(event.step, event.value) for event in found.Scalars(tag)]
            for tag in found.Tags()["scalars"]
        }


def test_tensorboard_reads_the_logs(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    photo = make_picture(tmp_path / "photo.png")
    settings: dict[str, Any] = {"width": 8, "depth": 2, "device": "cpu", "steps": 150}
    logs = tmp_path / "logs"
    for _ in range(2):  # again, which writes no second log
        found = sinefit.compare(
            photo, seeds=2, folder=tmp_path / "cells", tensorboard=logs, **settings
        )
    folders = sorted(logs.iterdir())
    assert len(folders) == 2
    for folder, cell in zip(folders, found.cells, strict=True):
        assert len(list(folder.iterdir())) == 1
        read = scalars(folder)
        along = [(step, psnr) for step, _, psnr in cell.curve]
        np.testing.assert_allclose(np.array(read["batches/psnr"]), np.array(along), rtol=1e-6)
        np.testing.assert_allclose(np.array(read["final/psnr"]), [[150.0, cell.psnr or 0.0]])
        assert "final/psnr_holdout" not in read


def test_without_tensorboard_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(sinefit.SettingError, match=r"pip install 'sinefit\[tensorboard\]'"):
        check_tensorboard()
