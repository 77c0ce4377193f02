from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.errors import OutputError, SettingError
from sinefit.signals.formats import check_quality, formats_of
from sinefit.signals.reading import read_signal
from sinefit.signals.signal import KINDS, SignalSpec
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import check_writable, open_writer, written

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.signal import Kind

IMAGE = SignalSpec("image", (16, 16), 3, "uint8", 0, 255, "png", 8)
SOUND = SignalSpec("audio", (4800,), 1, "float32", -1, 1, "wav", 16, Fraction(48000))
CLIP = SignalSpec("video", (3, 16, 16), 3, "uint8", 0, 255, "mp4", 8, Fraction(25))
FIELD = SignalSpec("array", (3, 4, 5), 1, "float64", 0, 1, "npy", 64)
SPECS = {"image": IMAGE, "audio": SOUND, "video": CLIP, "array": FIELD}
# What needs an optional part is tested where that is installed.
PAIRS = [(kind, format) for kind in KINDS for format in formats_of(kind) if format != "jxl"]


def samples_of(spec: SignalSpec) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    values = rng.uniform(spec.low / 2, spec.high, (*spec.shape, spec.channels))
    return values.astype(spec.dtype)


@pytest.mark.parametrize(("kind", "format"), PAIRS)
def test_what_is_written_is_read_back_in_its_format(tmp_path: Path, kind: str, format: str) -> None:
    spec = SPECS[kind]
    check_writable(spec, format)
    # A name that says nothing: format alone decides.
    writer = open_writer(tmp_path / "out.tmp", spec, format)
    samples = samples_of(spec)
    for block in np.array_split(samples, 3):
        writer.write(block)
    writer.close()
    signal = read_signal(tmp_path / "out.tmp", kind=None if format == "npy" else spec.kind)
    assert signal.spec.format == format
    if format == "npy":
        np.testing.assert_array_equal(signal.samples.reshape(samples.shape), samples)
        return
    assert signal.spec.kind == kind
    assert signal.spec.rate == spec.rate
    if format not in ("mp3", "ogg"):  # these may pad
        assert signal.spec.shape == spec.shape


@pytest.mark.parametrize(("kind", "format"), PAIRS)
def test_a_quality_can_be_chosen_where_it_has_an_effect(
    tmp_path: Path, kind: Kind, format: str
) -> None:
    written = []
    for quality in (5, 95):
        writer = open_writer(tmp_path / "out", SPECS[kind], format, Encoding(quality))
        writer.write(samples_of(SPECS[kind]))
        writer.close()
        written.append((tmp_path / "out").read_bytes())
    if written[0] != written[1]:
        check_quality(kind, format, 95)
        return
    told = f"^`quality` is 95: {format} has none to choose, so it must be left out"
    with pytest.raises(SettingError, match=told):
        check_quality(kind, format, 95)
    assert any("quality" in notice for notice in writer.notices)


def test_formats_that_have_a_quality_are_named() -> None:
    with pytest.raises(SettingError, match=r"left out, or `format` one of jpeg, webp, avif, jxl$"):
        check_quality("image", "png", 95)
    with pytest.raises(SettingError, match=r"left out$"):
        check_quality("array", "npy", 95)
    check_quality("image", "png", None)


@pytest.mark.parametrize("kind", KINDS)
def test_formats_of_other_kinds_are_refused_before_the_file_is_made(
    tmp_path: Path, kind: Kind
) -> None:
    for other in KINDS:
        for format in set(formats_of(other)) - set(formats_of(kind)):
            with pytest.raises(OutputError, match=f"{kind} cannot be written as {format}: use"):
                check_writable(SPECS[kind], format)
            with pytest.raises(OutputError):
                open_writer(tmp_path / "out", SPECS[kind], format, Encoding())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["image", "audio", "video"])
def test_what_npy_leaves_out_is_told(tmp_path: Path, kind: str) -> None:
    writer = open_writer(tmp_path / "out.npy", SPECS[kind], "npy")
    writer.abort()
    expected = {"image": [], "audio": ["sample rate"], "video": ["frame rate"]}[kind]
    assert [words for words in expected if any(words in notice for notice in writer.notices)] == (
        expected
    )
    assert len(writer.notices) == len(expected)


def test_a_signal_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    samples = samples_of(IMAGE)
    with written(tmp_path / "a.png", IMAGE, "png", force=False) as writer:
        writer.write(samples)
    assert np.array_equal(read_signal(tmp_path / "a.png").samples, samples)
    with (
        contextlib.suppress(ZeroDivisionError),
        written(tmp_path / "b.png", IMAGE, "png", force=False) as writer,
    ):
        writer.write(samples[:4])
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
