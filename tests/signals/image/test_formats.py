from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import InputError, OutputError
from sinefit.signals.image.formats import (
    IMAGE_FORMATS,
    check_image_writable,
    obstacle_to_use,
)
from sinefit.signals.image.reading import read_image
from sinefit.signals.image.writing import ImageWriter
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection
from sinefit.signals.signal import SignalSpec
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from pathlib import Path


def spec_of(shape: tuple[int, ...], dtype: str = "uint8", **others: Any) -> SignalSpec:
    *size, channels = shape
    high, bits = {"uint8": (255.0, 8), "uint16": (65535.0, 16)}.get(dtype, (1.0, 32))
    alpha = others.get("alpha", channels in (2, 4))
    return SignalSpec("image", tuple(size), channels, dtype, 0.0, high, "png", bits, alpha=alpha)


ALPHA = ["png", "webp", "tiff", "avif", "jp2", "tga"]


def set_apart(*unable: str) -> list[str]:
    """The formats of every installation but some."""
    return [
        name
        for name, capability in IMAGE_FORMATS.items()
        if capability.plugin is None and name not in unable
    ]


@pytest.mark.parametrize(
    ("shape", "dtype", "format", "words", "able"),
    [
        ((3, 3, 4), "uint8", "jpeg", "alpha", [*ALPHA, "npy"]),
        ((3, 3, 2), "uint8", "bmp", "alpha", [*ALPHA, "npy"]),
        ((3, 3, 3), "uint16", "jpeg", "16-bit", ["png", "tiff", "ppm", "npy"]),
        ((3, 3, 4), "uint16", "webp", "16-bit", ["png", "tiff", "npy"]),
        ((3, 3, 1), "uint16", "tga", "16-bit", ["png", "tiff", "ppm", "jp2", "npy"]),
        ((3, 3, 3), "float32", "png", "floating-point", ["tiff", "npy"]),
        ((3, 65536, 3), "uint8", "jpeg", "65536x3", ["png", "tiff", "ppm", "bmp", "jp2", "npy"]),
        ((16384, 3, 3), "uint8", "webp", "16383", [*set_apart("webp"), "npy"]),
        ((40000, 40000, 3), "uint8", "tiff", "4 GiB", [*set_apart("webp", "tiff", "bmp"), "npy"]),
        ((3, 3, 3), "uint8", "heic", "only read", [*set_apart(), "npy"]),
    ],
)
def test_what_a_format_cannot_hold_names_those_that_can(
    shape: tuple[int, int, int], dtype: str, format: str, words: str, able: list[str]
) -> None:
    like = spec_of(shape, dtype=dtype)
    with pytest.raises(OutputError, match=words) as error:
        check_image_writable(like, format)
    named = str(error.value).split(": use ")[1].replace(" or ", ", ").split(", ")
    assert named == able
    for name in able[:-1]:
        check_image_writable(like, name)


def test_what_no_image_format_can_hold_is_sent_to_npy() -> None:
    floats = spec_of((3, 3, 3), dtype="float64")
    many = spec_of((3, 3, 5))
    opaque_pair = spec_of((3, 3, 2), alpha=False)
    for like in (floats, many, opaque_pair):
        with pytest.raises(OutputError, match="npy"):
            check_image_writable(like, "png")


def test_formats_of_other_kinds_are_refused() -> None:
    like = spec_of((3, 3, 3))
    with pytest.raises(OutputError, match="png, jpeg"):
        check_image_writable(like, "wav")


@pytest.mark.parametrize(
    ("format", "module", "extra"), [("heic", "pillow_heif", "heic"), ("jxl", "pillow_jxl", "jxl")]
)
def test_a_missing_plugin_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, format: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # it cannot be imported
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(InputError, match=rf"needs {module}.*pip install 'sinefit\[{extra}\]'"):
        read_image(tmp_path / "a", "a", format, Selection())
    if IMAGE_FORMATS[format].written:
        with pytest.raises(OutputError, match=f"cannot be written here: it needs {module}"):
            check_image_writable(spec_of((3, 3, 3)), format)


def test_a_build_of_pillow_without_a_format_is_told() -> None:
    def lacks_avif(feature: str) -> bool:
        return feature != "avif"

    assert obstacle_to_use("jp2", lacks_avif) is None
    told = "this build of Pillow lacks AVIF: install a newer one"
    assert obstacle_to_use("avif", lacks_avif) == told


@pytest.mark.parametrize(
    ("format", "module", "options"),
    [("HEIF", "pillow_heif", {"quality": 100}), ("JXL", "pillow_jxl", {"lossless": True})],
)
def test_a_plugin_reads_what_it_writes(
    tmp_path: Path, format: str, module: str, options: dict[str, Any]
) -> None:
    pytest.importorskip(module)
    name = {"HEIF": "heic", "JXL": "jxl"}[format]
    assert obstacle_to_use(name) is None
    picture = Image.linear_gradient("L").resize((40, 24)).convert("RGB")
    picture.save(tmp_path / "a", format, **options)
    signal = read_signal(tmp_path / "a")
    assert signal.spec.format == name
    assert np.abs(signal.samples.astype(int) - np.asarray(picture)).max() <= 3


def test_jpeg_xl_is_written_without_loss(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    picture = np.asarray(Image.linear_gradient("L").resize((40, 24)).convert("RGB"))
    for quality, most in ((None, 0), (90, 12)):
        writer = ImageWriter(tmp_path / "a", spec_of(picture.shape), "jxl", Encoding(quality))
        writer.write(picture)
        writer.close()
        error = read_signal(tmp_path / "a").samples.astype(int) - picture
        assert np.abs(error).max() <= most


def test_names_and_endings_agree_with_pillow() -> None:
    Image.init()
    for capability in IMAGE_FORMATS.values():
        for extension in capability.extensions if capability.plugin is None else ():
            assert Image.EXTENSION[extension] == capability.pillow
