"""Files that are empty, mislabelled, contradictory or filled with what cannot be fitted."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from sinefit.errors import InputError
from sinefit.signals.formats import FORMATS
from sinefit.signals.reading import read_signal

from .crafting import (
    bmp,
    chunk,
    flac_claiming,
    gif,
    not_finite,
    npy_described,
    npy_header,
    png,
    rf64,
    tiff,
    wav,
    zeros,
)
from .specimens import SPECIMENS, npy, pillow, specimen
from .watching import SMALL, check_message, read_damaged

if TYPE_CHECKING:
    from pathlib import Path

ALL_FORMATS = sorted({format for formats in FORMATS.values() for format in formats})


def refuse(content: bytes, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_signal(content, name="it", limits=SMALL, **more)
    check_message(str(caught.value))
    return str(caught.value)


def test_an_empty_file() -> None:
    assert "empty" in refuse(b"")


@pytest.mark.parametrize("format", ALL_FORMATS)
@pytest.mark.parametrize("content", [b"", b"\0", b"not this", bytes(5000)])
def test_what_is_nothing_under_any_format(format: str, content: bytes) -> None:
    refuse(content, format=format)


@pytest.mark.parametrize("format", ["png", "wav", "npy", "mp4"])
@pytest.mark.parametrize("name", ["png", "jpeg", "flac", "npy", "mkv"])
def test_content_of_another_format_than_asked_for(name: str, format: str) -> None:
    if not name.startswith(format):
        assert f"holds {name}, not {format}" in refuse(specimen(name), format=format)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"#EXTM3U\nsecret.mp4\n", "playlist"),
        (b"ffconcat version 1.0\nfile secret.mp4\n", "ffconcat"),
        (b"PK\x03\x04" + bytes(60), "ZIP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\x7fELF" + bytes(60), "program"),
        ("Grüße\n".encode(), "text"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
    ],
)
def test_what_is_no_signal_is_named(content: bytes, words: str) -> None:
    assert words in refuse(content)


@pytest.mark.parametrize(
    "content",
    [
        png(0, 5),
        png(5, 0),
        png(5, 5),
        png(5, 5, b"no zlib"),
        png(5, 5, zeros(10)),
        png(5, 5, zeros(30), color=5),
        png(5, 5, zeros(30))[:8],
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", zeros(30)) + chunk(b"IEND", b""),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\xff\xff",
        bmp(5, 0),
        bmp(-5, 5),
        bmp(5, 5, bits=7),
        bmp(50, 50),
        tiff((256, 4, 0)),
        tiff((258, 3, 0)),
        tiff((258, 3, 64)),
        tiff((259, 3, 60000)),
        tiff((262, 3, 60000)),
        tiff((273, 4, 2**32 - 1)),
        tiff((256, 2, 8)),
        tiff((339, 3, 3), (258, 3, 32)),
        b"II\x2a\0" + struct.pack("<I", 2**32 - 1),
        b"RIFF\x04\0\0\0WEBP",
        b"GIF89a",
        gif(9, 9, 0),
    ],
)
def test_pictures_without_a_picture(content: bytes) -> None:
    refuse(content)


@pytest.mark.parametrize(
    "content",
    [
        wav(channels=0),
        wav(channels=65535),
        wav(rate=0),
        wav(rate=2**32 - 1),
        wav(bits=0),
        wav(size=65),
        wav(size=2**32 - 2),
        wav()[:40],
        rf64(2**62),
        rf64(2**20),
        b"RIFF\x24\0\0\0WAVE",
        b"FORM\0\0\0\x04AIFF",
        b"fLaC",
        b"fLaC" + bytes(40),
        b"OggS" + bytes(40),
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        b"ID3\x04\0\0\0\0\0\0",
    ],
)
def test_sounds_without_sound(content: bytes) -> None:
    refuse(content)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_of_sounds_that_cannot_be_fitted(value: float) -> None:
    assert "not finite" in refuse(wav(bits=32, data=_floats(value)))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_values_that_cannot_be_fitted(value: float) -> None:
    assert "infinite values" in refuse(not_finite(value))


def _floats(value: float) -> bytes:
    return np.array([0, 0.5, value, 0], "<f4").tobytes()


def test_a_sound_without_samples_has_none() -> None:
    signal = read_signal(wav(data=b""), name="it")
    assert signal.spec.shape == (0,)


@pytest.mark.parametrize("count", [2**36 - 1, 2**31, 10**7])
def test_a_sound_that_claims_more_than_its_bytes_can_hold(count: int) -> None:
    content = flac_claiming(specimen("flac"), count)
    assert f"{count} samples" in refuse(content)


def test_a_sound_that_claims_a_little_more(tmp_path: Path) -> None:
    whole = specimen("flac")
    path = tmp_path / "claim.flac"
    path.write_bytes(flac_claiming(whole, 700))
    assert soundfile.info(path).frames == 700
    assert "of 700 samples" in refuse(path.read_bytes())


@pytest.mark.parametrize(
    "content",
    [
        npy_described("'<f4'", "(10**12,)"),
        npy_described("'<f4'", "(1000000000000,)"),
        npy_described("'<f4'", "(-4, -4)"),
        npy_described("'<f4'", "(0, 99999999999999999999)"),
        npy_described("'<f4'", "(2.0, 2)"),
        npy_described("'<f4'", "()"),
        npy_described("'<f4'", "(0,)"),
        npy_described("'|O'", "(4,)"),
        npy_described("[('a', '<f4'), ('b\\n', '<f4')]", "(4,)"),
        npy_described("'<c8'", "(4,)"),
        npy_described("'<M8[s]'", "(4,)"),
        npy_described("'<U0'", "(4,)"),
        npy_described("'<f16'", "(4,)"),
        npy_described("'nonsense'", "(4,)"),
        npy_described("None", "(4,)"),
        npy_header("{}"),
        npy_header("[]"),
        npy_header("5"),
        npy_header("{'descr': '<f4', 'fortran_order': 2, 'shape': (4,)}"),
        npy_header("{'descr': '<f4', 'shape': (4,)}"),
        npy_header("("),
        npy_header("(" * 5000),
        npy_header("-" * 9000 + "1"),
        npy_header("{" + "'a': " * 900),
        npy_header("'''"),
        npy_header("\0" * 100),
        npy_header("{'descr': '<f4'}" + " " * 50000),
        npy_header("{}", version=(9, 9)),
        npy_header("{}", version=(0, 0)),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{}",
        b"\x93NUMPY\x03\x00" + struct.pack("<I", 2**31) + b"{}",
        b"\x93NUMPY",
        b"\x93NUMPY\x01",
    ],
)
def test_arrays_whose_header_is_wrong(content: bytes) -> None:
    refuse(content)


def test_headers_that_python_2_wrote_are_read_without_a_word() -> None:
    content = npy_described("'<f4'", "(4L, 4L)")
    assert read_damaged(content) == "read"


def test_booleans_are_zero_or_one_whatever_their_bytes() -> None:
    content = npy_described("'|b1'", "(64,)", bytes(range(64)))
    signal = read_signal(content, name="it")
    assert set(np.unique(signal.spec.to_unit(signal.samples))) == {-1.0, 1.0}


def test_arrays_may_have_many_axes() -> None:
    assert read_signal(npy(np.zeros((1,) * 32)), name="it").spec.axes == 32


@pytest.mark.parametrize("name", SPECIMENS)
def test_what_follows_the_end_does_no_harm(name: str) -> None:
    assert read_damaged(specimen(name) + b"\n") in ("read", "refused")


@pytest.mark.parametrize("format", ["WEBP", "PNG"])
def test_damaged_exif_data_do_not_cost_the_picture(format: str) -> None:
    plain = read_signal(pillow(format), name="it")
    signal = read_signal(pillow(format, exif=b"Exif\0\0" + bytes(30)), name="it")
    np.testing.assert_array_equal(signal.samples, plain.samples)
    assert [notice for notice in signal.notices if "EXIF" in notice]


def test_a_profile_for_unknown_colours_is_left_out() -> None:
    signal = read_signal(pillow("JPEG", icc_profile=bytes(200)), name="it")
    assert signal.spec.icc_profile is None
    assert signal.notices == (
        "its colour profile was left out: it is for no colours that are known",
    )
