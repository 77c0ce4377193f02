"""Small sound files of every format, made by Pillow, libsndfile, NumPy and ffmpeg themselves."""

from __future__ import annotations

import functools
import io
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import imageio_ffmpeg
import numpy as np
import soundfile
from PIL import Image, PngImagePlugin

from .checksums import repair_ogg

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def pixels(height: int = 9, width: int = 12, channels: int = 3) -> NDArray[np.uint8]:
    """A smooth picture."""
    rows, columns, channel = np.ogrid[0:height, 0:width, 0:channels]
    values: NDArray[np.float64] = (
        127.5 + 60 * np.sin(rows / 3 + channel) + 60 * np.cos(columns / 4 - channel)
    )
    return values.astype(np.uint8)


def pillow(format: str, image: Image.Image | None = None, **options: object) -> bytes:
    """A picture as Pillow saves it."""
    file = io.BytesIO()
    (image or Image.fromarray(pixels())).save(file, format, **options)
    return file.getvalue()


def sound(format: str, subtype: str | None = None, channels: int = 2, count: int = 600) -> bytes:
    """A tone as libsndfile saves it."""
    time = np.arange(count) / 8000
    tones = [0.5 * np.sin(2 * np.pi * 300 * (k + 1) * time) for k in range(channels)]
    file = io.BytesIO()
    soundfile.write(file, np.stack(tones, 1), 8000, format=format, subtype=subtype)
    return _without_time(file.getvalue())


def _without_time(content: bytes) -> bytes:
    """Take out what libsndfile makes of the clock: the date of peaks and the number of a stream."""
    changed = bytearray(content)
    peaks = content.find(b"PEAK")
    if peaks >= 0:
        changed[peaks + 12 : peaks + 16] = bytes(4)
    start = 0
    while content[start : start + 4] == b"OggS":
        changed[start + 14 : start + 18] = bytes(4)
        table = content[start + 27 : start + 27 + content[start + 26]]
        start += 27 + len(table) + sum(table)
    return repair_ogg(bytes(changed))


def npy(values: NDArray[np.generic]) -> bytes:
    """An array as NumPy saves it."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def ffmpeg(muxer: str, *arguments: str, stdin: bytes | None = None) -> bytes:
    """What ffmpeg writes to a file by this muxer."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "clip"
        done = subprocess.run(
            [*command, *arguments, "-fflags", "+bitexact", "-f", muxer, str(target)],
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return target.read_bytes()


def clip(muxer: str, codec: str, *more: str, size: str = "16x12", sound: str = "") -> bytes:
    """Five frames of a moving picture, with a tone when `sound` names a codec."""
    source = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=10:duration=0.5"]
    if sound:
        source += ["-f", "lavfi", "-i", "sine=duration=0.5", "-c:a", sound]
    return ffmpeg(muxer, *source, "-c:v", codec, "-pix_fmt", "yuv420p", *more)


def deep_png(channels: int = 3) -> bytes:
    """A PNG of 16 bits per sample."""
    values = pixels(channels=channels).astype(np.uint16) * 257
    return _raw(values, {3: "rgb48be", 4: "rgba64be"}[channels], "png")


def deep_tiff() -> bytes:
    """A TIFF of 16 bits per sample."""
    return _raw(pixels().astype(np.uint16) * 257, "rgb48le", "tiff", "-compression_algo", "raw")


def _raw(values: NDArray[np.uint16], pixel_format: str, codec: str, *options: str) -> bytes:
    height, width, _ = values.shape
    data = values.astype(">u2" if pixel_format.endswith("be") else "<u2").tobytes()
    source = ["-f", "rawvideo", "-pix_fmt", pixel_format, "-video_size", f"{width}x{height}"]
    return ffmpeg("image2pipe", *source, "-i", "pipe:0", "-c:v", codec, *options, stdin=data)


def animated(format: str) -> bytes:
    """Three frames of a moving picture, as Pillow saves them."""
    frames = [Image.fromarray(np.roll(pixels(), k, axis=1)) for k in range(3)]
    return pillow(format, frames[0], save_all=True, append_images=frames[1:], duration=100)


def _palette_png() -> bytes:
    return pillow("PNG", Image.fromarray(pixels()).quantize(16), transparency=3)


def _bilevel_tiff() -> bytes:
    grey = Image.fromarray(pixels(30, 40)[..., 0])
    return pillow("TIFF", grey.convert("1"), compression="group4")


def _turned_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return pillow("JPEG", exif=exif, icc_profile=bytes(200))


def _heights() -> Image.Image:
    return Image.fromarray(np.linspace(-3, 5, 30 * 40, dtype=np.float32).reshape(30, 40))


def _text() -> PngImagePlugin.PngInfo:
    information = PngImagePlugin.PngInfo()
    information.add_itxt("Comment", "as it was", zip=True)
    information.add_text("Title", "a wave", zip=True)
    return information


def npz(values: NDArray[np.generic]) -> bytes:
    """An archive of one array as NumPy saves it."""
    file = io.BytesIO()
    np.savez_compressed(file, values)
    return file.getvalue()


IMAGES: dict[str, Callable[[], bytes]] = {
    "png": lambda: pillow("PNG"),
    "png-grey-alpha": lambda: pillow("PNG", Image.fromarray(pixels(channels=2), "LA")),
    "png-palette": _palette_png,
    "png-grey-16": lambda: pillow("PNG", Image.fromarray(pixels()[..., 0].astype(np.uint16) * 257)),
    "png-16": deep_png,
    "jpeg": lambda: pillow("JPEG"),
    "jpeg-progressive": lambda: pillow("JPEG", progressive=True, quality=95),
    "jpeg-turned": _turned_jpeg,
    "webp": lambda: pillow("WEBP", quality=60),
    "webp-lossless": lambda: pillow("WEBP", lossless=True, exif=bytes(20)),
    "tiff": lambda: pillow("TIFF"),
    "tiff-deflate": lambda: pillow("TIFF", compression="tiff_adobe_deflate"),
    "tiff-lzw": lambda: pillow("TIFF", compression="tiff_lzw"),
    "tiff-jpeg": lambda: pillow("TIFF", compression="jpeg"),
    "tiff-packbits": lambda: pillow("TIFF", compression="packbits"),
    "tiff-bilevel": _bilevel_tiff,
    "tiff-16": deep_tiff,
    "bmp": lambda: pillow("BMP"),
    "bmp-palette": lambda: pillow("BMP", Image.fromarray(pixels()).quantize(16)),
    "gif": lambda: pillow("GIF"),
    "ppm": lambda: pillow("PPM"),
    "ppm-16": lambda: b"P6 12 9 65535\n" + (pixels().astype(">u2") * 257).tobytes(),
    "ppm-plain": lambda: b"P2 12 9 255\n" + b" ".join(b"%d" % v for v in pixels()[..., 0].flat),
    "avif": lambda: pillow("AVIF"),
    "jp2": lambda: pillow("JPEG2000"),
    "jp2-lossy": lambda: pillow("JPEG2000", irreversible=True, no_jp2=True),
    "tga": lambda: pillow("TGA"),
    "tga-packed": lambda: pillow("TGA", compression="tga_rle"),
    "tiff-float": lambda: pillow("TIFF", _heights()),
    "tiff-float-lzw": lambda: pillow("TIFF", _heights(), compression="tiff_lzw"),
    "png-text": lambda: pillow("PNG", pnginfo=_text()),
}
SOUNDS: dict[str, Callable[[], bytes]] = {
    "wav": lambda: sound("WAV", "PCM_16"),
    "wav-float": lambda: sound("WAV", "FLOAT", count=200),
    "wav-adpcm": lambda: sound("WAV", "IMA_ADPCM"),
    "wav-rf64": lambda: sound("RF64", "PCM_24", count=200),
    "flac": lambda: sound("FLAC", "PCM_16"),
    "ogg": lambda: sound("OGG", "VORBIS"),
    "ogg-opus": lambda: sound("OGG", "OPUS"),
    "mp3": lambda: sound("MP3", count=4000),
    "aiff": lambda: sound("AIFF", "PCM_16"),
    "aiff-float": lambda: sound("AIFF", "FLOAT", count=200),
    "au": lambda: sound("AU", "PCM_16"),
    "caf": lambda: sound("CAF", "PCM_16"),
    "caf-alac": lambda: sound("CAF", "ALAC_16"),
    "w64": lambda: sound("W64", "PCM_16"),
}
_TONE = ("-f", "lavfi", "-i", "sine=duration=0.5")
STREAMS: dict[str, Callable[[], bytes]] = {
    "m4a": lambda: ffmpeg("ipod", *_TONE, "-c:a", "aac"),
    "m4a-alac": lambda: ffmpeg("ipod", *_TONE, "-c:a", "alac"),
    "aac": lambda: ffmpeg("adts", *_TONE, "-c:a", "aac"),
    "webm-sound": lambda: ffmpeg("webm", *_TONE, "-c:a", "libopus"),
}
ARRAYS: dict[str, Callable[[], bytes]] = {
    "npy": lambda: npy(np.linspace(-1, 1, 60, dtype=np.float32).reshape(3, 4, 5)),
    "npy-big-endian": lambda: npy(np.arange(24, dtype=">i4").reshape(4, 6)),
    "npy-half": lambda: npy(np.asfortranarray(np.linspace(0, 9, 30).reshape(5, 6), np.float16)),
    "npz": lambda: npz(np.linspace(-1, 1, 60).reshape(3, 4, 5)),
    "npy-bool": lambda: npy(np.arange(20).reshape(4, 5) % 3 == 0),
}
ANIMATIONS: dict[str, Callable[[], bytes]] = {
    "webp-animated": lambda: animated("WEBP"),
    "png-animated": lambda: animated("PNG"),
}
VIDEOS: dict[str, Callable[[], bytes]] = {
    "gif-animated": lambda: animated("GIF"),
    "mp4": lambda: clip("mp4", "libx264", sound="aac"),
    "mp4-fragmented": lambda: clip("mp4", "libx264", "-movflags", "frag_keyframe+empty_moov"),
    "mov": lambda: clip("mov", "mjpeg", sound="pcm_s16le"),
    "mkv": lambda: clip("matroska", "ffv1", sound="flac"),
    "webm": lambda: clip("webm", "libvpx-vp9", "-deadline", "realtime", sound="libopus"),
    "avi": lambda: clip("avi", "mpeg4", sound="mp2"),
    "ts": lambda: clip("mpegts", "mpeg2video", sound="aac"),
}
SPECIMENS = {**IMAGES, **ANIMATIONS, **SOUNDS, **STREAMS, **ARRAYS, **VIDEOS}
"""Name -> maker; a name begins with that of the format, then a variant."""


@functools.cache
def specimen(name: str) -> bytes:
    """The bytes of one of SPECIMENS, made once."""
    return SPECIMENS[name]()
