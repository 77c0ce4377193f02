from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinefit.errors import InputError
from sinefit.signals.sniffing import detect, identify

if TYPE_CHECKING:
    from collections.abc import Callable


def image(format: str) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(file, format)
    return file


def sound(format: str, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 9000)
    soundfile.write(file, noise, 44100, format=format, **options)
    return file


def array() -> io.BytesIO:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        *[
            (lambda name=name: image(name), ("image", name.lower()))
            for name in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "TGA")
        ],
        (lambda: image("PPM"), ("image", "ppm")),
        (lambda: image("JPEG2000"), ("image", "jp2")),
        (lambda: io.BytesIO(archive("a.npy")), ("array", "npz")),
        (lambda: io.BytesIO(b"\0\0\0\x18ftypheic"), ("image", "heic")),
        (lambda: io.BytesIO(b"\xff\x0a\xcb"), ("image", "jxl")),
        (lambda: io.BytesIO(b"\0\0\0\x1cftypM4A \0\0\2\0"), ("audio", "m4a")),
        (lambda: io.BytesIO(b"RIFF\0\0\0\0AVI LIST"), ("video", "avi")),
        (lambda: io.BytesIO((b"G" + bytes(187)) * 5), ("video", "ts")),
        (lambda: io.BytesIO((bytes(4) + b"G" + bytes(187)) * 5), ("video", "ts")),
        *[
            (lambda name=name: sound(name), ("audio", format))
            for name, format in [
                ("WAV", "wav"),
                ("WAVEX", "wav"),
                ("RF64", "wav"),
                ("FLAC", "flac"),
                ("OGG", "ogg"),
                ("MP3", "mp3"),
                ("AIFF", "aiff"),
                ("AU", "au"),
                ("CAF", "caf"),
                ("W64", "w64"),
            ]
        ],
        (lambda: sound("WAV", endian="BIG"), ("audio", "wav")),
        (lambda: sound("AIFF", subtype="FLOAT"), ("audio", "aiff")),
        (array, ("array", "npy")),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "standard input", "a.png", "a.MP3", ""])
def test_content_decides_whatever_the_name(
    make: Callable[[], io.BytesIO], expected: tuple[str, str], name: str
) -> None:
    assert detect(make(), name) == expected


def test_an_animated_gif_is_a_video() -> None:
    file = io.BytesIO()
    frames = [Image.new("P", (4, 4), index) for index in range(2)]
    frames[0].putpalette([0, 0, 0, 255, 255, 255])
    frames[1].putpalette([0, 0, 0, 255, 255, 255])
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert detect(file, "a.gif") == ("video", "gif")


def test_tags_before_mp3_and_flac_are_skipped() -> None:
    tag = b"ID3\x04\0\0\0\0\x02\x01" + bytes(257)
    assert detect(io.BytesIO(tag + sound("MP3").getvalue()), "a") == ("audio", "mp3")
    assert detect(io.BytesIO(tag + sound("FLAC").getvalue()), "a") == ("audio", "flac")


def archive(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr(name, b"x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Grüße aus Köln\n".encode(), "text"),
        (bytes(range(256)), "unknown format"),
        (b"BM is how this text begins", "text"),
        (b"P5 is a form for taxes\n", "text"),
        (b"\x7fELF" + bytes(60), "program"),
        (b"OggS\0\x02" + bytes(20) + b"\x01\x07\x80theora", "Ogg video"),
    ],
)
def test_what_is_not_supported_is_named(data: bytes, words: str) -> None:
    message = refuse(data)
    assert words in message
    for format in ("png", "flac", "webm", "npy"):
        assert format in message


@pytest.mark.parametrize(
    ("data", "words", "advice"),
    [
        (archive("x.txt"), "ZIP", "unpack"),
        (b"%PDF-1.7", "PDF", "pdftoppm"),
        (b"<svg xmlns='x'/>", "SVG", "rsvg-convert"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG", "rsvg-convert"),
        (b"8BPS\0\1", "Photoshop", "flatten"),
        (b"\x76\x2f\x31\x01", "OpenEXR", "32-bit floats"),
        (b"II\x2a\0\x10\0\0\0CR\2\0", "raw photograph", "develop"),
        (b"\0\0\0\x18ftypcrx ", "raw photograph", "develop"),
        (b"MThd\0\0\0\6", "MIDI", "fluidsynth"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media", "ffmpeg -i"),
        (b"wvpk", "WavPack", "ffmpeg -i"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "ffconcat script", "files that it names"),
        (b"#EXTM3U\nhttp://example.org\n", "playlist", "files that it names"),
    ],
)
def test_what_can_be_converted_says_how(data: bytes, words: str, advice: str) -> None:
    message = refuse(data)
    assert words in message
    assert advice in message.split(": ", 1)[1]


def test_an_empty_file_is_empty() -> None:
    assert refuse(b"") == "odd.mp4 is empty: check what was to write it"


def refuse(data: bytes) -> str:
    with pytest.raises(InputError) as error:
        detect(io.BytesIO(data), "odd.mp4")
    message = str(error.value)
    assert message.startswith("odd.mp4 is ")
    assert "\n" not in message
    return message


def test_a_weights_file_is_pointed_to_render() -> None:
    header = json.dumps({"__metadata__": {}}).encode()
    data = len(header).to_bytes(8, "little") + header
    with pytest.raises(InputError, match=r"w\.bin is a weights file.*sinefit render"):
        detect(io.BytesIO(data), "w.bin")


@given(st.binary(max_size=300))
def test_any_bytes_are_recognised_or_described(data: bytes) -> None:
    content = identify(io.BytesIO(data))
    assert content.description
    assert content.format is None or content.format == content.description


@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_long_text_with_letters_of_several_bytes_is_not_cut_in_two(before: str) -> None:
    data = (before + "€" * 40000).encode()
    assert identify(io.BytesIO(data)).description == "text"
