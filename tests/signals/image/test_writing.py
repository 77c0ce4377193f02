from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sinefit.errors import OutputError, SettingError
from sinefit.signals.image.formats import IMAGE_FORMATS
from sinefit.signals.image.reading import read_image
from sinefit.signals.image.writing import ImageWriter
from sinefit.signals.selection import Selection
from sinefit.signals.signal import SignalSpec
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tests.signals.conftest import Gradient

SIZES = [(1, 1), (1, 40), (40, 1), (33, 17)]
ENCODING = Encoding()


def spec_of(pixels: NDArray[np.unsignedinteger], **others: Any) -> SignalSpec:
    height, width, channels = pixels.shape
    values = {
        "kind": "image",
        "shape": (height, width),
        "channels": channels,
        "dtype": pixels.dtype.name,
        "low": 0.0,
        "high": float(np.iinfo(pixels.dtype).max),
        "format": "png",
        "bit_depth": pixels.dtype.itemsize * 8,
        "alpha": channels in (2, 4),
    }
    return SignalSpec(**(values | others))


def write(
    path: Path,
    pixels: NDArray[np.unsignedinteger],
    format: str,
    encoding: Encoding = ENCODING,
    blocks: int = 3,
    **others: Any,
) -> tuple[str, ...]:
    writer = ImageWriter(path, spec_of(pixels, **others), format, encoding)
    for block in np.array_split(pixels, blocks):
        writer.write(block)
    writer.close()
    return writer.notices


BUILT_IN = {
    format: capability
    for format, capability in IMAGE_FORMATS.items()
    if capability.written and capability.plugin is None
}


def combinations() -> Iterator[tuple[str, int, int]]:
    for format, capability in BUILT_IN.items():
        for channels in (1, 2, 3, 4):
            for bits in (8, 16):
                fits = (bits == 8 or channels in capability.sixteen_bit) and (
                    channels in (1, 3) or capability.alpha
                )
                if fits and format not in ("jpeg", "gif", "avif"):
                    yield format, channels, bits


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("format", "channels", "bits"), list(combinations()))
def test_lossless_formats_give_the_pixels_back(
    tmp_path: Path, gradient: Gradient, size: tuple[int, int], format: str, channels: int, bits: int
) -> None:
    pixels = gradient(*size, channels, bits)
    assert write(tmp_path / "out", pixels, format) == ()
    signal = read_image(tmp_path / "out", "out", format, Selection())
    # WebP knows no grey, and no alpha where all is opaque.
    expected = pixels
    if format == "webp" and channels < 3:
        expected = np.concatenate([pixels[..., :1]] * 3 + [pixels[..., 1:]], axis=-1)
    np.testing.assert_array_equal(signal.samples, expected)
    assert signal.spec.bit_depth == bits


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    channels=st.integers(1, 4),
    bits=st.sampled_from([8, 16]),
    format=st.sampled_from(["png", "tiff"]),
    blocks=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_any_size_in_any_blocks(
    tmp_path: Path,
    height: int,
    width: int,
    channels: int,
    bits: int,
    format: str,
    blocks: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 2**bits, (height, width, channels)).astype(f"u{bits // 8}")
    write(tmp_path / "out", pixels, format, blocks=blocks)
    signal = read_image(tmp_path / "out", "out", format, Selection())
    np.testing.assert_array_equal(signal.samples, pixels)


def test_colours_below_full_transparency_survive_in_webp(tmp_path: Path) -> None:
    pixels = np.array([[[200, 100, 50, 0], [1, 2, 3, 255]]], np.uint8)
    write(tmp_path / "out", pixels, "webp")
    with Image.open(tmp_path / "out") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close_and_not_subsampled(
    tmp_path: Path, gradient: Gradient, channels: int
) -> None:
    # Columns of alternating colour of equal brightness: chroma subsampling would mix them.
    pixels = np.zeros((32, 32, channels), np.uint8)
    pixels[:, ::2] = (180, 60, 60)[:channels]
    pixels[:, 1::2] = (60, 120, 60)[:channels]
    write(tmp_path / "out", pixels, "jpeg")
    with Image.open(tmp_path / "out") as image:
        decoded = np.asarray(image).reshape(pixels.shape).astype(int)
    assert np.abs(decoded - pixels).max() <= 12


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_quality_trades_size(tmp_path: Path, format: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = []
    for quality in (0, 50, 100):
        write(tmp_path / "out", pixels, format, Encoding(quality=quality))
        sizes.append((tmp_path / "out").stat().st_size)
    assert sizes[0] < sizes[1] < sizes[2]


def test_grey_gif_is_exact_and_colour_gif_says_what_it_loses(
    tmp_path: Path, gradient: Gradient
) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert write(tmp_path / "grey", grey, "gif") == ()
    with Image.open(tmp_path / "grey") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("L")), grey[..., 0])
    assert "256 colours" in write(tmp_path / "colour", gradient(9, 9, 3), "gif")[0]


@pytest.mark.parametrize("format", BUILT_IN)
def test_profile_is_kept_or_its_loss_told(
    tmp_path: Path, gradient: Gradient, profile: Callable[[bytes], bytes], format: str
) -> None:
    notices = write(tmp_path / "out", gradient(6, 5, 3), format, icc_profile=profile(b"RGB "))
    with Image.open(tmp_path / "out") as image:
        kept = image.info.get("icc_profile") == profile(b"RGB ")
    assert kept == (format in ("png", "jpeg", "webp", "tiff", "avif"))
    assert any("colour profile" in notice for notice in notices) == (not kept)


def test_a_profile_for_grey_is_not_given_to_webp(
    tmp_path: Path, gradient: Gradient, profile: Callable[[bytes], bytes]
) -> None:
    notices = write(tmp_path / "out", gradient(6, 5, 1), "webp", icc_profile=profile(b"GRAY"))
    assert "colour profile" in notices[0]
    with Image.open(tmp_path / "out") as image:
        assert "icc_profile" not in image.info


def test_settings_without_effect_are_told(tmp_path: Path, gradient: Gradient) -> None:
    encoding = Encoding(quality=50, subtype="PCM_16")
    notices = write(tmp_path / "out", gradient(3, 3, 3), "png", encoding)
    assert ["`quality`" in notices[0], "`subtype`" in notices[1]] == [True, True]


@pytest.mark.parametrize("quality", [-1, 101])
def test_quality_has_a_range(tmp_path: Path, gradient: Gradient, quality: int) -> None:
    spec = spec_of(gradient(3, 3, 3))
    with pytest.raises(SettingError, match=f"`quality` is {quality}"):
        ImageWriter(tmp_path / "out", spec, "jpeg", Encoding(quality=quality))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_blocks_that_do_not_belong_and_missing_rows(
    tmp_path: Path, gradient: Gradient, format: str
) -> None:
    writer = ImageWriter(tmp_path / "out", spec_of(gradient(4, 5, 3)), format, ENCODING)
    for shape in ((1, 6, 3), (1, 5, 1), (5, 5, 3)):
        with pytest.raises(OutputError, match="do not belong"):
            writer.write(np.zeros(shape, np.uint8))
    writer.write(np.zeros((3, 5, 3), np.uint8))
    with pytest.raises(OutputError, match="only 3 of 4 rows"):
        writer.close()
    writer.abort()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, gradient: Gradient) -> None:
    with pytest.raises(OutputError, match=r"missing.out cannot be written"):
        write(tmp_path / "missing" / "out", gradient(3, 3, 3), "png")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("format", [name for name, row in IMAGE_FORMATS.items() if row.stream])
def test_the_writer_leaves_no_file_open_when_the_disk_is_full(
    gradient: Gradient, format: str
) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    pixels = gradient(200, 100, 3)
    writer = ImageWriter(FULL, spec_of(pixels), format, ENCODING)

    def write() -> None:
        writer.write(pixels)
        writer.close()

    with pytest.raises(OutputError, match=r"^/dev/full cannot be written: No space"):
        write()
    writer.abort()
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_write_to_a_full_disk_can_be_given_up(gradient: Gradient) -> None:
    pixels = gradient(4, 5, 3)
    writer = ImageWriter(FULL, spec_of(pixels), "ppm", ENCODING)
    writer.write(pixels)
    writer.abort()
