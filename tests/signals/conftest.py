from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Protocol

import imageio_ffmpeg
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

PIXEL_FORMATS = {
    (1, 8): "gray",
    (2, 8): "ya8",
    (3, 8): "rgb24",
    (4, 8): "rgba",
    (1, 16): "gray16le",
    (2, 16): "ya16le",
    (3, 16): "rgb48le",
    (4, 16): "rgba64le",
}


class FfmpegDecode(Protocol):
    """What `ffmpeg_decode` gives: the pixels (height, width, channels) of a PNG or TIFF."""

    def __call__(
        self, data: bytes, format: str, shape: tuple[int, int, int], bits: int
    ) -> NDArray[np.unsignedinteger]: ...


class FfmpegEncode(Protocol):
    """What `ffmpeg_encode` gives: the bytes of a PNG or TIFF of the pixels."""

    def __call__(self, pixels: NDArray[np.generic], format: str, *options: str) -> bytes: ...


class Gradient(Protocol):
    """What `gradient` gives: a picture (height, width, channels)."""

    def __call__(
        self, height: int, width: int, channels: int, bits: int = 8
    ) -> NDArray[np.unsignedinteger]: ...


def _run(arguments: list[str], data: bytes) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def ffmpeg_decode() -> FfmpegDecode:
    """Decode the bytes of a PNG or TIFF with ffmpeg, as a reference."""

    def decode(
        data: bytes, format: str, shape: tuple[int, int, int], bits: int
    ) -> NDArray[np.unsignedinteger]:
        demuxer = [*("-f", f"{format}_pipe"), *("-frame_size", str(len(data)))]
        pixels = PIXEL_FORMATS[shape[2], bits]
        output = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", pixels, "pipe:1"]
        raw = _run([*demuxer, "-noautorotate", "-i", "pipe:0", *output], data)
        return np.frombuffer(raw, f"<u{bits // 8}").reshape(shape)

    return decode


@pytest.fixture(scope="session")
def ffmpeg_encode() -> FfmpegEncode:
    """Encode pixels as PNG or TIFF with ffmpeg: files that sinefit did not write."""

    def encode(pixels: NDArray[np.generic], format: str, *options: str) -> bytes:
        height, width, channels = pixels.shape
        bits = pixels.dtype.itemsize * 8
        source = ["-f", "rawvideo", "-pix_fmt", PIXEL_FORMATS[channels, bits]]
        source += ["-video_size", f"{width}x{height}", "-i", "pipe:0"]
        target = ["-c:v", format, *options, "-f", "image2pipe", "pipe:1"]
        return _run([*source, *target], pixels.astype(f"<u{bits // 8}").tobytes())

    return encode


@pytest.fixture
def gradient() -> Gradient:
    """Make a smooth picture with a little noise: every filter of PNG has its rows."""

    def make(height: int, width: int, channels: int, bits: int = 8) -> NDArray[np.unsignedinteger]:
        rows, columns, channel = np.ogrid[0:height, 0:width, 0:channels]
        wave = np.sin(rows / 5.0 + channel) + np.cos(columns / 7.0 - channel)
        noise = np.random.default_rng(5).normal(0.0, 0.02, (height, width, channels))
        full = 2**bits - 1
        values = np.clip((wave + noise + 2.2) / 4.4, 0.0, 1.0) * full
        pixels: NDArray[np.unsignedinteger] = np.rint(values).astype(f"u{bits // 8}")
        return pixels

    return make


@pytest.fixture
def profile() -> Callable[[bytes], bytes]:
    """Make bytes that carry the header of a colour profile for a given colour space."""

    def make(space: bytes) -> bytes:
        body = bytes(range(256)) * 3
        header = bytearray(128)
        header[:4] = (128 + len(body)).to_bytes(4, "big")
        header[12:16] = b"mntr"
        header[16:20] = space
        header[36:40] = b"acsp"
        return bytes(header) + body

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write bytes to a file of the given name and return its path."""

    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write
