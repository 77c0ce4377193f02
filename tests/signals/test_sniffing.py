from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinefit.errors import InputError
from sinefit.signals.sniffing import detect, identify


def image(format):
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(file, format)
    return file


def sound(format, **options):
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 9000)
    soundfile.write(file, noise, 44100, format=format, **options)
    return file


def array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        *[
            (lambda name=name: image(name), ("image", name.lower()))
            for name in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
        ],
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
            ]
        ],
        (lambda: sound("WAV", endian="BIG"), ("audio", "wav")),
        (lambda: sound("AIFF", subtype="FLOAT"), ("audio", "aiff")),
        (array, ("array", "npy")),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "standard input", "a.png", "a.MP3", ""])
def test_content_decides_whatever_the_name(make, expected, name):
    assert detect(make(), name) == expected


def test_an_animated_gif_is_a_video():
    file = io.BytesIO()
    frames = [Image.new("P", (4, 4), index) for index in range(2)]
    frames[0].putpalette([0, 0, 0, 255, 255, 255])
    frames[1].putpalette([0, 0, 0, 255, 255, 255])
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert detect(file, "a.gif") == ("video", "gif")


def test_tags_before_mp3_and_flac_are_skipped():
    tag = b"ID3\x04\0\0\0\0\x02\x01" + bytes(257)
    assert detect(io.BytesIO(tag + sound("MP3").getvalue()), "a") == ("audio", "mp3")
    assert detect(io.BytesIO(tag + sound("FLAC").getvalue()), "a") == ("audio", "flac")


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("a.npy", b"x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "ffconcat script"),
        (b"#EXTM3U\nhttp://example.org\n", "playlist"),
        ("Grüße aus Köln\n".encode(), "text"),
        (bytes(range(256)), "unknown format"),
        (archive(), ".npy"),
        (b"%PDF-1.7", "PDF"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI"),
        (b"BM is how this text begins", "text"),
        (b"OggS\0\x02" + bytes(20) + b"\x01\x07\x80theora", "Ogg video"),
        (b"\0\0\0\x18ftypheic", "HEIF"),
    ],
)
def test_what_is_not_supported_is_named(data, words):
    with pytest.raises(InputError) as error:
        detect(io.BytesIO(data), "odd.mp4")
    message = str(error.value)
    assert message.startswith("odd.mp4 is ")
    assert words in message
    assert "\n" not in message
    for format in ("png", "flac", "webm", "npy"):
        assert format in message


def test_a_weights_file_is_pointed_to_render():
    header = json.dumps({"__metadata__": {}}).encode()
    data = len(header).to_bytes(8, "little") + header
    with pytest.raises(InputError, match=r"w\.bin is a weights file.*sinefit render"):
        detect(io.BytesIO(data), "w.bin")


@given(st.binary(max_size=300))
def test_any_bytes_are_recognised_or_described(data):
    content = identify(io.BytesIO(data))
    assert content.description
    assert content.format is None or content.format == content.description


@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_long_text_with_letters_of_several_bytes_is_not_cut_in_two(before):
    data = (before + "€" * 40000).encode()
    assert identify(io.BytesIO(data)).description == "text"
