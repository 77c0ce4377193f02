"""Writing animated PNG and WebP, frame by frame: every frame is whole, and stands for itself.

Own code, because encoders of animations join frames that are alike, and a clip would come back
with fewer of them.

Formats: W3C, Portable Network Graphics Specification (Third Edition), 11.3.6; Google, WebP
Container Specification, "Animation".
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Protocol

import numpy as np
from PIL import Image

from sinefit.errors import OutputError
from sinefit.signals.image.png import SIGNATURE, filter_rows, png_chunk
from sinefit.signals.video.formats import (
    VIDEO_FORMATS,
    check_all_given,
    check_frames,
    check_video_writable,
    picture_notices,
    webp_options,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.writer import Encoding

_LARGEST_RIFF = 2**32 - 2**16
_LARGEST_DELAY = 65535


class AnimationWriter:
    """Writes a video in blocks of shape (count, height, width, 3); see SignalWriter."""

    notices: tuple[str, ...]

    def __init__(self, path: Path, spec: SignalSpec, format: str, encoding: Encoding) -> None:
        check_video_writable(spec, format)
        self._path = path
        self._spec = spec
        self._written = 0
        notices = picture_notices(spec, format, encoding.quality)
        if spec.soundtrack is not None:
            notices.append(f"{VIDEO_FORMATS[format].name} holds no sound: it is left out")
        self.notices = tuple(notices)
        options = webp_options(encoding.quality)
        try:
            self._file = path.open("wb")
        except OSError as error:
            self._fail(error)
        try:
            self._stream = _STREAMS[format](self._file, spec, options)
        except OSError as error:
            self._file.close()
            self._fail(error)

    def write(self, block: NDArray[np.generic]) -> None:
        """Append frames of shape (count, height, width, 3), uint8."""
        check_frames(self._path, self._spec, block)
        try:
            for frame in block:
                self._stream.add(np.ascontiguousarray(frame))
                self._written += 1
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Finish the file; raises OutputError when frames are missing or the disk is full."""
        try:
            check_all_given(self._path, self._spec, self._written)
            try:
                self._stream.finish()
                self._file.close()
            except OSError as error:
                self._fail(error)
        finally:
            self.abort()

    def abort(self) -> None:
        """Close the file as it is."""
        try:
            self._file.close()
        except OSError:
            return  # what could not be written has been told

    def _fail(self, error: OSError) -> NoReturn:
        raise OutputError(f"{self._path} cannot be written: {error.strerror or error}") from None


class _Stream(Protocol):
    def __init__(self, file: BinaryIO, spec: SignalSpec, options: dict[str, object]) -> None: ...

    def add(self, frame: NDArray[np.uint8]) -> None: ...

    def finish(self) -> None: ...


class _PngFrames:
    def __init__(self, file: BinaryIO, spec: SignalSpec, _options: dict[str, object]) -> None:
        assert spec.rate is not None
        count, self._height, self._width = spec.shape
        self._file = file
        self._number = 0
        delay = (1 / spec.rate).limit_denominator(_LARGEST_DELAY)
        # Of long delays the numerator is what must not grow too large.
        scale = max(1, -(-delay.numerator // _LARGEST_DELAY))
        self._delay = (delay.numerator // scale, max(1, delay.denominator // scale))
        header = struct.pack(">IIBBBBB", self._width, self._height, 8, 2, 0, 0, 0)
        file.write(SIGNATURE + png_chunk(b"IHDR", header))
        file.write(png_chunk(b"acTL", struct.pack(">II", count, 0)))

    def add(self, frame: NDArray[np.uint8]) -> None:
        placed = struct.pack(">IIII", self._width, self._height, 0, 0)
        control = self._next() + placed + struct.pack(">HHBB", *self._delay, 0, 0)
        first = self._number == 1
        self._file.write(png_chunk(b"fcTL", control))
        rows = frame.reshape(self._height, self._width * 3)
        data = zlib.compress(filter_rows(rows, np.zeros_like(rows[0]), 3).data)
        self._file.write(
            png_chunk(b"IDAT", data) if first else png_chunk(b"fdAT", self._next() + data)
        )

    def finish(self) -> None:
        self._file.write(png_chunk(b"IEND", b""))

    def _next(self) -> bytes:
        self._number += 1
        return struct.pack(">I", self._number - 1)


class _WebpFrames:
    def __init__(self, file: BinaryIO, spec: SignalSpec, options: dict[str, object]) -> None:
        assert spec.rate is not None
        _, height, width = spec.shape
        self._file = file
        self._options = options
        self._rate = spec.rate
        self._frames = 0
        self._size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        file.write(b"RIFF\0\0\0\0WEBP")
        self._chunk(b"VP8X", b"\x02\0\0\0" + self._size)
        self._chunk(b"ANIM", bytes(6))

    def add(self, frame: NDArray[np.uint8]) -> None:
        encoded = io.BytesIO()
        Image.fromarray(frame).save(encoded, "WEBP", **self._options)
        delay = self._time(self._frames + 1) - self._time(self._frames)
        self._frames += 1
        replaced = b"\x02"  # the frame is not blended with the one before
        content = bytes(6) + self._size + delay.to_bytes(3, "little") + replaced
        # Behind the signature is the one chunk of an opaque picture.
        self._chunk(b"ANMF", content + encoded.getvalue()[12:])

    def finish(self) -> None:
        size = self._file.tell() - 8
        self._file.seek(4)
        self._file.write(struct.pack("<I", size))

    def _time(self, index: int) -> int:
        """When a frame begins, in milliseconds."""
        return round(index * 1000 / self._rate)

    def _chunk(self, name: bytes, content: bytes) -> None:
        if self._file.tell() + len(content) > _LARGEST_RIFF:
            raise OutputError("WebP holds at most 4 GiB: render it smaller, or use png")
        self._file.write(name + struct.pack("<I", len(content)) + content)
        self._file.write(bytes(len(content) % 2))


_STREAMS: Mapping[str, type[_Stream]] = {"png": _PngFrames, "webp": _WebpFrames}
