"""The image formats and what each of them can hold."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import features

from sinefit.errors import OutputError
from sinefit.signals.image import png, tiff
from sinefit.signals.image.depths import find_pixel_depth, find_stream_depth
from sinefit.signals.image.png import PngStream
from sinefit.signals.image.pnm import PnmStream
from sinefit.signals.image.tiff import TiffStream
from sinefit.signals.table import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sinefit.signals.image.row_stream import RowStream
    from sinefit.signals.signal import SignalSpec


@dataclass(frozen=True)
class ImageFormat(Format):
    """How a file format for images is read, and what it can hold where it is written."""

    pillow: str
    """Pillow's name of the format."""
    largest_side: int
    """Largest width and height, in pixels."""
    largest_file: int | None = None
    """Largest number of bytes before compression, or None."""
    sixteen_bit: tuple[int, ...] = ()
    """The numbers of channels whose samples may have 16 bits; all formats take 8."""
    floats: bool = False
    """Whether samples may be 32-bit floating-point numbers."""
    alpha: bool = False
    """Whether an alpha channel of the same depth is kept."""
    profile: bool = False
    """Whether a colour profile is kept."""
    grey: bool = True
    """Whether grey is stored as grey, not as colour with three equal channels."""
    stream: type[RowStream] | None = None
    """What writes it row by row; Pillow, and all rows at once, where there is none."""
    default_quality: int | None = None
    """Quality where a lossy format is asked for none; None stands for no loss at all."""
    least_quality: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    """Pillow's options for writing it."""
    depth: Callable[[BinaryIO], int] | None = None
    """What finds the bits per sample where Pillow reduces them to 8 without a word."""
    pixels_per_byte: int | None = None
    """More pixels than a byte can stand for, where the decoder fills up what the file lacks."""
    working_bytes: int = 1
    """Bytes that the decoder takes per sample, where that is more than the sample has."""
    feature: str | None = None
    """What Pillow's own build must have to read it."""
    plugin: str | None = None
    """The module that teaches Pillow to read it."""
    extra: str | None = None
    """The optional dependency of sinefit that brings the plugin."""


# The limit of a file leaves room for headers and a profile beside the pixels.
_FOUR_GIB = 2**32 - 2**26
_ALL = (1, 2, 3, 4)

IMAGE_FORMATS: Mapping[str, ImageFormat] = {
    "png": ImageFormat(
        (".png", ".apng"),
        "PNG",
        png.LARGEST_SIDE,
        signature=rb"\x89PNG\r\n\x1a\n",
        sixteen_bit=_ALL,
        alpha=True,
        profile=True,
        stream=PngStream,
    ),
    # 512 pixels per byte of a JPEG that is not coded arithmetically, fewer than 3000 of a GIF,
    # 128 of a BMP, 64 of a TGA.
    "jpeg": ImageFormat(
        (".jpg", ".jpeg", ".jpe"),
        "JPEG",
        65535,
        signature=rb"\xff\xd8\xff",
        profile=True,
        lossy=True,
        default_quality=95,
        least_quality=1,  # where libjpeg's scale begins
        options={"subsampling": 0},
        pixels_per_byte=2**13,
    ),
    "webp": ImageFormat(
        (".webp",),
        "WEBP",
        16383,
        signature=rb"RIFF.{4}WEBP",
        alpha=True,
        profile=True,
        lossy=True,
        options={"exact": True},  # the colours of transparent pixels, which the fit has seen
        grey=False,
    ),
    "tiff": ImageFormat(
        (".tif", ".tiff"),
        "TIFF",
        tiff.LARGEST_SIDE,
        _FOUR_GIB,
        signature=rb"(?:II[\x2a\x2b]\0|MM\0[\x2a\x2b])(?!.{4}CR)",  # which is Canon's raw data
        sixteen_bit=_ALL,
        floats=True,
        alpha=True,
        profile=True,
        stream=TiffStream,
    ),
    "ppm": ImageFormat(
        (".ppm", ".pgm", ".pnm", ".pbm"), "PPM", 2**31 - 1, sixteen_bit=(1, 3), stream=PnmStream
    ),
    # Two letters are too few, so the size of its header is asked too.
    "bmp": ImageFormat(
        (".bmp",),
        "BMP",
        2**31 - 1,
        _FOUR_GIB,
        signature=rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0{3}",
        pixels_per_byte=2**13,
    ),
    "gif": ImageFormat((".gif",), "GIF", 65535, signature=rb"GIF8[79]a", pixels_per_byte=2**13),
    "avif": ImageFormat(
        (".avif",),
        "AVIF",
        65535,
        alpha=True,
        profile=True,
        lossy=True,
        grey=False,
        default_quality=90,
        options={"subsampling": "4:4:4"},
        depth=find_pixel_depth,
        feature="avif",
    ),
    # An even picture takes next to nothing, and each sample 32 bits twice while it is decoded.
    "jp2": ImageFormat(
        (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
        "JPEG2000",
        2**31 - 1,
        signature=rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
        sixteen_bit=(1,),
        alpha=True,
        depth=find_stream_depth,
        pixels_per_byte=2**17,
        working_bytes=8,
        feature="jpg_2000",
    ),
    "tga": ImageFormat((".tga",), "TGA", 65535, alpha=True, pixels_per_byte=2**7),
    "jxl": ImageFormat(
        (".jxl",),
        "JXL",
        2**30,
        signature=rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a",
        alpha=True,
        profile=True,
        lossy=True,
        options={"lossless": False},
        working_bytes=4,
        plugin="pillow_jxl",
        extra="jxl",
    ),
    "heic": ImageFormat(
        (".heic", ".heif", ".hif"),
        "HEIF",
        16384,
        alpha=True,
        profile=True,
        depth=find_pixel_depth,
        written=False,
        plugin="pillow_heif",
        extra="heic",
    ),
}
"""How each format is read and what it can hold, by the format's name."""

BYTES_PER_SAMPLE: Mapping[str, int] = {"uint8": 1, "uint16": 2, "float32": 4}
"""Bytes per value of the sample types that image formats hold."""


def obstacle_to_use(
    format: str, has_feature: Callable[[str], bool | None] = features.check
) -> str | None:
    """Return why this installation neither reads nor writes a format, None when it does both.

    `has_feature` tells what Pillow was built with. A plugin is loaded by asking.
    """
    capability = IMAGE_FORMATS[format]
    with warnings.catch_warnings(action="ignore"):  # of a feature that this Pillow does not know
        built = capability.feature is None or has_feature(capability.feature)
    if not built:
        return f"this build of Pillow lacks {capability.pillow}: install a newer one"
    if capability.plugin is not None:
        try:
            plugin = importlib.import_module(capability.plugin)
        except ImportError:
            return (
                f"it needs {capability.plugin}, an optional part: "
                f"pip install 'sinefit[{capability.extra}]'"
            )
        register = getattr(plugin, "register_heif_opener", None)
        if register is not None:
            register()
    return None


def check_image_writable(spec: SignalSpec, format: str) -> None:
    """Raise OutputError, naming formats that can, when `format` cannot hold such an image."""
    if spec.kind != "image" or len(spec.shape) != 2 or format not in IMAGE_FORMATS:
        written = [name for name, row in IMAGE_FORMATS.items() if row.written]
        raise OutputError(
            f"format {format} cannot hold {spec.kind} of {len(spec.shape)} axes: "
            f"images are written as {_list(written)}"
        )
    if spec.dtype not in ("uint8", "uint16", "float32") or spec.channels > 4:
        raise OutputError(
            f"an image of {spec.channels} channels of {spec.dtype} cannot be written as {format}: "
            "image formats hold up to 4 channels of 8 or 16 bits or 32-bit floats; npy can"
        )
    if spec.alpha != (spec.channels in (2, 4)):
        raise OutputError(
            f"an image of {spec.channels} channels {'with' if spec.alpha else 'without'} alpha "
            f"cannot be written as {format}: use npy"
        )
    obstacle = _obstacle(spec, IMAGE_FORMATS[format])
    if obstacle is not None:
        able = [
            name
            for name, capability in IMAGE_FORMATS.items()
            if capability.plugin is None and _obstacle(spec, capability) is None
        ]
        raise OutputError(f"{format} cannot hold {obstacle}: use {_list([*able, 'npy'])}")
    missing = obstacle_to_use(format)
    if missing is not None:
        raise OutputError(f"{format} cannot be written here: {missing}")


def _obstacle(spec: SignalSpec, capability: ImageFormat) -> str | None:
    """Say what of the image the format cannot hold, or None when it can hold all."""
    height, width = spec.shape
    if not capability.written:
        return "a rendered image, as it is only read"
    if min(height, width) < 1:
        return f"an image of {width}x{height} pixels"
    if spec.dtype == "uint16" and spec.channels not in capability.sixteen_bit:
        return "16-bit samples" + (" of several channels" if capability.sixteen_bit else "")
    if spec.dtype == "float32" and not capability.floats:
        return "floating-point samples without a `bit_depth`"
    if spec.alpha and not capability.alpha:
        return "an alpha channel"
    if max(height, width) > capability.largest_side:
        return f"{width}x{height} pixels (its sides are at most {capability.largest_side})"
    size = height * width * spec.channels * BYTES_PER_SAMPLE[spec.dtype]
    if capability.largest_file is not None and size > capability.largest_file:
        return f"{width}x{height} pixels (its files are at most 4 GiB)"
    return None


def _list(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
