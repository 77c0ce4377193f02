"""Files that say what they do not hold."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from .specimens import npy, pillow


def png(width: int, height: int, data: bytes = b"", *, extra: bytes = b"", color: int = 0) -> bytes:
    """A PNG of 8 bits per sample with this compressed data, whatever it claims."""
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def zeros(count: int) -> bytes:
    """A zlib stream of so many zero bytes, made without holding them."""
    compressor = zlib.compressobj(9)
    pieces = [compressor.compress(bytes(2**20)) for _ in range(count // 2**20)]
    pieces += [compressor.compress(bytes(count % 2**20)), compressor.flush()]
    return b"".join(pieces)


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF of a large canvas, with frames of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    control = b"\x21\xf9\x04\0" + struct.pack("<H", 5) + b"\0\0"
    frame = control + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frames * frame + b"\x3b"


def bmp(width: int, height: int, bits: int = 24, *, run_lengths: bool = False) -> bytes:
    """The header of a BMP, with a few bytes of pixels, or with the mark that ends run lengths."""
    compression = int(run_lengths)
    colors = bytes(4 * 256) if bits == 8 else b""
    start = 54 + len(colors)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    pixels = b"\0\1" if run_lengths else bytes(60)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + colors + pixels


def tiff(*entries: tuple[int, int, int]) -> bytes:
    """A TIFF of grey pixels whose directory has these tags besides: tag, type, value."""
    tags = {
        256: (4, 8),
        257: (4, 8),
        258: (3, 8),
        259: (3, 1),
        262: (3, 1),
        273: (4, 8),
        277: (3, 1),
        278: (4, 8),
        279: (4, 64),
    }
    tags.update({tag: (kind, value) for tag, kind, value in entries})
    directory = struct.pack("<H", len(tags))
    for tag in sorted(tags):
        kind, value = tags[tag]
        directory += struct.pack("<HHII", tag, kind, 1, value)
    return b"II\x2a\0" + struct.pack("<I", 72) + bytes(64) + directory + bytes(4)


def webp(width: int, height: int) -> bytes:
    """An animated WebP of a large canvas, with one frame of one pixel."""
    image = b"VP8L" + struct.pack("<I", 14) + b"\x2f\0\0\0\0\x10\x88\x88\x88\x88\x88\x88\x08\0"
    frame = bytes(12) + bytes(3) + b"\0" + image
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size
    chunks += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    chunks += b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def tga(width: int, height: int) -> bytes:
    """The header of a TGA packed by run lengths, with a few of them."""
    return struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, width, height, 24, 0) + bytes(60)


def jp2(width: int, height: int) -> bytes:
    """A small JPEG 2000 stream whose header claims a picture, and a tile, of this size."""
    content = pillow("JPEG2000", no_jp2=True)
    place = content.index(b"\xff\x51") + 6
    sizes = struct.pack(">IIIIII", width, height, 0, 0, width, height)
    return content[:place] + sizes + content[place + len(sizes) :]


def wav(
    *, channels: int = 1, rate: int = 8000, bits: int = 16, data: bytes = bytes(64), size: int = -1
) -> bytes:
    """A WAV with these figures in its header; `size` is what it claims of its samples."""
    code = 3 if bits == 32 else 1
    width = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * width % 2**32, width % 2**16, bits)
    claimed = len(data) if size < 0 else size
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", claimed) + data
    return b"RIFF" + struct.pack("<I", (4 + len(body)) % 2**32) + body


def rf64(size: int) -> bytes:
    """An RF64 that claims this many bytes of samples."""
    long = struct.pack("<QQQI", size + 72, size, size // 2, 0)
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEds64" + struct.pack("<I", len(long)) + long
    body += b"fmt " + struct.pack("<I", len(form)) + form
    return b"RF64\xff\xff\xff\xff" + body + b"data\xff\xff\xff\xff" + bytes(64)


def flac_claiming(content: bytes, count: int) -> bytes:
    """A FLAC file whose header claims another number of samples, of 36 bits."""
    changed = bytearray(content)
    # Signature 4, block header 4, then 13 bytes and a half before the number.
    changed[21] = changed[21] & 0xF0 | count >> 32
    changed[22:26] = (count & 2**32 - 1).to_bytes(4, "big")
    return bytes(changed)


def npy_header(text: str, data: bytes = bytes(64), version: tuple[int, int] = (1, 0)) -> bytes:
    """A .npy file with this header."""
    encoded = text.encode("latin-1")
    code = "<H" if version == (1, 0) else "<I"
    return b"\x93NUMPY" + bytes(version) + struct.pack(code, len(encoded)) + encoded + data


def npy_described(descr: str, shape: str, data: bytes = bytes(64)) -> bytes:
    """A .npy file that claims this type and shape."""
    return npy_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}", data)


def not_finite(value: float) -> bytes:
    """An array with one value that is no number to fit."""
    values = np.zeros((4, 5), np.float32)
    values[2, 3] = value
    return npy(values)
