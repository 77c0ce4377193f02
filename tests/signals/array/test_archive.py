from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.errors import InputError
from sinefit.signals.limits import Limits
from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

VALUES = np.linspace(-1, 2, 24).reshape(4, 6)


def saved(save: Callable[..., None] = np.savez, /, **arrays: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "values",
    [VALUES, np.asfortranarray(VALUES), VALUES.astype(">f4"), VALUES > 0, np.arange(5)],
)
def test_the_one_array_of_an_archive_is_read(
    save: Callable[..., None], values: NDArray[Any]
) -> None:
    signal = read_signal(saved(save, heights=values), name="it")
    np.testing.assert_array_equal(signal.samples[..., 0], values)
    assert (signal.spec.kind, signal.spec.format) == ("array", "npz")
    assert signal.spec.low == values.min()


def test_several_arrays_are_named() -> None:
    with pytest.raises(InputError, match=r"it holds 2 arrays \(a, b\): save one of them as \.npy"):
        read_signal(saved(a=VALUES, b=VALUES), name="it")
    many = {f"x{k}": VALUES for k in range(20)}
    with pytest.raises(InputError, match=r"20 arrays \(x0, .*x7, \.\.\.\)"):
        read_signal(saved(**many), name="it")


def archive(content: bytes, packing: int = zipfile.ZIP_STORED, name: str = "a.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as zipped:
        zipped.writestr(name, content)
    return file.getvalue()


def npy(values: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (archive(b"x"), "cannot be read as npz"),
        (archive(npy(VALUES)[:-9]), "9 bytes of its values are missing"),
        (archive(npy(VALUES), zipfile.ZIP_LZMA), "NumPy does not write"),
        (archive(npy(VALUES))[:-10], "cannot be read as npz"),
        (archive(npy(np.array([{}], object))), "no plain values"),
        (archive(npy(np.array(["text"]))), "type <U4"),
        (archive(npy(VALUES * np.nan)), "nothing but NaN"),
        (archive(npy(np.zeros((3, 0)))), "no samples"),
    ],
)
def test_what_is_wrong_is_told(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_signal(content, name="it", format="npz")


def test_an_archive_without_arrays_has_none() -> None:
    with pytest.raises(InputError, match="it holds no array"):
        read_signal(archive(b"x", name="x.txt"), name="it", format="npz")


def test_an_array_that_unfolds_beyond_the_limit_is_refused() -> None:
    content = saved(np.savez_compressed, a=np.zeros(2**20))
    assert len(content) < 2**14
    with pytest.raises(InputError, match="`max_bytes`"):
        read_signal(content, name="it", limits=Limits(max_bytes=2**23 - 1))
    assert read_signal(content, limits=Limits(max_bytes=2**23)).spec.shape == (2**20,)
