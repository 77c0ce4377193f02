"""The image formats and what each of them can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.errors import OutputError
from sinefit.signals import png, tiff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.signals.signal import SignalSpec


@dataclass(frozen=True)
class ImageFormat:
    """What a file format for images can hold."""

    extensions: tuple[str, ...]
    """Endings of file names, with the dot, the usual one first."""
    pillow: str
    """Pillow's name of the format."""
    largest_side: int
    """Largest width and height, in pixels."""
    largest_file: int | None = None
    """Largest number of bytes before compression, or None."""
    sixteen_bit: bool = False
    """Whether samples may have 16 bits; all formats take 8."""
    alpha: bool = False
    """Whether an alpha channel of the same depth is kept."""
    profile: bool = False
    """Whether a colour profile is kept."""
    lossy: bool = False
    """Whether a quality can be asked for."""
    grey: bool = True
    """Whether grey is stored as grey, not as colour with three equal channels."""


# The limit of a file leaves room for headers and a profile beside the pixels.
_FOUR_GIB = 2**32 - 2**26

IMAGE_CAPABILITIES: Mapping[str, ImageFormat] = {
    "png": ImageFormat(
        (".png",), "PNG", png.LARGEST_SIDE, sixteen_bit=True, alpha=True, profile=True
    ),
    "jpeg": ImageFormat((".jpg", ".jpeg", ".jpe"), "JPEG", 65535, profile=True, lossy=True),
    "webp": ImageFormat(
        (".webp",), "WEBP", 16383, alpha=True, profile=True, lossy=True, grey=False
    ),
    "tiff": ImageFormat(
        (".tif", ".tiff"), "TIFF", tiff.LARGEST_SIDE, _FOUR_GIB, True, alpha=True, profile=True
    ),
    "bmp": ImageFormat((".bmp",), "BMP", 2**31 - 1, _FOUR_GIB),
    "gif": ImageFormat((".gif",), "GIF", 65535),
}
"""What each format can hold, by the format's name."""

IMAGE_FORMATS: Mapping[str, tuple[str, ...]] = {
    name: capability.extensions for name, capability in IMAGE_CAPABILITIES.items()
}
"""Format name -> endings of file names with the dot, the usual one first."""


def check_image_writable(spec: SignalSpec, format: str) -> None:
    """Raise OutputError, naming formats that can, when `format` cannot hold such an image."""
    if spec.kind != "image" or len(spec.shape) != 2 or format not in IMAGE_CAPABILITIES:
        raise OutputError(
            f"format {format} cannot hold {spec.kind} of {len(spec.shape)} axes: "
            f"images are written as {_list(IMAGE_CAPABILITIES)}"
        )
    if spec.dtype not in ("uint8", "uint16") or spec.channels > 4:
        raise OutputError(
            f"an image of {spec.channels} channels of {spec.dtype} cannot be written as {format}: "
            "image formats hold up to 4 channels of 8 or 16 bits; npy can"
        )
    if spec.alpha != (spec.channels in (2, 4)):
        raise OutputError(
            f"an image of {spec.channels} channels {'with' if spec.alpha else 'without'} alpha "
            f"cannot be written as {format}: use npy"
        )
    obstacle = _obstacle(spec, IMAGE_CAPABILITIES[format])
    if obstacle is not None:
        able = [
            name
            for name, capability in IMAGE_CAPABILITIES.items()
            if _obstacle(spec, capability) is None
        ]
        raise OutputError(f"{format} cannot hold {obstacle}: use {_list([*able, 'npy'])}")


def _obstacle(spec: SignalSpec, capability: ImageFormat) -> str | None:
    """Say what of the image the format cannot hold, or None when it can hold all."""
    height, width = spec.shape
    if min(height, width) < 1:
        return f"an image of {width}x{height} pixels"
    if spec.dtype == "uint16" and not capability.sixteen_bit:
        return "16-bit samples"
    if spec.alpha and not capability.alpha:
        return "an alpha channel"
    if max(height, width) > capability.largest_side:
        return f"{width}x{height} pixels (its sides are at most {capability.largest_side})"
    depth = 2 if spec.dtype == "uint16" else 1
    size = height * width * spec.channels * depth
    if capability.largest_file is not None and size > capability.largest_file:
        return f"{width}x{height} pixels (its files are at most 4 GiB)"
    return None


def _list(names: Mapping[str, object] | list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
