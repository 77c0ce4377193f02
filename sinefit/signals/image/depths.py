"""How many bits a sample has, of formats that Pillow reduces to 8 without a word."""

from __future__ import annotations

from typing import BinaryIO, Final

_HEAD_BYTES: Final = 2**16


def png_header(file: BinaryIO) -> tuple[int, int]:
    """Read the bit depth and the colour type of a PNG file, (0, 0) when it is no PNG.

    Colour types: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA.
    """
    file.seek(0)
    header = file.read(26)
    if len(header) < 26 or header[12:16] != b"IHDR":
        return 0, 0
    return header[24], header[25]


def find_pixel_depth(file: BinaryIO) -> int:
    """Return the bits per sample of an open AVIF or HEIF picture, 8 where it does not say.

    They are in the box "pixi" (ISO 23008-12, 6.5.6): version, channels, and the bits of each.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    place = head.find(b"pixi") + 8
    if place < 8 or place >= len(head):
        return 8
    return max(head[place + 1 : place + 1 + head[place]], default=8)


def find_stream_depth(file: BinaryIO) -> int:
    """Return the bits per sample of an open JPEG 2000 picture, 8 where it does not say.

    They stand behind the sizes at the start of the code stream (ISO 15444-1, A.5.1).
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    place = head.find(b"\xff\x4f\xff\x51") + 42
    return (head[place] & 0x7F) + 1 if 42 <= place < len(head) else 8
