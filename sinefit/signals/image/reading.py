"""Reading images, still ones, in all the formats of IMAGE_FORMATS.

Pixels are read as they are stored, upright, in grey or RGB, with or without alpha, of 8 or 16 bits
or, in TIFF, as floating-point numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageCms

from sinefit.errors import InputError
from sinefit.signals.image.deep_color import DeepLayout, decode_deep, tiff_layout
from sinefit.signals.image.depths import png_header
from sinefit.signals.image.float_tiff import decode_floats, float_layout
from sinefit.signals.image.formats import BYTES_PER_SAMPLE, IMAGE_FORMATS, obstacle_to_use
from sinefit.signals.image.jpeg_scans import MOST_SCANS, has_too_many_scans
from sinefit.signals.image.pillow_decoding import pillow_decoding
from sinefit.signals.image.pixels import (
    Picture,
    check_downsample,
    check_region,
    downsample,
    downsampled_size,
)
from sinefit.signals.image.png_texts import without_long_texts
from sinefit.signals.image.pnm import decode_pnm
from sinefit.signals.image.tiff_tags import (
    MOST_PAGES,
    count_pages,
    describe_variant,
    tiff_end,
    tiff_tags,
    tiff_tile,
)
from sinefit.signals.limits import DEFAULT_LIMITS, check_plausible
from sinefit.signals.masks import without_nan
from sinefit.signals.signal import Signal, SignalSpec, value_range
from sinefit.signals.storage import allocate_samples, let_go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection

BAND_BYTES: Final = 2**24
"""Bytes of decoded rows that are taken at once, besides the samples themselves."""
_ORIENTATION = 0x0112
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 1}
_PROFILE_SPACES = {1: b"GRAY", 2: b"GRAY", 3: b"RGB ", 4: b"RGB "}
# Decoded mode -> mode to keep, for modes without a transparent colour.
_KEPT_MODES = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "LAB": "RGB",
    "HSV": "RGB",
    "I;16": "I;16",
    "I;16L": "I;16",
    "I;16B": "I;16",
    "I;16N": "I;16",
}
_COLOR_MODES = {"CMYK": "CMYK", "YCbCr": "YCbCr", "LAB": "CIELAB", "HSV": "HSV"}
_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels.swapaxes(0, 1)[::-1, ::-1],
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}


def read_image(
    source: Path,
    name: str,
    format: str,
    selection: Selection,
    limits: Limits = DEFAULT_LIMITS,
    *,
    band_bytes: int = BAND_BYTES,
) -> Signal:
    """Read the image at `source`, which holds the given format; `name` is what errors call it.

    Returns samples (height, width, channels) of uint8, uint16 or float32, turned upright as EXIF
    says, cut to `selection.region`, averaged over blocks of `selection.downsample` pixels and, if
    `selection.grey`, without colours. Of several frames or pages the first is read. The range of
    integers is full scale, that of floats from the smallest to the largest value. Raises InputError
    when the file is damaged, larger than `limits`, holds samples of another type or infinite
    values, or when this installation cannot read its format, and SettingError when the region is
    not inside the image.
    """
    obstacle = obstacle_to_use(format)
    if obstacle is not None:
        raise InputError(f"{name} is an image in {format}, which cannot be read here: {obstacle}")
    with pillow_decoding(name, format, limits, prints=format == "tiff") as notices:
        picture = _decode(source, name, format, limits)
    picture.notices += notices
    if selection.grey:
        picture = picture.in_grey()
    samples = _select(picture, name, selection, limits, band_bytes)
    low, high = 0.0, 0.0
    if picture.dtype == "float32":
        low, high = value_range(samples, name)
    else:
        high = float(np.iinfo(picture.dtype).max)
    spec = SignalSpec(
        kind="image",
        shape=samples.shape[:2],
        channels=picture.channels,
        dtype=picture.dtype,
        low=low,
        high=high,
        format=format,
        bit_depth=BYTES_PER_SAMPLE[picture.dtype] * 8,
        alpha=picture.channels in (2, 4),
        icc_profile=_fitting_profile(picture),
    )
    return without_nan(Signal(spec, samples, tuple(picture.notices)))


def _decode(source: Path, name: str, format: str, limits: Limits) -> Picture:
    if format == "ppm":
        return decode_pnm(source, name, limits)
    capability = IMAGE_FORMATS[format]
    size = source.stat().st_size
    notices: list[str] = []
    with source.open("rb") as file:
        bit_depth, color_type, deep = 8, 0, False
        if format == "tiff":
            tags = tiff_tags(file)
            picture = _unusual_tiff(source, name, tags, limits)
            if picture is not None:
                return picture
            depths = [depth for depth in tags.get(258, (1,)) if isinstance(depth, int)]
            bit_depth = max(depths, default=1)
            limits.check_picture(*tiff_tile(tags), name)
        elif format == "png":
            bit_depth, color_type = png_header(file)
        elif capability.depth is not None:
            bit_depth = capability.depth(file)
        if format == "jpeg" and has_too_many_scans(file):
            raise InputError(
                f"{name} has more than {MOST_SCANS} scans, where encoders make about ten: "
                "save it again"
            )
        readable = without_long_texts(file, notices) if format == "png" else file
        readable.seek(0)
        with Image.open(readable, formats=(capability.pillow,)) as image:
            limits.check_picture(image.width, image.height, name)
            if capability.pixels_per_byte is not None:
                check_plausible(image.width, image.height, size, capability.pixels_per_byte, name)
            _check_decoded(image, name, capability.working_bytes, limits)
            frames = count_pages(file) if format == "tiff" else getattr(image, "n_frames", 1)
            image.load()
            if format == "png" and bit_depth == 16:
                layout = _png_layout(image, color_type)
                deep = layout.channels > 1
            picture = (
                _deep_picture(source, name, format, layout, limits)
                if deep
                else _pillow_picture(image, name, bit_depth)
            )
    picture.notices[:0] = notices
    if frames > 1:
        number = f"at least {frames}" if frames == MOST_PAGES else frames
        picture.notices.insert(0, f"only the first of {number} frames was read")
    return picture


def _unusual_tiff(
    source: Path, name: str, tags: dict[int, tuple[Any, ...]], limits: Limits
) -> Picture | None:
    """Decode a TIFF that Pillow would not read, or not without loss; None for any other."""
    layout = tiff_layout(tags)
    if layout is not None:
        if tiff_end(tags) > source.stat().st_size:
            raise InputError(
                f"{name} cannot be read as tiff: it ends before its pixels do; get a complete copy"
            )
        return _deep_picture(source, name, "tiff", layout, limits)
    with source.open("rb") as file:
        order = "<" if file.read(2) == b"II" else ">"
    floats = float_layout(tags, order)
    if floats is not None:
        return _turned(decode_floats(source, name, floats, limits), floats.orientation)
    variant = describe_variant(tags)
    if variant is not None:
        raise InputError(
            f"{name} is a TIFF of {variant}, which is not read: convert it to 8 or 16-bit RGB or "
            "grey, or save its values as an array in .npy"
        )
    return None


def _pillow_picture(image: Image.Image, name: str, bits: int) -> Picture:
    notices = []
    if image.mode not in _KEPT_MODES:
        raise InputError(
            f"{name} holds {'floating-point' if image.mode == 'F' else '32-bit'} samples, which "
            "images of 8 or 16 bits cannot: save them as an array in .npy"
        )
    mode = _KEPT_MODES[image.mode]
    if "transparency" in image.info and mode in ("L", "RGB"):
        mode = {"L": "LA", "RGB": "RGBA"}[mode]
    if image.mode in _COLOR_MODES:
        notices.append(f"its {_COLOR_MODES[image.mode]} colours were converted to RGB")
    if bits == 12 and image.format == "TIFF" and mode == "I;16":
        notices.append("its 12-bit samples were widened to 16 bits")
    elif bits > 8 and mode != "I;16":
        notices.append(f"its {bits}-bit samples were reduced to 8 bits")
    profile = image.info.get("icc_profile")
    white_is_zero = mode == "I;16" and getattr(image, "tag_v2", {}).get(262) == 0
    turn = _TRANSPOSES.get(_orientation(image, notices))
    if turn is not None:
        image = image.transpose(turn)
    convert = _lab_to_rgb() if image.mode == "LAB" else lambda part: part.convert(mode)

    def rows(start: int, stop: int) -> NDArray[Any]:
        part = image.crop((0, start, image.width, stop))
        pixels = np.asarray(part if mode in ("I;16", image.mode) else convert(part))
        if bits == 12 and mode == "I;16":
            pixels = (pixels << 4) | (pixels >> 8)
        if white_is_zero:
            pixels = 65535 - pixels
        return pixels.reshape(stop - start, image.width, _CHANNELS[mode])

    return Picture(
        image.width,
        image.height,
        _CHANNELS[mode],
        "uint16" if mode == "I;16" else "uint8",
        rows,
        profile if isinstance(profile, bytes) else None,
        notices,
    )


def _deep_picture(
    source: Path, name: str, format: str, layout: DeepLayout, limits: Limits
) -> Picture:
    limits.check_picture(layout.width, layout.height, name)
    shape = (layout.height, layout.width, layout.stored_channels)
    limits.check_samples(shape, np.uint16, name)
    pixels: NDArray[Any] = decode_deep(source, name, format, layout)
    notices = []
    if layout.channels < layout.stored_channels:
        notices.append("an extra channel that is not alpha was left out")
    if layout.premultiplied:
        notices.append("its colours were stored multiplied by alpha and have been divided by it")
    return _turned(Picture.of(pixels, layout.icc_profile, notices), layout.orientation)


def _turned(picture: Picture, orientation: int) -> Picture:
    """Turn a picture that is in memory upright, by its orientation as in EXIF."""
    if orientation not in _TURNS:
        return picture
    pixels = _TURNS[orientation](picture.rows(0, picture.height))
    return Picture.of(pixels, picture.icc_profile, picture.notices)


def _png_layout(image: Image.Image, color_type: int) -> DeepLayout:
    """Describe a 16-bit PNG that Pillow has opened, and reduced to 8 bits unless it is grey."""
    has_alpha = color_type in (4, 6) or "transparency" in image.info
    channels = (1 if color_type in (0, 4) else 3) + has_alpha
    profile = image.info.get("icc_profile")
    return DeepLayout(
        image.width,
        image.height,
        channels,
        channels,
        orientation=_orientation(image, []),  # ffmpeg refuses damaged EXIF data itself
        icc_profile=profile if isinstance(profile, bytes) else None,
    )


def _orientation(image: Image.Image, notices: list[str]) -> int:
    """Return the orientation in a picture's EXIF data, 1 to 8, or 1 where they cannot be read."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # of what can be wrong with them, Pillow catches little
        notices.append("its EXIF data are damaged: it is read as if it stood upright")
        return 1
    return orientation if isinstance(orientation, int) else 1


def _select(
    picture: Picture, name: str, selection: Selection, limits: Limits, band_bytes: int
) -> NDArray[Any]:
    """Cut the region, then average blocks, by bands of whole blocks."""
    region = selection.region or (0, 0, picture.width, picture.height)
    check_region(region, picture.width, picture.height, name)
    x, y, width, height = region
    factor = selection.downsample
    check_downsample(factor, width, height, name)
    rows, columns = downsampled_size(height, factor), downsampled_size(width, factor)
    shape = (rows, columns, picture.channels)
    limits.check_samples(shape, picture.dtype, name)
    samples = allocate_samples(shape, picture.dtype)
    row_bytes = picture.width * picture.channels * np.dtype(picture.dtype).itemsize
    step = max(1, band_bytes // (row_bytes * factor)) * factor
    for start in range(0, height, step):
        stop = min(start + step, height)
        band = picture.rows(y + start, y + stop)[:, x : x + width]
        first = start // factor
        small = downsample(band, factor)
        samples[first : first + len(small)] = small
        let_go(samples)
    return samples


def _fitting_profile(picture: Picture) -> bytes | None:
    """Return the colour profile unless it is for other colours than the picture has now."""
    profile = picture.icc_profile
    if not profile:
        return None
    if profile[16:20] != _PROFILE_SPACES[picture.channels]:
        space = profile[16:20].decode("ascii", errors="replace").strip()
        what = space if space.isprintable() and space else "no colours that are known"
        picture.notices.append(f"its colour profile was left out: it is for {what}")
        return None
    return profile


def _lab_to_rgb() -> Callable[[Image.Image], Image.Image]:
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )

    def convert(part: Image.Image) -> Image.Image:
        converted = ImageCms.applyTransform(part, transform)
        assert converted is not None
        return converted

    return convert


def _check_decoded(image: Image.Image, name: str, working_bytes: int, limits: Limits) -> None:
    """Check what the decoder will take: all pixels, in whole bytes."""
    stored = 2 if image.mode.startswith("I;16") else 1
    shape = (image.height, image.width, len(image.getbands()))
    limits.check_samples(shape, f"V{max(stored, working_bytes)}", name)
