from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import InputError
from sinefit.signals.image.writing import ImageWriter
from sinefit.signals.limits import Limits
from sinefit.signals.reading import read_signal
from sinefit.signals.signal import SignalSpec
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def heights(rows: int = 37, columns: int = 29, channels: int = 1) -> NDArray[np.float32]:
    """A smooth map of heights, below and above zero."""
    y, x, c = np.ogrid[0:rows, 0:columns, 0:channels]
    values: NDArray[np.float64] = 300 * np.sin(y / 9 + c) + 150 * np.cos(x / 7 - c) - 20
    return values.astype(np.float32)


def predicted(rows: np.ndarray, depth: int) -> bytes:
    """Byte planes, the most significant first, as differences: the note's own description."""
    big = rows.astype(rows.dtype.newbyteorder(">"))
    out = b""
    for row in big:
        octets = np.frombuffer(row.tobytes(), np.uint8).reshape(-1, big.itemsize)
        planes = octets.T.reshape(-1).astype(int)
        planes[depth:] = planes[depth:] - planes[:-depth].copy()
        out += (planes % 256).astype(np.uint8).tobytes()
    return out


def tiff(
    values: NDArray[np.floating],
    *,
    order: Literal["<", ">"] = "<",
    tile: tuple[int, int] | None = None,
    strip: int = 8,
    planar: bool = False,
    packed: bool = False,
    predictor: int = 1,
    **more: Any,
) -> bytes:
    """A TIFF of floats, in strips or tiles, written by the specification."""
    height, width, depth = values.shape
    stored = values.astype(values.dtype.newbyteorder(order))
    layers = [stored[..., k : k + 1] for k in range(depth)] if planar else [stored]
    block_rows, block_columns = tile or (strip, width)
    blocks = []
    for layer in layers:
        for top in range(0, height, block_rows):
            for left in range(0, width, block_columns):
                part = layer[top : top + block_rows, left : left + block_columns]
                if tile:
                    missing = [(0, block_rows - part.shape[0]), (0, block_columns - part.shape[1])]
                    part = np.pad(part, [*missing, (0, 0)])
                data = part.astype(stored.dtype).tobytes()
                if predictor == 3:
                    data = predicted(part.reshape(len(part), -1), layer.shape[2])
                blocks.append(zlib.compress(data) if packed else data)
    sizes = [len(block) for block in blocks]
    places = [8 + sum(sizes[:k]) for k in range(len(blocks))]
    tags = {
        256: [width],
        257: [height],
        258: [values.itemsize * 8] * depth,
        259: [8 if packed else 1],
        262: [2 if depth >= 3 else 1],
        277: [depth],
        284: [2 if planar else 1],
        317: [predictor],
        339: [3] * depth,
        **({322: [block_columns], 323: [block_rows]} if tile else {278: [strip]}),
        **({324: places, 325: sizes} if tile else {273: places, 279: sizes}),
        **more.get("tags", {}),
    }
    at = 8 + sum(sizes)
    table, extra, end = struct.pack(order + "H", len(tags)), b"", at + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags.items()):
        data = struct.pack(f"{order}{len(numbers)}I", *numbers)
        place = data if len(data) == 4 else struct.pack(order + "I", end + len(extra))
        extra += data if len(data) > 4 else b""
        table += struct.pack(order + "HHI", tag, 4, len(numbers)) + place
    head = (b"II\x2a\0" if order == "<" else b"MM\0\x2a") + struct.pack(order + "I", at)
    return head + b"".join(blocks) + table + bytes(4) + extra


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_what_pillow_writes_is_read(compression: str | None) -> None:
    values = heights()[..., 0]
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF", compression=compression)
    signal = read_signal(file.getvalue(), name="it")
    np.testing.assert_array_equal(signal.samples[..., 0], values)
    spec = signal.spec
    assert (spec.kind, spec.dtype, spec.bit_depth) == ("image", "float32", 32)
    assert (spec.low, spec.high) == (values.min(), values.max())
    assert signal.notices == ()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"strip": 5, "packed": True, "predictor": 3},
        {"tile": (16, 16)},
        {"tile": (16, 32), "packed": True, "predictor": 3},
        {"planar": True, "packed": True},
        {"planar": True, "tile": (16, 16), "predictor": 3},
    ],
)
def test_strips_tiles_planes_and_predictors(
    channels: int, order: Literal["<", ">"], how: dict[str, Any]
) -> None:
    values = heights(channels=channels)
    signal = read_signal(tiff(values, order=order, **how), name="it")
    np.testing.assert_array_equal(signal.samples, values)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_widths_become_32_bits(kind: type[np.floating]) -> None:
    values = heights().astype(kind)
    signal = read_signal(tiff(values, packed=True, predictor=3), name="it")
    np.testing.assert_array_equal(signal.samples, values.astype(np.float32))
    assert [note for note in signal.notices if "24 significant bits" in note] == list(
        signal.notices
    )
    assert len(signal.notices) == (kind == np.float64)


def test_more_channels_than_colours_are_left_out() -> None:
    values = heights(channels=4)
    signal = read_signal(tiff(values), name="it")
    np.testing.assert_array_equal(signal.samples, values[..., :3])
    assert "beyond the colours" in signal.notices[0]


def test_the_picture_is_turned_upright() -> None:
    values = heights(4, 6)
    signal = read_signal(tiff(values, tags={274: [6]}), name="it")
    np.testing.assert_array_equal(signal.samples, np.rot90(values, -1))


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read_back(tmp_path: Path, channels: int) -> None:
    values = heights(channels=channels)
    spec = SignalSpec("image", (37, 29), channels, "float32", -600, 600, "tiff", 32)
    writer = ImageWriter(tmp_path / "a.tif", spec, "tiff", Encoding())
    writer.write(values[:20])
    writer.write(values[20:])
    writer.close()
    np.testing.assert_array_equal(read_signal(tmp_path / "a.tif").samples, values)
    if channels == 1:
        with Image.open(tmp_path / "a.tif") as image:
            np.testing.assert_array_equal(np.asarray(image), values[..., 0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff(heights())[:900], "."),
        (tiff(heights(), tags={273: [8, 8]}), "do not cover"),
        (tiff(heights(), tags={278: [0]}), "no pixels"),
        (tiff(heights(), tags={273: [10**6] * 5}), "ends before its pixels"),
        (tiff(heights(), tags={279: [10] * 5}), "cannot be read"),
        (tiff(np.full((4, 4, 1), np.nan, np.float32)), "nothing but NaN"),
        (tiff(np.full((4, 4, 1), 1e300)), "infinite"),
        (tiff(heights(), tags={256: [2**31], 257: [2**31]}), "`max_pixels`"),
        (tiff(heights(), tile=(16, 16), tags={322: [2**20], 323: [2**20]}), "too large"),
    ],
)
def test_what_is_wrong_is_told(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_signal(content, name="it", limits=Limits(max_pixels=2**20))
