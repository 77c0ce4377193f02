"""Small files that announce or unfold into more than the limits: refused before memory is taken."""

from __future__ import annotations

import functools
import resource
import struct
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import InputError
from sinefit.signals.limits import Limits
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection
from sinefit.signals.video.frame_plan import MOST_FRAMES

from .boxes import with_box
from .crafting import bmp, chunk, gif, jp2, npy_described, png, tga, tiff, wav, webp, zeros
from .specimens import clip, ffmpeg, npy, pillow, sound, specimen
from .watching import SMALL, check_message
from .weights import decode_damaged, put_together

SLACK = 2**27
"""Bytes that a process may grow by while it refuses: less than any bomb here would take."""


def refuse(content: bytes, limits: Limits = SMALL, **more: Any) -> str:
    """Refuse a bomb, without growing; return the message."""
    before = peak()
    with pytest.raises(InputError) as caught:
        read_signal(content, name="it", limits=limits, **more)
    assert peak() - before < SLACK
    check_message(str(caught.value))
    return str(caught.value)


@functools.cache
def _long() -> bytes:
    return zeros(2**28)


def peak() -> int:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


@pytest.mark.parametrize(
    "content",
    [
        png(60_000, 60_000),
        png(2**31 - 1, 2**31 - 1),
        png(8_000, 8_000, zeros(8_001 * 8_000)),
        bmp(30_000, 30_000),
        bmp(2**31 - 1, 1),
        gif(65_535, 65_535, 1),
        webp(16_383, 16_383),
        webp(65_536, 65_535),
        b"P6 60000 60000 255\n",
        b"P1 60000 60000\n",
        tga(60_000, 60_000),
        jp2(60_000, 60_000),
        tiff((256, 4, 60_000), (257, 4, 60_000)),
        tiff((256, 4, 2**31), (257, 4, 2**31)),
        tiff((322, 4, 65_536), (323, 4, 65_536), (324, 4, 8), (325, 4, 64)),
    ],
)
def test_pictures_of_too_many_pixels(content: bytes) -> None:
    assert "`max_pixels`" in refuse(content)
    assert "`max_pixels`" in refuse(content, limits=Limits(max_pixels=2**20))


@pytest.mark.parametrize("name", ["jpeg", "jpeg-progressive", "gif", "bmp", "tga", "jp2"])
def test_pictures_that_a_decoder_would_fill_up(name: str) -> None:
    # Within the limits on pixels, but by far not within those bytes.
    content = {
        "gif": gif(20_000, 20_000, 1),
        "bmp": bmp(20_000, 20_000, bits=8, run_lengths=True),
        "tga": tga(20_000, 20_000),
        "jp2": jp2(20_000, 20_000),
    }.get(name) or specimen(name).replace(
        struct.pack(">HH", 9, 12), struct.pack(">HH", *[2**14] * 2)
    )
    assert "pixels that it claims" in refuse(content, limits=Limits())


@pytest.mark.parametrize("format", ["JPEG", "GIF", "BMP"])
def test_a_picture_of_one_colour_is_no_bomb(format: str) -> None:
    even = Image.new("L", (5000, 5000), 77)
    content = pillow(format, even, **({"progressive": True} if format == "JPEG" else {}))
    assert (read_signal(content).samples == 77).mean() > 0.99


def test_a_tiff_of_very_many_pages_is_not_counted_to_its_end() -> None:
    whole = tiff()
    directory = whole[72:-4]
    content = bytearray(whole[:72])
    for _ in range(2**15):
        content += directory + struct.pack("<I", len(content) + len(directory) + 4)
    content += directory + bytes(4)
    (notice,) = read_signal(bytes(content), name="it").notices
    assert notice == "only the first of at least 16384 frames was read"


def test_a_jpeg_of_very_many_scans() -> None:
    whole = specimen("jpeg-progressive")
    last = whole[whole.rindex(b"\xff\xda") : -2]
    assert "scans" in refuse(whole[:-2] + 1000 * last + whole[-2:])


def test_frames_that_are_too_large_for_the_decoder() -> None:
    assert "bytes each" in refuse(gif(16_000, 16_000, 3), limits=Limits())


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_texts_and_profiles_that_unfold(name: bytes) -> None:
    head = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\x01\0\0\0", b"iCCP": b"a\0\0"}[name]
    extra = chunk(name, head + _long())
    before = peak()
    try:
        read_signal(png(4, 4, zeros(20), extra=extra), name="it", limits=SMALL)
    except InputError as error:
        check_message(str(error))
    assert peak() - before < SLACK


PICTURES = ["png", "png-16", "jpeg", "webp", "tiff", "tiff-16", "bmp", "gif"]
PICTURES += ["ppm", "ppm-16", "avif", "jp2", "tga", "webp-animated", "png-animated"]


@pytest.mark.parametrize("name", PICTURES)
def test_the_limit_on_pixels_is_exact(name: str) -> None:
    content = specimen(name)  # 12 by 9 pixels
    assert read_signal(content, limits=Limits(max_pixels=108)).spec.shape[-2:] == (9, 12)
    assert "12x9 pixels, more than the 107" in refuse(content, Limits(max_pixels=107))
    assert "`max_pixels`" in refuse(content, Limits(max_pixels=10))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("png", 12 * 9 * 3),
        ("png-16", 12 * 9 * 3 * 2),
        ("png-grey-16", 12 * 9 * 2),
        ("tiff-16", 12 * 9 * 3 * 2),
        ("wav", 600 * 2 * 4),
        ("flac", 600 * 2 * 4),
        ("ogg", 600 * 2 * 4),
        ("aiff", 600 * 2 * 4),
        ("npy", 60 * 4),
        ("npz", 60 * 8),
        ("m4a-alac", 22050 * 4),
        ("caf", 600 * 2 * 4),
        ("ppm-16", 12 * 9 * 3 * 2),
        ("tiff-float", 30 * 40 * 4),
        ("webp-animated", 3 * 12 * 9 * 3),
        ("png-animated", 3 * 12 * 9 * 3),
        ("avi", 5 * 12 * 16 * 3),
        ("npy-big-endian", 24 * 4),
        ("mkv", 5 * 12 * 16 * 3),
        ("mp4", 5 * 12 * 16 * 3),
        ("gif-animated", 3 * 12 * 9 * 3),
    ],
)
def test_the_limit_on_bytes_is_exact(name: str, size: int) -> None:
    content = specimen(name)
    assert read_signal(content, limits=Limits(max_bytes=size)).samples.nbytes == size
    assert f"{size} bytes" in refuse(content, Limits(max_bytes=size - 1))


def test_a_part_of_a_sound_or_a_clip_may_fit() -> None:
    limits = Limits(max_bytes=2400)
    part = Selection(duration=0.02)
    assert read_signal(sound("WAV"), selection=part, limits=limits).samples.nbytes == 160 * 2 * 4
    frames = read_signal(specimen("mkv"), selection=Selection(duration=0.4), limits=limits)
    assert frames.samples.nbytes == 4 * 12 * 16 * 3


@pytest.mark.parametrize("name", ["mp4", "mov", "mkv", "webm", "gif-animated", "avi", "ts"])
def test_frames_of_too_many_pixels(name: str) -> None:
    assert "`max_pixels`" in refuse(specimen(name), Limits(max_pixels=100))


def test_a_clip_whose_codec_tells_a_larger_picture_than_its_container() -> None:
    large = clip("matroska", "mjpeg", size="640x480")
    small = large.replace(b"\xb0\x82" + (640).to_bytes(2, "big"), b"\xb0\x82" + b"\0\x10")
    small = small.replace(b"\xba\x82" + (480).to_bytes(2, "big"), b"\xba\x82" + b"\0\x10")
    assert small != large
    assert "`max_pixels`" in refuse(small, Limits(max_pixels=1000))


def test_a_gif_of_many_large_frames() -> None:
    content = gif(1000, 1000, 300)
    assert len(content) < 10_000
    assert "`max_bytes`" in refuse(content)


@pytest.mark.parametrize("gap", ["1e6", "2.5e6"])
def test_a_gap_in_time_is_not_filled_for_ever(gap: str) -> None:
    late = f"settb=1/1000,setpts='if(lt(N,4),40*N,{gap}*40)'"
    source = ["-f", "lavfi", "-i", "testsrc=size=16x12:rate=25:duration=0.2", "-vf", late]
    content = ffmpeg("matroska", *source, "-fps_mode", "passthrough", "-c:v", "ffv1")
    message = refuse(content)
    count = float(gap) + 1
    assert ("`max_bytes`" if count < MOST_FRAMES else "too long") in message


@pytest.mark.parametrize("content", [wav(channels=1000, data=bytes(2**21)), sound("WAV", count=40)])
def test_sounds_of_too_many_samples(content: bytes) -> None:
    assert "`max_bytes`" in refuse(content, Limits(max_bytes=300))


def test_arrays_that_are_larger_than_their_file() -> None:
    assert "npy" in refuse(npy_described("'<f8'", "(100000, 100000)"))
    assert "`max_bytes`" in refuse(npy(np.zeros(100)), Limits(max_bytes=799))


@pytest.mark.parametrize("count", [10**7, 2**31 - 1])
def test_a_clip_that_claims_samples_without_end(count: int) -> None:
    tables = [b"moov", b"trak", b"mdia", b"minf", b"stbl"]
    content = clip("mp4", "libx264")
    content = with_box(content, [*tables, b"stsz"], struct.pack(">III", 0, 1, count))
    content = with_box(content, [*tables, b"stts"], struct.pack(">IIII", 0, 1, count, 512))
    content = with_box(content, [*tables, b"stsc"], struct.pack(">IIIII", 0, 1, 1, count, 1))
    assert f"{count} samples" in refuse(content)


def test_a_weights_file_with_a_long_header() -> None:
    header = b'{"a":[' + b"[]," * (5 * 10**6) + b"[]]}"
    before = peak()
    assert decode_damaged(put_together(header, b"")) == "refused"
    assert peak() - before < SLACK
