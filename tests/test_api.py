from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

import sinefit
from sinefit.errors import (
    DeviceError,
    InputError,
    MemoryLimitError,
    OutputError,
    OutputExistsError,
    SettingError,
)
from sinefit.fields.weights_file import encode_field
from sinefit.signals.array.reading import array_signal
from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field
    from sinefit.fitting.report import Progress

TINY: dict[str, Any] = {"steps": 5, "width": 16, "depth": 2, "threads": 1, "device": "cpu"}


def clear_picture() -> bytes:
    """Return a PNG that has an alpha channel."""
    content = io.BytesIO()
    Image.new("RGBA", (8, 6), (200, 10, 60, 128)).save(content, "png")
    return content.getvalue()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "photo.png"
    rows, columns = np.mgrid[0:12, 0:16]
    pixels = np.stack([rows * 20, columns * 15, 255 - rows * columns], axis=-1)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def field(photo: Path) -> Field:
    return sinefit.fit(photo, **TINY)


def same(first: Field, second: Field) -> bool:
    return torch.equal(first.network.values, second.network.values)


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


def test_what_is_no_field_no_signal_or_no_name_is_refused(field: Field, tmp_path: Path) -> None:
    signal: Any = field.render()
    wrong: Any = field
    nothing: Any = None
    word: Any = "float65"
    for call in (
        lambda: sinefit.save(signal, tmp_path / "a"),
        lambda: sinefit.save(field, nothing),
        lambda: sinefit.save(field, tmp_path / "a", dtype=word),
        lambda: sinefit.load(nothing),
        lambda: sinefit.write(wrong, tmp_path / "a.png"),
        lambda: sinefit.write(signal, wrong),
        lambda: sinefit.write(signal, tmp_path / "a.jpg", quality=word),
        lambda: sinefit.read_signal(nothing),
        lambda: sinefit.save(field, tmp_path / "a", force=word),
        lambda: sinefit.write(signal, tmp_path / "a.jpg", force=word),
    ):
        with pytest.raises(SettingError, match=r"^`[a-z]+` is .*: it must be"):
            call()
    assert not list(tmp_path.iterdir())


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    for source in (tmp_path / "missing.png", tmp_path, b"", b"garbage" * 99):
        with pytest.raises(InputError):
            sinefit.fit(source, **TINY)
    with pytest.raises(InputError, match="no samples"):
        sinefit.fit(np.zeros((0, 3), np.float32), **TINY)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_what_is_saved_is_loaded(dtype: Any, photo: Path, tmp_path: Path) -> None:
    field = sinefit.fit(photo, dtype=dtype, **TINY)
    path = tmp_path / "w.safetensors"
    sinefit.save(field, path, dtype=dtype)
    for source in (path, str(path), path.read_bytes()):
        again = sinefit.load(source)
        assert same(again, field)
        assert (again.spec, again.record) == (field.spec, field.record)


def test_saving_replaces_only_by_force(field: Field, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError):
        sinefit.save(field, path)
    assert path.read_bytes() == b"old"
    sinefit.save(field, path, force=True)
    assert path.read_bytes() == encode_field(field)


def test_weights_that_cannot_be_loaded(tmp_path: Path, photo: Path, field: Field) -> None:
    for source in (tmp_path / "missing", tmp_path, photo, b"", encode_field(field)[:-1]):
        with pytest.raises(InputError):
            sinefit.load(source)


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.webp", "x.bmp", "x.npy"])
def test_a_render_is_written_without_a_loss(name: str, field: Field, tmp_path: Path) -> None:
    picture = field.render(scale=2)
    sinefit.write(picture, tmp_path / name)
    again = read_signal(tmp_path / name)
    samples = again.samples.reshape(picture.samples.shape)
    np.testing.assert_array_equal(samples, picture.samples)


def test_the_format_can_be_said(field: Field, tmp_path: Path) -> None:
    picture = field.render()
    sinefit.write(picture, tmp_path / "plain", format="png")
    assert read_signal(tmp_path / "plain").spec.format == "png"
    with pytest.raises(OutputError, match=r"plain2: no format .* png, jpeg"):
        sinefit.write(picture, tmp_path / "plain2")
    with pytest.raises(OutputError, match="cannot be written as wav"):
        sinefit.write(picture, tmp_path / "x", format="wav")
    sinefit.write(field.render(scale=4), tmp_path / "low.jpg", quality=5)
    sinefit.write(field.render(scale=4), tmp_path / "high.jpg", quality=95)
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size


@pytest.mark.parametrize(("name", "format"), [("x.png", None), ("x", "png"), ("x.npy", None)])
def test_a_quality_that_the_format_lets_nobody_choose_is_refused(
    name: str, format: str | None, field: Field, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=r"^`quality` is 90: (png|npy) has none .* jpeg, webp"):
        sinefit.write(field.render(), tmp_path / name, format=format, quality=90)
    with pytest.raises(SettingError, match=r"^`quality` is 900: it must be from 0 to 100"):
        sinefit.write(field.render(), tmp_path / name, format=format, quality=900)
    assert not list(tmp_path.iterdir())


def test_what_is_no_function_and_neither_true_nor_false_is_refused_at_once(
    field: Field, photo: Path
) -> None:
    before = sorted(photo.parent.iterdir())
    wrong: Any = 3
    for call in (
        lambda: sinefit.evaluate(field, photo, on_share=wrong),
        lambda: sinefit.fit_many(photo, on_end=wrong),
        lambda: sinefit.fit_many(photo, should_stop=wrong),
        lambda: sinefit.fit_many(photo, force=wrong),
        lambda: sinefit.fit_many(photo, sound=wrong),
        lambda: sinefit.fit_many(photo, recursive=wrong),
        lambda: sinefit.fit_many(photo, together=wrong),
        lambda: sinefit.fit_many(photo, skip_existing=wrong),
        lambda: sinefit.resume("missing", on_notice=wrong),
        lambda: sinefit.resume("missing", force=wrong),
        lambda: sinefit.FitHooks(on_field=wrong),
    ):
        with pytest.raises(SettingError, match=r"^`[a-z_]+` is 3: it must be (a function|True or)"):
            call()
    assert sorted(photo.parent.iterdir()) == before


def test_a_format_that_the_name_contradicts_is_refused(field: Field, tmp_path: Path) -> None:
    for name, format in (("y.png", "jpeg"), ("y.jpg", "png"), ("y.mp4", "png")):
        with pytest.raises(SettingError, match=f"`format` is {format}, but the name .*{name} says"):
            sinefit.write(field.render(), tmp_path / name, format=format)
    assert not list(tmp_path.iterdir())


def test_writing_replaces_only_by_force_and_leaves_nothing(field: Field, tmp_path: Path) -> None:
    picture = field.render()
    (tmp_path / "x.png").write_bytes(b"old")
    with pytest.raises(OutputExistsError):
        sinefit.write(picture, tmp_path / "x.png")
    sinefit.write(picture, tmp_path / "x.png", force=True)
    with pytest.raises(OutputError, match="alpha"):
        sinefit.write(sinefit.fit(clear_picture(), **TINY).render(), tmp_path / "y.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


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
