from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import sinefit
from sinefit.errors import (
    DeviceError,
    InputError,
    SettingError,
)
from sinefit.signals.array.reading import array_signal
from sinefit.signals.reading import read_signal
from tests.api.making import TINY, same

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field
    from sinefit.fitting.report import Progress


def test_every_sort_of_source_gives_the_same_field(photo: Path, field: Field) -> None:
    assert field.spec.shape == (12, 16)
    assert field.record.steps == 5
    for source in (str(photo), photo.read_bytes(), read_signal(photo)):
        assert same(sinefit.fit(source, **TINY), field)


def test_an_array_of_its_own() -> None:
    array = np.random.default_rng(0).normal(size=(6, 8, 2))
    grid = sinefit.fit(array, **TINY)
    assert (grid.spec.shape, grid.spec.channels) == ((6, 8, 2), 1)
    deep = sinefit.fit(array, channels_last=True, **TINY)
    assert (deep.spec.shape, deep.spec.channels) == ((6, 8), 2)
    globe = sinefit.fit(array[..., 0], domain="sphere", **TINY)
    assert globe.network.size.in_features == 3
    assert same(sinefit.fit(array_signal(array), **TINY), grid)


def test_an_array_in_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(24.0).reshape(6, 4))
    field = sinefit.fit(tmp_path / "a.npy", channels_last=True, **TINY)
    assert (field.spec.shape, field.spec.channels) == ((6,), 4)


def test_settings_arrive(photo: Path) -> None:
    field = sinefit.fit(
        photo,
        init="lambert:sigma_a=1",
        omega=(20.0, 10.0),
        learning_rate=1e-3,
        batch=50,
        seed=4,
        dtype="float16",
        **TINY,
    )
    assert field.record.initializer == "lambert:sigma_a=1"
    assert field.record.omega == (20.0, 10.0)
    assert (field.record.batch, field.record.seed) == (50, 4)
    assert torch.equal(field.network.values, field.network.values.half().float())
    assert sinefit.fit(photo, omega=7, **TINY).record.omega == (7.0, 7.0)
    field = sinefit.fit(photo, omega="0.5nyquist", **TINY)
    assert field.record.omega == pytest.approx([math.pi * n / 4 for n in field.spec.shape])


def test_progress_is_told(photo: Path) -> None:
    heard: list[Progress] = []
    sinefit.fit(photo, on_progress=heard.append, **{**TINY, "steps": 120})
    steps = [progress.step for progress in heard if progress.phase == "fitting"]
    assert steps
    assert steps == sorted(steps)
    assert heard[-1].phase == "measuring"
    assert heard[-1].share == 1.0
    shares = [progress.share for progress in heard if progress.phase == "fitting"]
    assert all(share is not None and 0 <= share <= 1 for share in shares)


def test_one_fit_goes_on_from_another(photo: Path, field: Field) -> None:
    later = sinefit.fit(photo, start_from=field, learning_rate=1e-12, **{**TINY, "steps": 1})
    torch.testing.assert_close(later.network.values, field.network.values, atol=1e-8, rtol=0)


def test_upscaling_is_a_fit_for_it_and_a_render(photo: Path) -> None:
    field = sinefit.fit(photo, recipe="upscale", **TINY)
    larger = sinefit.upscale(photo, scale=3, **TINY)
    np.testing.assert_array_equal(larger.samples, field.render(scale=3).samples)
    assert sinefit.upscale(np.zeros((4, 5)), **TINY).spec.shape == (8, 10)
    hour = {**TINY, "steps": None, "max_time": 3600}
    with pytest.raises(SettingError, match="`rate` does not apply"):
        sinefit.upscale(photo, rate=3, **hour)


@pytest.mark.parametrize(
    ("settings", "error", "cause"),
    [
        ({"init": "lamber"}, SettingError, "did you mean lambert"),
        ({"omega": "loud"}, SettingError, "`omega` is 'loud'"),
        ({"omega": (1.0, 2.0, 3.0)}, SettingError, "3 values"),
        ({"width": 0}, SettingError, "`width` is 0"),
        ({"dtype": "int8"}, SettingError, "`dtype` is int8"),
        ({"device": "cuda:99"}, DeviceError, "`device` is cuda:99"),
        ({"channels_last": True}, SettingError, "`channels_last`"),
        ({"steps": math.nan}, SettingError, "`steps` is nan: it must be a whole number"),
        ({"steps": 2.5}, SettingError, "`steps` is 2.5"),
        ({"steps": True}, SettingError, "`steps` is True"),
        ({"threads": 1000}, SettingError, "`threads` is 1000: this machine has"),
        ({"init": 3}, SettingError, "`init` is 3"),
        ({"start_from": "a.safetensors"}, SettingError, "`start_from` is 'a.safetensors'"),
        ({"device": None}, SettingError, "`device` is None"),
        ({"on_progress": 3}, SettingError, "`on_progress` is 3: it must be a function, or None"),
    ],
)
def test_wrong_settings(
    settings: dict[str, Any], error: type[Exception], cause: str, photo: Path
) -> None:
    with pytest.raises(error, match=cause):
        sinefit.fit(photo, **{**TINY, **settings})


def test_numbers_of_numpy_are_numbers(photo: Path, field: Field) -> None:
    plain = sinefit.fit(photo, **TINY, omega=(20.0, 10.0))
    omegas: list[Any] = [
        np.array([20, 10]),
        torch.tensor([20.0, 10.0]),
        [np.float32(20), np.int8(10)],
    ]
    for omega in omegas:
        settings: dict[str, Any] = {
            key: np.int64(value) for key, value in TINY.items() if key != "device"
        }
        assert same(plain, sinefit.fit(photo, **settings, device="cpu", omega=omega))
    scale: Any = np.float32(2)
    assert field.render(scale).samples.shape == (24, 32, 3)
    assert field.render(size=np.array([4, 3])).samples.shape == (3, 4, 3)
    assert field.render(region=np.array([0, 0, 2, 2])).samples.shape == (2, 2, 3)


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    for source in (tmp_path / "missing.png", tmp_path, b"", b"garbage" * 99):
        with pytest.raises(InputError):
            sinefit.fit(source, **TINY)
    with pytest.raises(InputError, match="no samples"):
        sinefit.fit(np.zeros((0, 3), np.float32), **TINY)
