from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from sinefit.errors import InputError, SettingError
from sinefit.signals.image.pixels import downsample, luma
from sinefit.signals.image.reading import read_image
from sinefit.signals.image.tiff import TiffStream
from sinefit.signals.limits import Limits
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.signal import Signal
    from tests.signals.conftest import FfmpegEncode, Gradient

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
SIZES = [(1, 1), (1, 40), (40, 1), (33, 17)]
# What each EXIF orientation asks for, as rows and columns of the numbers 0 to 5 stored in two rows
# of three: "1 = row 0 is the visual top, column 0 the visual left" and so on (EXIF 2.3, tag 274).
UPRIGHT = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[3, 0], [4, 1], [5, 2]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[2, 5], [1, 4], [0, 3]],
}


def saved(image: Image.Image, pillow_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, pillow_format, **options)
    return file.getvalue()


def read(path: Path, format: str, **selection: Any) -> Signal:
    return read_image(path, path.name, format, Selection(**selection))


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_8_bit_pixels_are_read_as_stored(
    gradient: Gradient,
    save: Callable[[str, bytes], Path],
    size: tuple[int, int],
    channels: int,
    format: str,
) -> None:
    channels = {2: 1, 4: 3}.get(channels, channels) if format == "BMP" else channels
    pixels = gradient(*size, channels)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    signal = read(save("a", saved(image, format)), format.lower())
    np.testing.assert_array_equal(signal.samples, pixels)
    spec = signal.spec
    assert (spec.kind, spec.shape, spec.channels) == ("image", size, channels)
    assert (spec.low, spec.high, spec.bit_depth, spec.dtype) == (0, 255, 8, "uint8")
    assert spec.alpha == (channels in (2, 4))
    assert spec.format == format.lower()
    assert signal.notices == ()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("format", ["png", "tiff"])
def test_16_bit_pixels_are_read_as_stored(
    gradient: Gradient,
    save: Callable[[str, bytes], Path],
    ffmpeg_encode: FfmpegEncode,
    size: tuple[int, int],
    channels: int,
    format: str,
) -> None:
    pixels = gradient(*size, channels, bits=16)
    signal = read(save("deep", ffmpeg_encode(pixels, format)), format)
    np.testing.assert_array_equal(signal.samples, pixels)
    spec = signal.spec
    assert (spec.high, spec.bit_depth, spec.dtype) == (65535, 16, "uint16")
    assert spec.alpha == (channels in (2, 4))


@pytest.mark.parametrize("compression", ["raw", "lzw", "deflate", "packbits"])
def test_compressed_16_bit_tiff(
    gradient: Gradient,
    save: Callable[[str, bytes], Path],
    ffmpeg_encode: FfmpegEncode,
    compression: str,
) -> None:
    pixels = gradient(50, 31, 3, bits=16)
    data = ffmpeg_encode(pixels, "tiff", "-compression_algo", compression)
    np.testing.assert_array_equal(read(save("deep.tif", data), "tiff").samples, pixels)


def test_a_deep_jpeg_2000_says_that_it_was_reduced(
    gradient: Gradient, save: Callable[[str, bytes], Path], ffmpeg_encode: FfmpegEncode
) -> None:
    data = ffmpeg_encode(gradient(33, 17, 3, bits=16), "jpeg2000", "-pred", "1")
    signal = read(save("a.jp2", data), "jp2")
    assert signal.spec.bit_depth == 8
    assert signal.notices == ("its 16-bit samples were reduced to 8 bits",)


def test_lossless_webp(gradient: Gradient, save: Callable[[str, bytes], Path]) -> None:
    pixels = gradient(33, 17, 4)
    data = saved(Image.fromarray(pixels), "WEBP", lossless=True, exact=True)
    np.testing.assert_array_equal(read(save("a.webp", data), "webp").samples, pixels)


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_lossy_formats_are_close(
    gradient: Gradient, save: Callable[[str, bytes], Path], format: str
) -> None:
    smooth = gradient(64, 48, 3).astype(float)
    pixels = downsample(smooth.repeat(4, 0).repeat(4, 1), 4).astype(np.uint8)
    data = saved(Image.fromarray(pixels), format, quality=95)
    error = read(save("a", data), format.lower()).samples.astype(float) - pixels
    assert np.sqrt(np.mean(error**2)) < 6.0  # 32 dB, far from any error of order or colour


def test_one_bit_becomes_8_bit_grey(save: Callable[[str, bytes], Path]) -> None:
    pixels = np.array([[True, False, True], [False, False, True]])
    signal = read(save("a.png", saved(Image.fromarray(pixels), "PNG")), "png")
    np.testing.assert_array_equal(signal.samples[..., 0], np.where(pixels, 255, 0))


def test_palette_becomes_colour(save: Callable[[str, bytes], Path]) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([2, 0, 1])
    for format in ("PNG", "GIF", "BMP", "TIFF"):
        signal = read(save("a", saved(image, format)), format.lower())
        assert signal.samples.tolist() == [[[70, 80, 90], [10, 20, 30], [40, 50, 60]]]
        assert not signal.spec.alpha


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palette_with_a_transparent_colour_becomes_rgba(
    save: Callable[[str, bytes], Path], format: str
) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([1, 0])
    signal = read(save("a", saved(image, format, transparency=0)), format.lower())
    assert signal.spec.alpha
    assert signal.samples[0, 0].tolist() == [40, 50, 60, 255]
    assert signal.samples[0, 1, 3] == 0


def test_transparent_colour_of_grey_and_rgb_becomes_alpha(
    save: Callable[[str, bytes], Path],
) -> None:
    grey = Image.fromarray(np.array([[7, 9]], np.uint8))
    signal = read(save("g.png", saved(grey, "PNG", transparency=9)), "png")
    assert signal.samples.tolist() == [[[7, 255], [9, 0]]]
    colour = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    signal = read(save("c.png", saved(colour, "PNG", transparency=(4, 5, 6))), "png")
    assert signal.samples.tolist() == [[[1, 2, 3, 255], [4, 5, 6, 0]]]


def insert_chunk(png: bytes, name: bytes, body: bytes) -> bytes:
    """Insert a chunk after the header of a PNG."""
    import zlib

    chunk = len(body).to_bytes(4, "big") + name + body
    return png[:33] + chunk + zlib.crc32(name + body).to_bytes(4, "big") + png[33:]


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_colour_of_16_bit_pixels_becomes_alpha(
    save: Callable[[str, bytes], Path], ffmpeg_encode: FfmpegEncode, channels: int
) -> None:
    pixels = np.array([[[300] * channels, [40000] * channels]], np.uint16)
    transparent = (40000).to_bytes(2, "big") * channels
    data = insert_chunk(ffmpeg_encode(pixels, "png"), b"tRNS", transparent)
    signal = read(save("a.png", data), "png")
    assert signal.spec.alpha
    assert signal.samples.tolist() == [[[300] * channels + [65535], [40000] * channels + [0]]]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colours_become_rgb_and_say_so(save: Callable[[str, bytes], Path], mode: str) -> None:
    image = Image.new(mode, (4, 3), {"CMYK": (0, 0, 0, 0), "YCbCr": (255, 128, 128)}.get(mode))
    if mode == "LAB":
        image = Image.merge("LAB", [Image.new("L", (4, 3), value) for value in (255, 128, 128)])
    signal = read(save("a.tif", saved(image, "TIFF")), "tiff")
    assert signal.spec.channels == 3
    assert signal.samples.min() >= 253  # each of the three is white
    assert "converted to RGB" in signal.notices[0]


def test_a_profile_for_other_colours_is_left_out(
    save: Callable[[str, bytes], Path], profile: Callable[[bytes], bytes]
) -> None:
    data = saved(Image.new("CMYK", (4, 3)), "JPEG", icc_profile=profile(b"CMYK"))
    signal = read(save("a.jpg", data), "jpeg")
    assert signal.spec.icc_profile is None
    assert any("profile was left out: it is for CMYK" in notice for notice in signal.notices)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_profile_is_kept(
    save: Callable[[str, bytes], Path], profile: Callable[[bytes], bytes], format: str
) -> None:
    data = saved(Image.new("RGB", (4, 3)), format, icc_profile=profile(b"RGB "))
    assert read(save("a", data), format.lower()).spec.icc_profile == profile(b"RGB ")


def test_grey_profile_is_kept(
    save: Callable[[str, bytes], Path], profile: Callable[[bytes], bytes]
) -> None:
    data = saved(Image.new("L", (4, 3)), "PNG", icc_profile=profile(b"GRAY"))
    assert read(save("a.png", data), "png").spec.icc_profile == profile(b"GRAY")


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_upright(
    save: Callable[[str, bytes], Path], orientation: int, format: str
) -> None:
    stored = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
    options = {"lossless": True} if format == "WEBP" else {}
    image = Image.fromarray(np.stack([stored] * 3, axis=-1))
    data = saved(image, format, exif=exif(orientation), **options)
    samples = read(save("a", data), format.lower()).samples
    assert samples[..., 0].tolist() == UPRIGHT[orientation]


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_pictures_are_turned_upright(
    save: Callable[[str, bytes], Path], ffmpeg_encode: FfmpegEncode, orientation: int, channels: int
) -> None:
    stored = np.array([[0, 1, 2], [3, 4, 5]], np.uint16)
    data = ffmpeg_encode(np.stack([stored] * channels, axis=-1), "png")
    tags = exif(orientation).tobytes().removeprefix(b"Exif\0\0")
    samples = read(save("a.png", insert_chunk(data, b"eXIf", tags)), "png").samples
    assert samples[..., 0].tolist() == UPRIGHT[orientation]


def deep_tiff(pixels: NDArray[np.unsignedinteger], **changes: int) -> bytes:
    """Encode 16-bit pixels and overwrite values of tags in the directory at the end."""
    file = io.BytesIO()
    height, width, channels = pixels.shape
    stream = TiffStream(file, width, height, channels, 16)
    stream.write(pixels)
    stream.close()
    data = bytearray(file.getvalue())
    directory = int.from_bytes(data[4:8], "little")
    for index in range(int.from_bytes(data[directory : directory + 2], "little")):
        entry = directory + 2 + 12 * index
        tag = f"tag_{int.from_bytes(data[entry : entry + 2], 'little')}"
        if tag in changes:
            data[entry + 8 : entry + 10] = changes[tag].to_bytes(2, "little")
    return bytes(data)


def test_premultiplied_alpha_is_divided_out(save: Callable[[str, bytes], Path]) -> None:
    pixels = np.array([[[1000, 500, 0, 32768], [7, 7, 7, 65535], [0, 0, 0, 0]]], np.uint16)
    signal = read(save("a.tif", deep_tiff(pixels, tag_338=1)), "tiff")
    expected = np.rint(pixels[0, 0, :3] * (65535 / 32768))
    assert signal.samples[0, 0].tolist() == [*expected, 32768]
    assert signal.samples[0, 1:].tolist() == pixels[0, 1:].tolist()
    assert "multiplied by alpha" in signal.notices[0]


def test_an_extra_channel_that_is_no_alpha_is_left_out(save: Callable[[str, bytes], Path]) -> None:
    pixels = np.array([[[1000, 500, 0, 32768], [7, 7, 7, 65535]]], np.uint16)
    signal = read(save("a.tif", deep_tiff(pixels, tag_338=0)), "tiff")
    np.testing.assert_array_equal(signal.samples, pixels[..., :3])
    assert not signal.spec.alpha
    assert "not alpha" in signal.notices[0]


def test_grey_with_white_as_zero(save: Callable[[str, bytes], Path]) -> None:
    pixels = np.array([[[0], [1000], [65535]]], np.uint16)
    signal = read(save("a.tif", deep_tiff(pixels, tag_262=0)), "tiff")
    np.testing.assert_array_equal(signal.samples, 65535 - pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("factor", [1, 2, 5, 29])
def test_region_then_downsample(
    gradient: Gradient,
    save: Callable[[str, bytes], Path],
    ffmpeg_encode: FfmpegEncode,
    bits: int,
    factor: int,
) -> None:
    pixels = gradient(33, 47, 3, bits)
    path = save("a.png", ffmpeg_encode(pixels, "png"))
    # Several bands in a small picture.
    selection = Selection(region=(4, 3, 41, 29), downsample=factor)
    signal = read_image(path, path.name, "png", selection, band_bytes=1000)
    part = pixels[3:32, 4:45].astype(float)
    rows, columns = -(-29 // factor), -(-41 // factor)
    assert signal.spec.shape == (rows, columns)
    for row in range(rows):
        for column in range(columns):
            block = part[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            mean = block.mean(axis=(0, 1))
            assert np.abs(signal.samples[row, column] - mean).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_grey_is_that_of_pillow_and_leaves_alpha(
    mode: str, gradient: Gradient, save: Callable[[str, bytes], Path]
) -> None:
    pixels = gradient(33, 47, len(mode), 8).squeeze()
    path = save("a.png", saved(Image.fromarray(pixels), "PNG"))
    # Several bands in a small picture.
    signal = read_image(path, path.name, "png", Selection(grey=True), band_bytes=1000)
    assert (signal.spec.channels, signal.spec.alpha) == (1 + ("A" in mode), "A" in mode)
    with Image.open(path) as image:
        np.testing.assert_array_equal(signal.samples[..., 0], image.convert("L"))
        if "A" in mode:
            np.testing.assert_array_equal(signal.samples[..., 1], image.getchannel("A"))


def test_grey_of_deep_and_of_floating_colours() -> None:
    weights = np.array([0.299, 0.587, 0.114])
    colours = np.random.default_rng(0).random((6, 5, 3))
    np.testing.assert_allclose(luma(colours)[..., 0], colours @ weights, rtol=1e-12)
    deep = np.rint(colours * 65535).astype(np.uint16)
    grey = luma(deep)
    assert grey.dtype == np.uint16
    assert np.abs(grey[..., 0] - deep @ weights).max() <= 1.0
    assert luma(np.full((1, 1, 3), 65535, np.uint16)).tolist() == [[[65535]]]


def test_a_profile_for_colours_is_left_out_of_grey(save: Callable[[str, bytes], Path]) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save("a.png", saved(Image.new("RGB", (5, 4), "teal"), "PNG", icc_profile=profile))
    signal = read(path, "png", grey=True)
    assert signal.spec.icc_profile is None
    assert signal.notices == ("its colour profile was left out: it is for RGB",)


def test_region_is_taken_after_turning(save: Callable[[str, bytes], Path]) -> None:
    stored = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
    path = save("a.png", saved(Image.fromarray(stored), "PNG", exif=exif(6)))
    assert read(path, "png", region=(1, 2, 1, 1)).samples.tolist() == [[[2]]]


def test_damaged_exif_is_told_and_does_no_harm(save: Callable[[str, bytes], Path]) -> None:
    image = Image.new("RGB", (5, 4), "teal")
    data = saved(image, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0")
    signal = read(save("a.jpg", data), "jpeg")
    assert signal.spec.shape == (4, 5)
    assert len(signal.notices) == 1
    assert "EXIF" in signal.notices[0]


def test_region_outside_is_refused(save: Callable[[str, bytes], Path]) -> None:
    path = save("a.png", saved(Image.new("L", (4, 3)), "PNG"))
    with pytest.raises(SettingError, match=r"`region`.*a\.png.*4x3"):
        read(path, "png", region=(1, 1, 4, 1))


@pytest.mark.parametrize("format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_first_of_several_frames_is_read(save: Callable[[str, bytes], Path], format: str) -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "blue", "green")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = saved(frames[0], format, save_all=True, append_images=frames[1:], **options)
    signal = read(save("a", data), format.lower())
    assert signal.samples[0, 0, :3].tolist() == [255, 0, 0]
    assert signal.notices == ("only the first of 3 frames was read",)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({258: (32,), 339: (2,)}, "32-bit signed integer samples"),
        ({258: (32,), 339: (1,)}, "32-bit integer samples"),
        ({258: (16, 16, 16), 277: (3,), 262: (8,)}, "16-bit CIELAB samples"),
        ({258: (24,), 339: (3,)}, "24-bit floating-point samples in compression 1"),
        (
            {258: (32,), 339: (3,), 259: (34676,)},
            "32-bit floating-point samples in compression 34676",
        ),
        ({258: (64,), 339: (6,)}, "64-bit complex samples"),
        ({50706: (1, 4, 0, 0)}, "raw sensor data"),
    ],
)
def test_variants_of_tiff_that_are_not_read_are_named(
    save: Callable[[str, bytes], Path], tags: dict[int, tuple[int, ...]], words: str
) -> None:
    with pytest.raises(InputError, match=rf"a\.tif is a TIFF of {words}.*: convert it .*\.npy"):
        read(save("a.tif", tiff_with(tags)), "tiff")


def tiff_with(tags: dict[int, tuple[int, ...]]) -> bytes:
    """A TIFF of grey whose directory says other things of its samples than are true."""
    directory = {**DIRECTORY, **tags}
    table, values = struct.pack("<H", len(directory)), b""
    end = 10 + 12 * len(directory) + 4
    for tag, numbers in sorted(directory.items()):
        data = struct.pack(f"<{len(numbers)}H", *numbers)
        place = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", end + len(values))
        values += data if len(data) > 4 else b""
        table += struct.pack("<HHI", tag, 3, len(numbers)) + place
    return b"II\x2a\0" + struct.pack("<I", 8) + table + bytes(4) + values + bytes(500)


DIRECTORY = {
    256: (4,),
    257: (3,),
    258: (8,),
    259: (1,),
    262: (1,),
    273: (300,),
    277: (1,),
    278: (3,),
    279: (12,),
}


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9])
def test_truncated_files_are_refused_in_one_line(
    gradient: Gradient, save: Callable[[str, bytes], Path], format: str, kept: float
) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (60, 50, 3), np.uint8)
    data = saved(Image.fromarray(noise), format)
    path = save("cut", data[: int(len(data) * kept)])
    with pytest.raises(InputError, match="cut cannot be read as") as error:
        read(path, format.lower())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated_16_bit_files_are_refused(
    save: Callable[[str, bytes], Path],
    ffmpeg_encode: FfmpegEncode,
    format: str,
    channels: int,
    kept: float,
) -> None:
    noise = np.random.default_rng(1).integers(0, 65536, (60, 50, channels), np.uint16)
    data = ffmpeg_encode(noise, format)
    path = save("cut", data[: int(len(data) * kept)])
    with pytest.raises(InputError, match="cut cannot be") as error:
        read(path, format)
    assert "\n" not in str(error.value)


def test_a_truncated_16_bit_tiff_whose_directory_comes_first_is_refused(
    save: Callable[[str, bytes], Path],
) -> None:
    noise = np.random.default_rng(1).integers(0, 65536, (60, 50, 3), np.uint16)
    data = deep_tiff(noise)
    pixel_bytes = noise.nbytes
    # The same file with the pixels moved behind the directory, then cut off.
    directory = data[8 + pixel_bytes :]
    head = data[:4] + (8).to_bytes(4, "little")
    moved = bytearray(head + directory + data[8 : 8 + pixel_bytes])
    shift_values(moved, -pixel_bytes)
    set_strip(moved, 8 + len(directory))
    whole = read(save("whole.tif", bytes(moved)), "tiff")
    np.testing.assert_array_equal(whole.samples, noise)
    with pytest.raises(InputError, match=r"cut\.tif cannot be"):
        read(save("cut.tif", bytes(moved[: -pixel_bytes // 3])), "tiff")


@pytest.mark.parametrize("compression", ["deflate", "packbits"])
def test_damaged_strips_of_a_16_bit_tiff_are_refused(
    save: Callable[[str, bytes], Path], ffmpeg_encode: FfmpegEncode, compression: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 65536, (60, 50, 3), np.uint16)
    data = bytearray(ffmpeg_encode(noise, "tiff", "-compression_algo", compression))
    data[5000:5200] = bytes(byte ^ 0x5A for byte in data[5000:5200])
    with pytest.raises(InputError, match=r"damaged\.tif cannot be"):
        read(save("damaged.tif", bytes(data)), "tiff")


def entries(data: bytes | bytearray) -> list[int]:
    count = int.from_bytes(data[8:10], "little")
    return [10 + 12 * index for index in range(count)]


def shift_values(data: bytearray, by: int) -> None:
    for entry in entries(data):
        kind, count = data[entry + 2], int.from_bytes(data[entry + 4 : entry + 8], "little")
        if count * {3: 2, 4: 4}[kind] > 4:
            old = int.from_bytes(data[entry + 8 : entry + 12], "little")
            data[entry + 8 : entry + 12] = (old + by).to_bytes(4, "little")


def set_strip(data: bytearray, position: int) -> None:
    for entry in entries(data):
        if int.from_bytes(data[entry : entry + 2], "little") == 273:
            data[entry + 8 : entry + 12] = position.to_bytes(4, "little")


def test_a_file_of_another_format_is_refused(save: Callable[[str, bytes], Path]) -> None:
    path = save("a.png", saved(Image.new("L", (4, 3)), "JPEG"))
    with pytest.raises(InputError, match=r"a\.png cannot be read as png"):
        read(path, "png")


def test_more_pixels_than_the_limit_are_refused_before_decoding(
    save: Callable[[str, bytes], Path],
) -> None:
    path = save("wide.png", saved(Image.new("L", (40, 30)), "PNG"))
    with pytest.raises(InputError, match=r"wide\.png has 40x30 pixels, more than the 1199"):
        read_image(path, path.name, "png", Selection(), Limits(max_pixels=1199))


def test_pillows_own_limit_neither_stops_nor_warns_nor_changes(
    save: Callable[[str, bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save("wide.png", saved(Image.new("L", (40, 30)), "PNG"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read(path, "png").spec.shape == (30, 40)
    assert Image.MAX_IMAGE_PIXELS == 100
