"""The directories of a TIFF, read before its pixels: its tags, its pages, what they hold in words.

Format: Adobe, TIFF Revision 6.0, sections 2 and 8 and appendix A.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, Final

from PIL import TiffImagePlugin

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIPS, ORIENTATION, STRIP_ROWS, STRIP_SIZES, PLANAR, PREDICTOR = 273, 274, 278, 279, 284, 317
TILE_WIDTH, TILE_LENGTH, TILES, TILE_SIZES = 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT, PROFILE, RAW = 338, 339, 34675, 50706

Tags = dict[int, tuple[Any, ...]]
"""Values of each tag of a directory by its number."""

MOST_PAGES: Final = 2**14
"""Pages that are counted."""

# Version in the header -> place of the first offset; codes of an offset and of the number of
# entries; bytes of an entry.
_LAYOUTS: Final = {42: (4, "I", "H", 12), 43: (8, "Q", "Q", 20)}
_TYPES: Final = {1: "integer", 2: "signed integer", 3: "floating-point", 5: "complex", 6: "complex"}
_COLOURS: Final = {5: "CMYK", 8: "CIELAB", 9: "CIELAB", 10: "CIELAB"}


def tiff_tags(file: BinaryIO) -> Tags:
    """Read the tags of the first picture of a TIFF file; raises what Pillow raises."""
    file.seek(0)
    header = file.read(8)
    if header[2:4] in (b"\x2b\x00", b"\x00\x2b"):
        header += file.read(8)
    directory = TiffImagePlugin.ImageFileDirectory_v2(header)
    file.seek(directory.next)
    directory.load(file)
    tags: Tags = {}
    for tag in directory:
        value = directory[tag]
        tags[tag] = value if isinstance(value, tuple) else (value,)
    return tags


def tiff_end(tags: Tags) -> int:
    """Return how many bytes a TIFF file must have at least to hold all pixels of its picture."""
    end = 0
    for positions, sizes in ((STRIPS, STRIP_SIZES), (TILES, TILE_SIZES)):
        starts, lengths = tags.get(positions, ()), tags.get(sizes, ())
        if len(starts) != len(lengths):
            raise ValueError("its strips or tiles have not as many positions as sizes")
        pairs = zip(starts, lengths, strict=True)
        end = max([end, *(whole(position) + whole(size) for position, size in pairs)])
    return end


def tiff_tile(tags: Tags) -> tuple[int, int]:
    """Return width and height of the tiles of a TIFF, (1, 1) without any.

    A decoder takes room for a whole tile, however small the picture.
    """
    width, height = (tags.get(tag, (1,)) for tag in (TILE_WIDTH, TILE_LENGTH))
    return whole(width[0]), whole(height[0])


def whole(value: object) -> int:
    """Return the value of a tag that must be a whole number; ValueError when it is none."""
    if not isinstance(value, int):
        raise ValueError("the size in the header is not a whole number")
    return value


def describe_variant(tags: Tags) -> str | None:
    """Return what a TIFF with these tags holds, in words, None for what Pillow may well read."""
    if RAW in tags:
        return "raw sensor data (DNG)"
    bits = max((depth for depth in tags.get(BITS, (1,)) if isinstance(depth, int)), default=1)
    kind = _TYPES.get(next(iter(tags.get(SAMPLE_FORMAT, (1,))), 1))
    colours = _COLOURS.get(next(iter(tags.get(PHOTOMETRIC, ())), -1))
    plain = kind in (None, "integer")
    if plain and (bits <= 8 or (bits <= 16 and colours is None)):
        return None
    packed = next(iter(tags.get(COMPRESSION, (1,))), 1)
    words = [f"{bits}-bit", *([] if plain and colours else [kind or "integer"])]
    words += [colours, "samples"] if colours else ["samples"]
    return " ".join(words) + (f" in compression {packed}" if kind == "floating-point" else "")


def count_pages(file: BinaryIO) -> int:
    """Return the number of directories in an open TIFF file, at most MOST_PAGES.

    The chain is followed by lengths alone: Pillow reads every directory and compares its place with
    those of all before it, which takes hours for a file of many small ones. It ends where it leaves
    the file or comes round. The number is 0 for what is no TIFF.
    """
    file.seek(0)
    header = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(header[:2])
    if order is None or len(header) < 16:
        return 0
    layout = _LAYOUTS.get(struct.unpack(order + "H", header[2:4])[0])
    if layout is None:
        return 0
    first, offset_code, count_code, entry_bytes = layout
    (place,) = struct.unpack_from(order + offset_code, header, first)
    seen: set[int] = set()
    while place and place not in seen and len(seen) < MOST_PAGES:
        count = _number(file, place, order + count_code)
        if count is None:
            break
        seen.add(place)
        end = place + struct.calcsize(order + count_code) + count * entry_bytes
        place = _number(file, end, order + offset_code) or 0
    return len(seen)


def _number(file: BinaryIO, place: int, code: str) -> int | None:
    """Read one number at a place, None where the file has ended."""
    size = struct.calcsize(code)
    if place >= 2**63 - size:
        return None
    file.seek(place)
    content = file.read(size)
    return struct.unpack(code, content)[0] if len(content) == size else None
