"""Writing images: PNG, TIFF and PPM row by row, the other formats through Pillow."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from PIL import Image

from sinefit.errors import OutputError
from sinefit.signals.image.formats import BYTES_PER_SAMPLE, IMAGE_FORMATS, check_image_writable
from sinefit.signals.storage import allocate_samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.signals.image.row_stream import RowStream
    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.writer import Encoding


class ImageWriter:
    """Writes an image to `path` in one of the image formats (a SignalWriter).

    Raises OutputError when the format cannot hold the image or the file cannot be written. JPEG and
    AVIF are written without chroma subsampling; WebP and JPEG XL are lossless unless a quality is
    given.
    """

    def __init__(self, path: Path, spec: SignalSpec, format: str, encoding: Encoding) -> None:
        check_image_writable(spec, format)
        self.notices: tuple[str, ...] = _losses(spec, format, encoding)
        self._path = path
        self._spec = spec
        self._format = format
        self._options = _pillow_options(format, encoding.quality)
        self._rows = 0
        height, width = spec.shape
        self._profile = spec.icc_profile if _keeps_profile(spec, format) else None
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from None
        self._stream: RowStream | None = None
        self._pixels: NDArray[Any] | None = None
        if IMAGE_FORMATS[format].stream is not None:
            self._guarded(self._begin_stream)
        else:
            self._pixels = allocate_samples((height, width, spec.channels), spec.dtype)

    def write(self, block: NDArray[np.generic]) -> None:
        """Append rows of pixels (count, width, channels) of the spec's dtype."""
        height, width = self._spec.shape
        expected = (width, self._spec.channels)
        if block.shape[1:] != expected or self._rows + len(block) > height:
            raise OutputError(
                f"rows of shape {block.shape} do not belong to an image of {width}x{height} pixels "
                f"and {self._spec.channels} channels"
            )
        if self._stream is not None:
            self._guarded(self._stream.write, block)
        elif self._pixels is not None:
            self._pixels[self._rows : self._rows + len(block)] = block
        self._rows += len(block)

    def close(self) -> None:
        """Finish the file; raises OutputError when rows are missing or the disk is full."""
        if self._rows != self._spec.shape[0]:
            self.abort()
            raise OutputError(
                f"only {self._rows} of {self._spec.shape[0]} rows were written to {self._path}"
            )
        self._guarded(self._stream.close if self._stream is not None else self._save)
        self._guarded(self._file.close)

    def abort(self) -> None:
        """Close the file as it is and forget the pixels."""
        self._pixels = None
        with contextlib.suppress(OSError):  # a full disk does not take what is still to be written
            self._file.close()

    def _begin_stream(self) -> None:
        stream = IMAGE_FORMATS[self._format].stream
        assert stream is not None
        height, width = self._spec.shape
        depth = 8 * BYTES_PER_SAMPLE[self._spec.dtype]
        self._stream = stream(self._file, width, height, self._spec.channels, depth, self._profile)

    def _save(self) -> None:
        assert self._pixels is not None
        grey = self._spec.channels == 1
        image = Image.fromarray(self._pixels[..., 0] if grey else self._pixels)
        if self._format == "gif" and not grey:
            image = image.quantize(256)
        if self._profile is not None:
            self._options["icc_profile"] = self._profile
        image.save(self._file, IMAGE_FORMATS[self._format].pillow, **self._options)

    def _guarded(self, action: Callable[..., object], *arguments: object) -> None:
        """Run one step of writing and turn what the system or Pillow raises into OutputError."""
        try:
            action(*arguments)
        except (OSError, ValueError) as error:
            self.abort()
            reason = getattr(error, "strerror", None) or str(error)
            raise OutputError(f"{self._path} cannot be written: {reason}") from error


def _keeps_profile(spec: SignalSpec, format: str) -> bool:
    capability = IMAGE_FORMATS[format]
    # A profile for grey does not describe grey that is stored as colour.
    return capability.profile and (capability.grey or spec.channels >= 3)


def _losses(spec: SignalSpec, format: str, encoding: Encoding) -> tuple[str, ...]:
    notices = []
    if spec.icc_profile is not None and not _keeps_profile(spec, format):
        notices.append(f"{format} cannot keep the colour profile of this image: it was left out")
    if format == "gif" and spec.channels == 3:
        notices.append("gif keeps at most 256 colours: the nearest were taken")
    if encoding.quality is not None and not IMAGE_FORMATS[format].lossy:
        notices.append(f"{format} is lossless: `quality` has no effect")
    if encoding.subtype is not None:
        notices.append("images have no sample encoding: `subtype` has no effect")
    return tuple(notices)


def _pillow_options(format: str, quality: int | None) -> dict[str, Any]:
    row = IMAGE_FORMATS[format]
    if not row.lossy:
        return {}
    chosen = row.default_quality if quality is None else quality
    asked = {"lossless": True} if chosen is None else {"quality": max(row.least_quality, chosen)}
    return {**row.options, **asked}
