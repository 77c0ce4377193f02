from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.signals.limits import Limits
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection
from sinefit.signals.signal import SignalSpec
from sinefit.signals.video.animation_frames import ANIMATIONS, is_animated
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import open_writer

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = ("png", "webp")


def frames(count: int = 5) -> np.ndarray:
    """Pictures that differ, the last two but for nothing."""
    y, x = np.mgrid[0:12, 0:16]
    shown = [np.stack([16 * x, 20 * y, 0 * x + 40 * min(k, count - 2)], -1) for k in range(count)]
    return np.array(shown, np.uint8)


def pillow(format: str, delays: int | list[int], **options: Any) -> bytes:
    pictures = [Image.fromarray(frame) for frame in frames()[:4]]
    file = io.BytesIO()
    extra = {"lossless": True} if format == "webp" else {}
    pictures[0].save(
        file,
        format.upper(),
        save_all=True,
        append_images=pictures[1:],
        duration=delays,
        **extra,
        **options,
    )
    return file.getvalue()


def spec_of(count: int, rate: Fraction, **more: Any) -> SignalSpec:
    return SignalSpec("video", (count, 12, 16), 3, "uint8", 0, 255, "png", 8, rate, **more)


@pytest.mark.parametrize("format", FORMATS)
def test_what_pillow_writes_is_read(format: str) -> None:
    content = pillow(format, 40)
    signal = read_signal(content, name="it")
    np.testing.assert_array_equal(signal.samples, frames()[:4])
    assert (signal.spec.kind, signal.spec.format, signal.spec.rate) == (
        "video",
        format,
        Fraction(25),
    )
    assert signal.notices == ()
    part = read_signal(content, name="it", selection=Selection(start=0.04, duration=0.08))
    np.testing.assert_array_equal(part.samples, frames()[1:3])
    first = read_signal(content, name="it", kind="image")
    np.testing.assert_array_equal(first.samples, frames()[0])
    assert first.notices == ("only the first of 4 frames was read",)


@pytest.mark.parametrize("format", FORMATS)
def test_delays_that_differ_become_a_constant_rate(format: str) -> None:
    signal = read_signal(pillow(format, [100, 200, 100, 100]), name="it")
    assert signal.spec.rate == 10
    np.testing.assert_array_equal(signal.samples, frames()[[0, 1, 1, 2, 3]])
    assert "variable frame rate" in signal.notices[0]


def test_no_delay_is_a_tenth_of_a_second() -> None:
    assert read_signal(pillow("webp", 0), name="it").spec.rate == 10


def test_a_default_picture_is_no_frame() -> None:
    signal = read_signal(pillow("png", 40, default_image=True), name="it")
    np.testing.assert_array_equal(signal.samples, frames()[1:4])


def test_transparency_is_told() -> None:
    pictures = [Image.new("RGBA", (4, 4), (9, 9, 9, alpha)) for alpha in (255, 0)]
    file = io.BytesIO()
    pictures[0].save(file, "PNG", save_all=True, append_images=pictures[1:], duration=100)
    assert read_signal(file.getvalue(), name="it").notices == ("it: its transparency is left out",)


@pytest.mark.parametrize("format", FORMATS)
def test_a_still_picture_is_an_image(format: str) -> None:
    file = io.BytesIO()
    Image.fromarray(frames()[0]).save(file, format.upper())
    assert not is_animated(file, format)
    assert read_signal(file.getvalue(), name="it").spec.kind == "image"
    with pytest.raises(InputError, match="holds no frames"):
        read_signal(file.getvalue(), name="it", kind="video")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(1, 3), Fraction(30000, 1001)])
def test_what_is_written_is_read_by_pillow(tmp_path: Path, format: str, rate: Fraction) -> None:
    path = tmp_path / "a"
    writer = open_writer(path, spec_of(5, rate), format)
    writer.write(frames()[:2])
    writer.write(frames()[2:])
    writer.close()
    with Image.open(path, formats=[format.upper()]) as image:
        assert cast("Any", image).n_frames == 5  # of each format's own class
        delays = []
        for index in range(5):
            image.seek(index)
            np.testing.assert_array_equal(np.asarray(image.convert("RGB")), frames()[index])
            delays.append(image.info["duration"])
    assert sum(delays) == pytest.approx(float(5000 / rate), abs=1)
    np.testing.assert_array_equal(read_signal(path).samples, frames())


def test_a_quality_makes_webp_smaller(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 12, 16, 3)).astype(np.uint8)
    sizes = []
    for quality in (10, 90, None):
        writer = open_writer(tmp_path / "a", spec_of(2, Fraction(5)), "webp", Encoding(quality))
        writer.write(noise)
        writer.close()
        sizes.append((tmp_path / "a").stat().st_size)
    assert sizes == sorted(sizes)
    with pytest.raises(SettingError, match="`quality` is 101"):
        open_writer(tmp_path / "a", spec_of(2, Fraction(5)), "webp", Encoding(101))


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_lost_is_told(tmp_path: Path, format: str) -> None:
    spec = spec_of(5, Fraction(30), soundtrack=b"sound")
    writer = open_writer(tmp_path / "a", spec, format, Encoding(50))
    assert any("holds no sound" in notice for notice in writer.notices)
    assert ("milliseconds" in " ".join(writer.notices)) == (format == "webp")
    assert ("lossless" in " ".join(writer.notices)) == (format == "png")
    with pytest.raises(OutputError, match="takes frames of"):
        writer.write(np.zeros((1, 3, 3, 3), np.uint8))
    writer.write(frames()[:4])
    with pytest.raises(OutputError, match="given 4 of 5 frames"):
        writer.close()
    with pytest.raises(OutputError, match="cannot be written"):
        open_writer(tmp_path / "nowhere" / "a", spec, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("missing", [1, 10, 200])
def test_a_missing_end_is_noticed(format: str, missing: int) -> None:
    with pytest.raises(InputError, match=r"cut short|no frames"):
        read_signal(pillow(format, 40)[:-missing], name="it", kind="video")


@pytest.mark.parametrize("format", FORMATS)
def test_limits_are_told_before_frames_are_decoded(format: str) -> None:
    content = pillow(format, 40)
    with pytest.raises(InputError, match="16x12 pixels, more than the 191"):
        read_signal(content, name="it", limits=Limits(max_pixels=191))
    size = 4 * 12 * 16 * 3
    assert read_signal(content, limits=Limits(max_bytes=size)).samples.nbytes == size
    with pytest.raises(InputError, match=f"{size} bytes"):
        read_signal(content, name="it", limits=Limits(max_bytes=size - 1))


def test_the_layout_is_told_without_decoding() -> None:
    layout = ANIMATIONS["png"](io.BytesIO(pillow("png", [30, 50, 20, 10])))
    assert (layout.width, layout.height, layout.skipped, layout.cut_short) == (16, 12, 0, False)
    assert [layout.times.seconds(index) for index in range(4)] == [0, 0.03, 0.08, 0.1]
