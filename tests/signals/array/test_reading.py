from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sinefit.errors import InputError, SettingError
from sinefit.signals.array.reading import array_signal, read_array
from sinefit.signals.array.writing import ArrayWriter
from sinefit.signals.selection import Selection
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from sinefit.signals.signal import Signal

TYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


def saved(path: Path, values: ArrayLike) -> Path:
    np.save(path, values)
    return path


def read(path: Path, **selection: Any) -> Signal:
    return read_array(path, path.name, "npy", Selection(**selection))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("order", "<>")
def test_every_real_type_in_either_byte_order(
    tmp_path: Path, kind: str, order: Literal["<", ">"]
) -> None:
    values = np.arange(24).reshape(4, 6).astype(np.dtype(kind).newbyteorder(order))
    signal = read(saved(tmp_path / "a.npy", values))
    np.testing.assert_array_equal(signal.samples[..., 0], values)
    spec = signal.spec
    assert spec.dtype == np.dtype(kind).name
    assert signal.samples.dtype.isnative
    assert (spec.kind, spec.format, spec.shape, spec.channels) == ("array", "npy", (4, 6), 1)
    assert (spec.low, spec.high) == ((0, 1) if kind == "?" else (0, 23))
    assert spec.bit_depth == (1 if kind == "?" else 8 * np.dtype(kind).itemsize)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    values=hnp.arrays(
        st.sampled_from(["f2", "f4", "f8", "i4", "u1", "?"]),
        hnp.array_shapes(max_dims=4, max_side=5),
        elements={"allow_nan": False, "allow_infinity": False, "min_value": 0, "max_value": 1},
    ),
    fortran=st.booleans(),
    channels_last=st.booleans(),
)
def test_reading_and_writing_gives_the_same_array(
    tmp_path: Path, values: NDArray[Any], fortran: bool, channels_last: bool
) -> None:
    span = float(np.ptp(values.astype(float)))
    assume(span == 0 or span > 1e-300)  # a smaller one cannot be scaled
    channels_last = channels_last and values.ndim > 1
    stored = np.asfortranarray(values) if fortran else values
    signal = read(saved(tmp_path / "a.npy", stored), channels_last=channels_last)
    np.testing.assert_array_equal(signal.samples.reshape(values.shape), values)
    writer = ArrayWriter(tmp_path / "b.npy", signal.spec, "npy", Encoding())
    for block in np.array_split(signal.samples, 2):
        writer.write(block)
    writer.close()
    again = np.load(tmp_path / "b.npy", allow_pickle=False)
    assert (again.dtype, again.shape) == (values.dtype, values.shape)
    np.testing.assert_array_equal(again, values)


def test_range_is_found_across_pieces(tmp_path: Path) -> None:
    # More values than are looked at in one go, the extremes in the first and in the last of them.
    values = np.random.default_rng(2).random((1100, 2100), np.float32)
    values[3, 4], values[1099, 2099] = -9.5, 8.25
    for stored in (values, np.asfortranarray(values)):
        spec = read(saved(tmp_path / "a.npy", stored)).spec
        assert (spec.low, spec.high) == (-9.5, 8.25)


@pytest.mark.parametrize("value", [0.0, 3.0, -7e30, 2.0**62])
def test_a_constant_lies_in_the_middle_of_a_range_of_its_own(tmp_path: Path, value: float) -> None:
    signal = read(saved(tmp_path / "a.npy", np.full((3, 4), value)))
    assert signal.spec.low < value < signal.spec.high
    np.testing.assert_array_equal(signal.spec.to_unit(signal.samples), 0.0)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
@pytest.mark.parametrize("position", [0, 50, 99])
def test_values_that_are_not_finite_are_refused(
    tmp_path: Path, value: float, position: int
) -> None:
    values = np.zeros(100, np.float32)
    values[position] = value
    with pytest.raises(InputError, match=r"a\.npy .* infinite values"):
        read(saved(tmp_path / "a.npy", values))


@pytest.mark.parametrize(
    "values",
    [np.zeros(3, complex), np.zeros(3, "datetime64[s]"), np.zeros(3, "U2"), np.zeros(3, "i4,f4")],
)
def test_other_types_are_refused_by_name(tmp_path: Path, values: NDArray[Any]) -> None:
    with pytest.raises(InputError, match=r"a\.npy holds values of type .*convert"):
        read(saved(tmp_path / "a.npy", values))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([print, "x"], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"a\.npy"):
        read(path)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (0, 0, 2)])
def test_arrays_without_samples_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"a\.npy has shape"):
        read(saved(tmp_path / "a.npy", np.zeros(shape)))


@pytest.mark.parametrize(
    ("values", "cause"),
    [([-1.7e308, 1.7e308], "too much"), ([1.7e308] * 3, "too much"), ([0, 1e-310], "too little")],
)
def test_a_range_beyond_float64_is_refused(
    tmp_path: Path, values: list[float | int] | list[float], cause: str
) -> None:
    with pytest.raises(InputError, match=rf"a\.npy spans .* {cause} to be scaled"):
        read(saved(tmp_path / "a.npy", np.array(values)))


@pytest.mark.parametrize("kept", [0, 5, 60, 127, 300])
def test_truncated_files_are_refused_in_one_line(tmp_path: Path, kept: int) -> None:
    path = saved(tmp_path / "a.npy", np.arange(100.0))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"a\.npy cannot be read as npy") as error:
        read(path)
    assert "\n" not in str(error.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(rubbish=st.binary(max_size=200))
def test_any_rubbish_after_the_signature_is_refused_or_read(tmp_path: Path, rubbish: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY" + rubbish)
    with contextlib.suppress(InputError):
        assert np.isfinite(read(path).samples).all()


def test_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))
    with pytest.raises(InputError, match=r"archive.*\.npy"):
        read(path)


def test_channels_last(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 6, 3))
    path = saved(tmp_path / "a.npy", values)
    signal = read(path, channels_last=True)
    assert (signal.spec.shape, signal.spec.channels) == ((5, 6), 3)
    np.testing.assert_array_equal(signal.samples, values)
    assert read(path).spec.shape == (5, 6, 3)
    with pytest.raises(SettingError, match="`channels_last` needs 2 axes"):
        read(saved(tmp_path / "line.npy", np.arange(4.0)), channels_last=True)


def test_sphere_has_two_axes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.arange(30.0).reshape(2, 5, 3))
    assert read(path, domain="sphere", channels_last=True).spec.coordinate_features == 3
    with pytest.raises(SettingError, match=r"`domain` sphere .*\(2, 5, 3\).*`channels_last`"):
        read(path, domain="sphere")
    with pytest.raises(SettingError, match="`domain` sphere"):
        read(saved(tmp_path / "line.npy", np.arange(4.0)), domain="sphere")


def test_a_file_is_not_copied_into_memory(tmp_path: Path) -> None:
    for values in (np.zeros((3, 4)), np.asfortranarray(np.zeros((3, 4)))):
        samples = read(saved(tmp_path / "a.npy", values)).samples
        while samples.base is not None and not isinstance(samples, np.memmap):
            samples = samples.base
        assert isinstance(samples, np.memmap)


def test_an_array_in_memory_is_a_signal_without_a_copy() -> None:
    values = np.arange(24.0).reshape(2, 4, 3)
    signal = array_signal(values, channels_last=True)
    assert np.shares_memory(signal.samples, values)
    assert (signal.spec.shape, signal.spec.channels, signal.spec.high) == ((2, 4), 3, 23)
    assert np.shares_memory(array_signal(values[:, ::2]).samples, values)
    with pytest.raises(InputError, match="the array holds infinite values"):
        array_signal(np.array([1.0, math.inf]))


def test_what_the_parser_says_of_itself_is_not_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    header = b"{'descr': '<f4', 'shape': (4,"
    path.write_bytes(b"\x93NUMPY\x01\0" + bytes([len(header), 0]) + header)
    with pytest.raises(InputError, match=r"its header is damaged, or it is cut short; get another"):
        read(path)
