"""TIFF files of floating-point samples: maps of heights, radiance, and results of computations.

Pillow reads grey of 32 bits only, and ffmpeg's versions differ. Each strip or tile is unpacked by
libtiff, as if it were a picture of bytes, and becomes floats here.

Format: Adobe, TIFF Revision 6.0, sections 3, 14, 15 and 19; Adobe Photoshop, TIFF Technical Note 3.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import TiffImagePlugin

from sinefit.errors import InputError
from sinefit.signals.image import tiff_tags as tag
from sinefit.signals.image.pixels import Picture
from sinefit.signals.storage import allocate_samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.image.tiff_tags import Tags
    from sinefit.signals.limits import Limits

_FLOAT: Final = 3
_PLAIN: Final = 1
_UNPACKED: Final = (5, 8, 32773, 32946, 50000)  # LZW, deflate, PackBits, deflate, Zstandard
_FLOATING_POINT_PREDICTOR: Final = 3
_LARGEST_BLOCK: Final = 2**28
_MOST_BLOCKS: Final = 2**20


@dataclass(frozen=True)
class FloatLayout:
    """Where the samples of a TIFF of floats lie and how they are packed."""

    width: int
    height: int
    channels: int
    """Samples per pixel that are stored; those beyond the colours are left out."""
    dtype: np.dtype[Any]
    """Stored type, float16, float32 or float64, in the file's byte order."""
    colours: int
    """1 for grey, 3 for RGB."""
    planes: int
    """1 where the samples of a pixel lie side by side, else as many as channels."""
    block: tuple[int, int]
    """Rows and columns of a strip or tile."""
    tiled: bool
    places: tuple[int, ...]
    sizes: tuple[int, ...]
    compression: int
    predictor: int
    icc_profile: bytes | None
    orientation: int


def float_layout(tags: Tags, order: str) -> FloatLayout | None:
    """Return the layout of a TIFF of floats, by its tags; None when it is of another variant.

    `order` is "<" or ">". Raises what wrong types of tags raise.
    """
    bits = tags.get(tag.BITS, (1,))
    formats = tags.get(tag.SAMPLE_FORMAT, (1,))
    photometric = tags.get(tag.PHOTOMETRIC, (None,))[0]
    colours = {1: 1, 2: 3}.get(photometric)
    width, height = int(tags[tag.WIDTH][0]), int(tags[tag.HEIGHT][0])
    if set(formats) != {_FLOAT} or len(set(bits)) != 1 or bits[0] not in (16, 32, 64):
        return None
    if colours is None or len(bits) < colours or min(width, height) < 1:
        return None
    compression = tags.get(tag.COMPRESSION, (_PLAIN,))[0]
    predictor = tags.get(tag.PREDICTOR, (1,))[0]
    if compression not in (_PLAIN, *_UNPACKED) or predictor not in (1, _FLOATING_POINT_PREDICTOR):
        return None
    tiled = tag.TILES in tags
    block = (
        (int(tags[tag.TILE_LENGTH][0]), int(tags[tag.TILE_WIDTH][0]))
        if tiled
        else (min(height, int(tags.get(tag.STRIP_ROWS, (height,))[0])), width)
    )
    profile = tags.get(tag.PROFILE, (None,))[0]
    orientation = tags.get(tag.ORIENTATION, (1,))[0]
    return FloatLayout(
        width,
        height,
        len(bits),
        np.dtype(f"{order}f{bits[0] // 8}"),
        colours,
        len(bits) if tags.get(tag.PLANAR, (1,))[0] == 2 else 1,
        block,
        tiled,
        tuple(int(place) for place in tags[tag.TILES if tiled else tag.STRIPS]),
        tuple(int(size) for size in tags[tag.TILE_SIZES if tiled else tag.STRIP_SIZES]),
        compression,
        predictor,
        profile if isinstance(profile, bytes) else None,
        orientation if isinstance(orientation, int) else 1,
    )


def decode_floats(source: Path, name: str, layout: FloatLayout, limits: Limits) -> Picture:
    """Decode the picture at `source` into float32, as stored: orientation is not applied.

    Raises InputError, which calls the file `name`, when its blocks do not cover it, it ends before
    they do, or it is larger than `limits`, and what Pillow raises for damaged ones.
    """
    limits.check_picture(layout.width, layout.height, name)
    shape = (layout.height, layout.width, layout.colours)
    limits.check_samples(shape, np.float32, name)
    rows, columns = layout.block
    down, across = _blocks(layout.height, rows, name), _blocks(layout.width, columns, name)
    depth = layout.channels if layout.planes == 1 else 1
    block_bytes = rows * columns * depth * layout.dtype.itemsize
    count = down * across * layout.planes
    if block_bytes > _LARGEST_BLOCK or count > _MOST_BLOCKS:
        raise InputError(f"{name} cannot be read as tiff: its blocks are too large; save it again")
    if not count == len(layout.places) == len(layout.sizes):
        raise InputError(f"{name} is damaged: its blocks do not cover it; get another copy")
    samples = allocate_samples(shape, np.float32)
    size = source.stat().st_size
    with source.open("rb") as file:
        for index, (place, length) in enumerate(zip(layout.places, layout.sizes, strict=True)):
            if place + length > size:
                raise InputError(
                    f"{name} is cut short: it ends before its pixels do; get a complete copy"
                )
            plane, rest = divmod(index, down * across)
            top, left = rest // across * rows, rest % across * columns
            if plane >= layout.colours:
                break
            # The last strip is as long as the picture needs, tiles are always whole.
            height = rows if layout.tiled else min(rows, layout.height - top)
            file.seek(place)
            values = _unpack(file.read(length), layout, height, columns, depth)
            kept = values[: layout.height - top, : layout.width - left]
            target = samples[top : top + rows, left : left + columns]
            if layout.planes == 1:
                target[...] = kept[..., : layout.colours]
            else:
                target[..., plane] = kept[..., 0]
    notices = []
    if layout.channels > layout.colours:
        notices.append("its channels beyond the colours were left out")
    if layout.dtype.itemsize > 4:
        notices.append("its samples are held as 32-bit floats, with 24 significant bits")
    return Picture.of(samples, layout.icc_profile, notices)


def _blocks(length: int, block: int, name: str) -> int:
    if block < 1:
        raise InputError(f"{name} is damaged: its blocks have no pixels; get another copy")
    return -(-length // block)


def _unpack(
    content: bytes, layout: FloatLayout, rows: int, columns: int, depth: int
) -> NDArray[np.floating]:
    """Turn a strip or tile into values (rows, columns, depth)."""
    row_bytes = columns * depth * layout.dtype.itemsize
    if layout.compression == _PLAIN:
        data = np.frombuffer(content, np.uint8, rows * row_bytes).reshape(rows, row_bytes)
    else:
        wrapped = _as_bytes_of_grey(content, layout.compression, row_bytes, rows)
        # Opened so, it is not held against the limit on pixels, which bytes are not.
        with TiffImagePlugin.TiffImageFile(io.BytesIO(wrapped)) as image:
            data = np.asarray(image)
    if layout.predictor == _FLOATING_POINT_PREDICTOR:
        # Differences of bytes, the most significant ones of a whole row first.
        sums = np.cumsum(data.reshape(rows, -1, depth), axis=1, dtype=np.uint8)
        planes = sums.reshape(rows, layout.dtype.itemsize, columns * depth)
        data = np.ascontiguousarray(planes.swapaxes(1, 2))
        dtype = layout.dtype.newbyteorder(">")
    else:
        data, dtype = np.ascontiguousarray(data), layout.dtype
    with np.errstate(over="ignore"):  # infinities are found and told later
        values: NDArray[np.floating] = data.reshape(-1).view(dtype).astype(np.float32)
    return values.reshape(rows, columns, depth)


def _as_bytes_of_grey(content: bytes, compression: int, width: int, height: int) -> bytes:
    """Return a TIFF of 8-bit grey whose only strip is this content."""
    tags = (
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, compression),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, len(content)),
    )
    directory = struct.pack("<H", len(tags))
    for number, kind, value in tags:
        directory += struct.pack("<HHII", number, kind, 1, value)
    place = 8 + len(content) + len(content) % 2
    padding = bytes(len(content) % 2)
    return struct.pack("<2sHI", b"II", 42, place) + content + padding + directory + bytes(4)
