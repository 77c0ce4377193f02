from __future__ import annotations

import errno
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sinefit.errors import InputError
from sinefit.signals.storage import allocate_samples, in_memory, let_go
from tests.refusing import files_up_to, under_refusals

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("limit", [0, 59, 60, 1000])
def test_zeros_that_can_be_written_and_leave_no_file(folder: Path, limit: int) -> None:
    samples = allocate_samples((3, 5, 2), "<u2", limit=limit)
    assert isinstance(samples, np.memmap) == (limit < 60)
    assert (samples.shape, samples.dtype) == ((3, 5, 2), np.dtype(np.uint16))
    assert not samples.any()
    samples[1] = 7
    assert samples.sum() == 7 * 10
    assert list(folder.iterdir()) == []


def test_no_samples_need_no_file(folder: Path) -> None:
    assert allocate_samples((0, 2), "float32", limit=-1).shape == (0, 2)


def test_a_full_disk_is_an_input_error_that_names_the_folder(folder: Path) -> None:
    with pytest.raises(InputError, match=rf"{folder}.*No space left.*TMPDIR"):
        under_refusals(
            {"fallocate": errno.ENOSPC}, lambda: allocate_samples((100, 100), "uint8", limit=1)
        )
    assert list(folder.iterdir()) == []


def test_a_limit_on_the_size_of_files_is_told(folder: Path) -> None:
    with files_up_to(9999), pytest.raises(InputError, match=rf"{folder}.*File too large.*TMPDIR"):
        allocate_samples((100, 100), "uint8", limit=1)
    assert list(folder.iterdir()) == []


def test_samples_whose_memory_is_let_go_are_still_there(folder: Path) -> None:
    samples = allocate_samples((300, 1000), "<u2", limit=0)
    expected = np.arange(300_000, dtype=np.uint16).reshape(300, 1000)
    samples[:] = expected
    let_go(samples[3:, ::2])
    np.testing.assert_array_equal(samples, expected)
    copy = in_memory(samples[::7, 5:9])
    assert not isinstance(copy, np.memmap)
    np.testing.assert_array_equal(copy, expected[::7, 5:9])
    assert in_memory(expected) is expected


def test_changes_that_a_file_does_not_have_are_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "private"
    np.zeros(5000, np.uint8).tofile(path)
    private = np.memmap(path, np.uint8, mode="c")
    private[:] = 7
    let_go(private[1:])
    assert private.tolist() == [7] * 5000
