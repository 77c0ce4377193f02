"""Telling apart what shares a signature or has none: MPEG, TGA, Ogg, MP4 and Matroska brands.

Each function takes the head of a file, or the open file where the head is not enough, and answers
without raising: damaged content is for the reader of the format to report.
"""

from __future__ import annotations

import struct

_OGG_STREAMS = {
    b"\x80theora": "video",
    b"BBCD\0": "video",
    b"\x01video": "video",
    b"\x01vorbis": "audio",
    b"OpusHead": "audio",
    b"\x7fFLAC": "audio",
    b"Speex   ": "audio",
}
_MP4_BRANDS = {
    "qt": "mov",
    **dict.fromkeys(("M4A", "M4B"), "m4a"),
    **dict.fromkeys(("heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"), "heic"),
    **dict.fromkeys(("avif", "avis"), "avif"),
    "crx": "a raw photograph",
}
# The largest size of each box that a QuickTime file may begin with: four letters may also be text.
_MOV_BOXES = {
    b"mdat": 2**32 - 1,
    b"moov": 2**28,
    **dict.fromkeys((b"wide", b"free", b"skip", b"pnot"), 2**24),
}
_SYNC_MARKS = 4
# Bit rates in kbit/s by index, for layer II and III of MPEG-1 and layer II/III of MPEG-2 and 2.5.
_RATES_1_2 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_RATES_1_3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLING_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def ogg_content(head: bytes) -> str | None:
    """Return "video", "audio" or None by the streams that an Ogg file announces (RFC 3533)."""
    found = set()
    position = 0
    # All streams begin with a page of their own, marked by flag 2, before any other page.
    while head[position : position + 4] == b"OggS" and len(head) > position + 27:
        if not head[position + 5] & 2:
            break
        table = head[position + 27 : position + 27 + head[position + 26]]
        packet = position + 27 + len(table)
        for signature, content in _OGG_STREAMS.items():
            if head.startswith(signature, packet):
                found.add(content)
        position = packet + sum(table)
    return max(found, default=None)


def mp4_format(head: bytes) -> str | None:
    """Return the format of an ISO media file, what else it is, or None (ISO 14496-12, 4.3)."""
    if len(head) < 8:
        return None
    size, box = struct.unpack(">I4s", head[:8])
    if box == b"ftyp":
        brand = head[8:12].decode("latin-1").strip()
        found = _MP4_BRANDS.get(brand, "mp4")
        # "mif1" is any picture: which one, the compatible brands tell.
        is_avif = found == "heic" and b"avif" in head[16 : min(size, 256)]
        return "avif" if is_avif else found
    # Before there were brands: a QuickTime file begins with any of its boxes.
    likely = size in (0, 1) or 8 <= size <= _MOV_BOXES.get(box, 0)
    return "mov" if box in _MOV_BOXES and likely else None


def matroska_format(head: bytes) -> str | None:
    """Return "mkv" or "webm", another EBML document type, or None (RFC 8794, section 11.2.4)."""
    element = head.find(b"\x42\x82", 4, 256)
    if element < 0 or len(head) < element + 3 or not head[element + 2] & 0x80:
        return None
    size = head[element + 2] & 0x7F
    kind = head[element + 3 : element + 3 + size].rstrip(b"\0").decode("latin-1")
    return {"matroska": "mkv", "webm": "webm"}.get(kind)


def is_mpeg_audio(head: bytes) -> bool:
    """Tell whether `head` begins with a frame of MPEG audio, layer II or III, and another follows.

    One frame that fills the whole of `head` counts too.
    """
    size = _mpeg_frame_size(head[:4])
    return size > 0 and (size >= len(head) or _mpeg_frame_size(head[size : size + 4]) > 0)


def is_adts(head: bytes) -> bool:
    """Tell whether `head` begins with a frame of AAC, and another follows (ISO 13818-7, 6.2).

    One frame that fills the whole of `head` counts too.
    """
    size = _adts_frame_size(head[:7])
    return size > 0 and (size >= len(head) or _adts_frame_size(head[size : size + 7]) > 0)


def _adts_frame_size(header: bytes) -> int:
    """Return the bytes of the frame of AAC that begins with these seven, 0 when none does."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    if header[2] >> 2 & 15 > 12:  # the index of the sampling rate
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else 0


def is_mpeg_ts(head: bytes) -> bool:
    """Tell whether `head` begins with packets of an MPEG transport stream (ISO 13818-1, 2.4.3).

    They are of 188 bytes, with a sync byte each, or of 192 where a time stands before each.
    """
    for before, size in ((0, 188), (4, 192)):
        marks = head[before : before + size * _SYNC_MARKS : size]
        if len(head) >= size * _SYNC_MARKS and set(marks) == {0x47}:
            return True
    return False


def is_npz(head: bytes) -> bool:
    """Tell whether `head` begins with a ZIP archive whose first file is an array."""
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return head.startswith(b"PK\x03\x04") and name.endswith(b".npy")


def is_tga(head: bytes) -> bool:
    """Tell whether the header of a TGA file is plausible, for it has no signature.

    (Truevision, TGA File Format Specification Version 2.0)
    """
    if len(head) < 19:
        return False
    mapped, kind = head[1], head[2]
    first, count, entry = struct.unpack("<HHB", head[3:8])
    width, height, depth, flags = struct.unpack("<HHBB", head[12:18])
    if not width or not height or flags & 0xC0:
        return False
    if kind in (1, 9):
        return bool(mapped == 1 and depth == 8 and 0 < count <= 256 and entry in (15, 16, 24, 32))
    depths = {2: (16, 24, 32), 3: (8, 16), 10: (16, 24, 32), 11: (8, 16)}.get(kind, ())
    return bool(mapped == 0 and not first and not count and not entry and depth in depths)


def _mpeg_frame_size(header: bytes) -> int:
    """Return the bytes of the frame of MPEG audio that begins with these four, 0 when none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = (header[1] >> 3) & 3, (header[1] >> 1) & 3  # layer: 1 is III, 2 is II
    rate, sampling = header[2] >> 4, (header[2] >> 2) & 3
    if version == 1 or layer not in (1, 2) or rate in (0, 15) or sampling == 3:
        return 0
    mpeg_1 = _RATES_1_2 if layer == 2 else _RATES_1_3
    kilobits = (mpeg_1 if version == 3 else _RATES_2)[rate]
    coefficient = 72 if layer == 1 and version != 3 else 144
    padding = (header[2] >> 1) & 1
    return coefficient * kilobits * 1000 // _SAMPLING_RATES[version][sampling] + padding


def id3_size(head: bytes) -> int:
    """Return the bytes of the ID3v2 tag at the start of `head`, 0 without one (ID3v2.4, 3.1)."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | (byte & 0x7F)
    return 10 + size + (10 if head[5] & 0x10 else 0)
