from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import InputError, SettingError
from sinefit.signals.limits import (
    DEFAULT_LIMITS,
    Limits,
    check_plausible,
)

sizes = st.integers(1, 200)


@pytest.mark.parametrize(
    ("limits", "flag"), [({"max_pixels": 0}, "`max_pixels`"), ({"max_bytes": -5}, "`max_bytes`")]
)
def test_a_limit_below_one_is_no_limit(limits: dict[str, int], flag: str) -> None:
    with pytest.raises(SettingError, match=f"^{flag} is .*: it must be at least 1$"):
        Limits(**limits)


@given(sizes, sizes, st.integers(1, 40_000))
def test_pictures_are_refused_beyond_the_limit_only(width: int, height: int, most: int) -> None:
    limits = Limits(max_pixels=most)
    if width * height <= most:
        limits.check_picture(width, height, "it")
    else:
        with pytest.raises(InputError, match=f"^it has {width}x{height} pixels, .*{most}.*`max_p"):
            limits.check_picture(width, height, "it")


@given(st.lists(sizes, min_size=1, max_size=3), st.sampled_from(["uint8", "float64"]), sizes)
def test_samples_are_refused_beyond_the_limit_only(shape: list[int], dtype: str, most: int) -> None:
    limits = Limits(max_bytes=most * 1000)
    size = np.empty(tuple(shape), dtype).nbytes
    if size <= most * 1000:
        limits.check_samples(tuple(shape), dtype, "it")
    else:
        with pytest.raises(InputError, match=f"^it would take {size} bytes.*`max_bytes`"):
            limits.check_samples(tuple(shape), dtype, "it")


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_a_picture_without_pixels_is_none(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"^it has no pixels"):
        DEFAULT_LIMITS.check_picture(*size, "it")


def test_the_default_limit_has_room_for_16384_squared() -> None:
    DEFAULT_LIMITS.check_picture(16384, 16384, "it")
    DEFAULT_LIMITS.check_samples((16384, 16384, 4), "uint16", "it")


def test_sizes_beyond_64_bits_are_counted() -> None:
    with pytest.raises(InputError, match=str(2**80)):
        DEFAULT_LIMITS.check_samples((2**40, 2**40), "uint8", "it")


@given(sizes, sizes, st.integers(1, 10), st.integers(1, 100))
def test_a_picture_is_plausible_up_to_a_number_of_pixels_per_byte(
    width: int, height: int, size: int, most: int
) -> None:
    if width * height <= size:
        check_plausible(width, most * height, size, most, "it")
    else:
        with pytest.raises(InputError, match=f"its {size} bytes cannot hold the"):
            check_plausible(width, most * height, size, most, "it")
