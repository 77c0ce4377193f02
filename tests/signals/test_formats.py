from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.errors import OutputError
from sinefit.signals.formats import (
    FORMATS,
    WRITTEN,
    extension_of,
    format_of_name,
    formats_of,
    kinds_of,
    supported_formats,
)
from sinefit.signals.signal import KINDS

if TYPE_CHECKING:
    from sinefit.signals.signal import Kind

PAIRS = [(kind, format) for kind in KINDS for format in formats_of(kind)]


def test_all_kinds_have_formats_and_arrays_take_any() -> None:
    assert set(FORMATS) == set(WRITTEN) == set(KINDS)
    for kind in KINDS:
        assert formats_of(kind)[-1] == "npy"
        assert len(set(formats_of(kind))) == len(formats_of(kind))
        assert set(WRITTEN[kind]) <= set(FORMATS[kind])
    images = ("png", "jpeg", "webp", "tiff", "ppm", "bmp", "gif", "avif", "jp2", "tga", "jxl")
    assert formats_of("image") == (*images, "npy")
    assert formats_of("audio") == ("wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64", "npy")
    assert formats_of("video") == ("mp4", "mov", "mkv", "webm", "gif", "webp", "png", "npy")
    assert formats_of("array") == ("npy",)


def test_kinds_of_a_format() -> None:
    assert kinds_of("gif") == ("image", "video")
    assert kinds_of("mkv") == ("video", "audio")
    assert kinds_of("npy") == ("array",)
    assert kinds_of("exr") == ()
    assert all(name in supported_formats() for formats in FORMATS.values() for name in formats)


@pytest.mark.parametrize(("kind", "format"), PAIRS)
def test_endings_and_formats_belong_together(kind: Kind, format: str) -> None:
    extension = extension_of(format)
    assert extension.startswith(".")
    assert format_of_name(kind, f"some folder/a.b{extension}") == format
    assert format_of_name(kind, f"A{extension.upper()}") == format


@pytest.mark.parametrize(
    ("kind", "name", "format"),
    [
        ("image", "a.jpg", "jpeg"),
        ("image", "a.jpeg", "jpeg"),
        ("image", "a.tif", "tiff"),
        ("image", "a.wav", None),
        ("audio", "a.png", None),
        ("image", "png", None),
        ("image", ".png", None),
        ("image", "a.", None),
        ("image", "", None),
    ],
)
def test_formats_by_name(kind: Kind, name: str, format: str | None) -> None:
    assert format_of_name(kind, name) == format


def test_an_unknown_format_has_no_ending() -> None:
    with pytest.raises(OutputError, match="exr"):
        extension_of("exr")
