"""Images with 16 bits per sample and more than one channel, decoded without loss.

Pillow reduces them to 8 bits (PNG, TIFF) or does not open them at all (grey with alpha in TIFF), so
they go through the ffmpeg binary: the file is its standard input, the pixels its standard output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinefit.errors import InputError
from sinefit.signals.image import tiff_tags as tag
from sinefit.signals.image.tiff_tags import whole
from sinefit.signals.media.decoder_messages import without_addresses
from sinefit.signals.media.ffmpeg import FFmpeg
from sinefit.signals.storage import allocate_samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.image.tiff_tags import Tags

_PIXEL_FORMATS = {2: "ya16le", 3: "rgb48le", 4: "rgba64le"}
_DEMUXERS = {"png": "png_pipe", "tiff": "tiff_pipe"}
_BAND_BYTES = 2**24


@dataclass(frozen=True)
class DeepLayout:
    """What must be known of a deep image before its pixels are decoded."""

    width: int
    height: int
    stored_channels: int
    """Channels in the file: 2 (grey and one more), 3 (RGB) or 4 (RGB and one more)."""
    channels: int
    """Channels to keep: the stored ones, less a last one that is not alpha."""
    premultiplied: bool = False
    """Whether the colours were multiplied by alpha."""
    orientation: int = 1
    """Orientation as in EXIF, 1 to 8."""
    icc_profile: bytes | None = None


def tiff_layout(tags: Tags) -> DeepLayout | None:
    """Return the layout of a TIFF that is deep, or None when Pillow reads it without loss."""
    bits = tags.get(tag.BITS, (1,))
    channels = len(bits)
    formats = tags.get(tag.SAMPLE_FORMAT, (1,))
    extra = tags.get(tag.EXTRA_SAMPLES, ())
    photometric = tags.get(tag.PHOTOMETRIC, (None,))[0]
    if set(bits) != {16} or set(formats) != {1} or channels not in _PIXEL_FORMATS:
        return None
    if photometric != (1 if channels == 2 else 2):
        return None
    has_alpha = channels in (2, 4) and extra[:1] in ((1,), (2,))
    profile = tags.get(tag.PROFILE, (None,))[0]
    orientation = tags.get(tag.ORIENTATION, (1,))[0]
    return DeepLayout(
        width=whole(tags[tag.WIDTH][0]),
        height=whole(tags[tag.HEIGHT][0]),
        stored_channels=channels,
        channels=channels if has_alpha or channels == 3 else channels - 1,
        premultiplied=has_alpha and extra[0] == 1,
        orientation=orientation if isinstance(orientation, int) else 1,
        icc_profile=profile if isinstance(profile, bytes) else None,
    )


def decode_deep(source: Path, name: str, format: str, layout: DeepLayout) -> NDArray[np.uint16]:
    """Decode the PNG or TIFF at `source` into (height, width, layout.channels), as stored.

    Orientation is not applied. Raises InputError when ffmpeg cannot decode the whole picture.
    """
    stored = allocate_samples((layout.height, layout.width, layout.stored_channels), "<u2")
    arguments = [
        *("-protocol_whitelist", "pipe", "-xerror"),
        # A second header may tell another size than the one that was checked.
        # Decoders count the padding of their lines and blocks as pixels.
        *("-max_pixels", str((layout.width + 128) * (layout.height + 128))),
        # Damage is an error; in TIFF an unknown tag would be one too, so there it is found by size.
        *(("-err_detect", "explode") if format == "png" else ()),
        *("-f", _DEMUXERS[format]),
        # TIFF has no end mark: the whole file has to be declared to be one picture.
        *(("-frame_size", str(source.stat().st_size)) if format == "tiff" else ()),
        *("-noautorotate", "-i", "pipe:0", "-frames:v", "1", "-f", "rawvideo"),
        *("-pix_fmt", _PIXEL_FORMATS[layout.stored_channels], "pipe:1"),
    ]
    with source.open("rb") as file, FFmpeg(arguments, feed=file) as process:
        received = process.read_into(stored.reshape(-1).view(np.uint8).data)
        surplus = process.read_into(memoryview(bytearray(1)))
        well = not surplus and process.finish()  # which would wait for a reader of more
        complaints = [text for text in process.complaints if "unsupported tag" not in text]
    # Damaged strips of a TIFF are complained about and then replaced by noise.
    if not well or complaints or received != stored.nbytes:
        # The first complaint is the decoder's; those after it are about having no picture.
        reason = without_addresses(complaints[0])[:200] if complaints else "it ends early"
        raise InputError(
            f"{name} cannot be decoded as a 16-bit {format} ({reason}): "
            "save it again as 16-bit PNG, or as an array in .npy"
        )
    if layout.premultiplied:
        _divide_by_alpha(stored)
    return stored[..., : layout.channels]


def _divide_by_alpha(pixels: NDArray[np.uint16]) -> None:
    """Turn colours that were multiplied by alpha into plain ones, in place, by bands of rows."""
    step = max(1, _BAND_BYTES // (pixels[0].nbytes + 1))
    for start in range(0, len(pixels), step):
        band = pixels[start : start + step]
        alpha = np.maximum(band[..., -1:].astype(np.float64), 1.0)
        plain = np.minimum(np.rint(band[..., :-1] * (65535.0 / alpha)), 65535.0)
        band[..., :-1] = plain.astype(np.uint16)
