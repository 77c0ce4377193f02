from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import sinefit
from sinefit.errors import (
    InputError,
    OutputError,
    OutputExistsError,
    SettingError,
)
from sinefit.fields.weights_file import encode_field
from sinefit.signals.reading import read_signal
from tests.api.making import TINY, clear_picture, same

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field


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
