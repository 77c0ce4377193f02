from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sinefit.errors import OutputError
from sinefit.signals.array.formats import check_array_writable
from sinefit.signals.array.reading import array_signal
from sinefit.signals.array.writing import ArrayWriter
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("channels_last", "channels"), [(False, 1), (True, 1), (True, 2)])
def test_channel_axis_is_written_as_it_was_read(
    tmp_path: Path, channels_last: bool, channels: int
) -> None:
    shape = (4, 5, channels) if channels_last else (4, 5)
    values = np.arange(math.prod(shape), dtype=np.int16).reshape(shape)
    signal = array_signal(values, channels_last=channels_last)
    writer = ArrayWriter(tmp_path / "b.npy", signal.spec, "npy", Encoding())
    writer.write(signal.samples)
    writer.close()
    assert np.load(tmp_path / "b.npy").shape == shape


def test_a_writer_refuses_what_does_not_belong(tmp_path: Path) -> None:
    spec = array_signal(np.zeros((4, 5))).spec
    writer = ArrayWriter(tmp_path / "b.npy", spec, "npy", Encoding())
    for block in (np.zeros((1, 6, 1)), np.zeros((5, 5, 1)), np.zeros((1, 5, 1), np.float32)):
        with pytest.raises(OutputError, match="does not belong"):
            writer.write(block)
    writer.write(np.zeros((3, 5, 1)))
    with pytest.raises(OutputError, match="only 3 of 4"):
        writer.close()
    writer.abort()


def test_a_writer_names_a_folder_that_is_not_there(tmp_path: Path) -> None:
    spec = array_signal(np.zeros((4, 5))).spec
    with pytest.raises(OutputError, match=r"missing.b\.npy cannot be written"):
        ArrayWriter(tmp_path / "missing" / "b.npy", spec, "npy", Encoding())


def test_settings_without_effect_are_told(tmp_path: Path) -> None:
    spec = array_signal(np.zeros((4, 5))).spec
    writer = ArrayWriter(tmp_path / "b.npy", spec, "npy", Encoding(quality=5, subtype="PCM_16"))
    writer.abort()
    assert [("`quality`" in notice, "`subtype`" in notice) for notice in writer.notices] == [
        (True, False),
        (False, True),
    ]


def test_only_npy_is_written() -> None:
    spec = array_signal(np.zeros((4, 5))).spec
    check_array_writable(spec, "npy")
    with pytest.raises(OutputError, match="npy"):
        check_array_writable(spec, "png")
