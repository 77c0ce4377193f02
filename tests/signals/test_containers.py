from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinefit.signals.containers import (
    id3_size,
    is_adts,
    is_mpeg_audio,
    is_mpeg_ts,
    is_tga,
    matroska_format,
    mp4_format,
    ogg_content,
)


@given(st.binary(max_size=400))
def test_rubbish_is_answered_without_raising(data: bytes) -> None:
    ogg_content(b"OggS" + data)
    mp4_format(data)
    matroska_format(b"\x1a\x45\xdf\xa3" + data)
    is_mpeg_audio(b"\xff\xfb" + data)
    is_adts(b"\xff\xf1" + data)
    is_mpeg_ts(b"G" + data)
    is_tga(b"\0\0\2" + data)
    assert id3_size(b"ID3" + data) >= 0


def ogg_page(packet: bytes, flags: int) -> bytes:
    sizes = [255] * (len(packet) // 255) + [len(packet) % 255]
    head = b"OggS\0" + bytes([flags]) + bytes(20)
    return head + bytes([len(sizes), *sizes]) + packet


@pytest.mark.parametrize(
    ("packets", "content"),
    [
        ([b"\x01vorbis"], "audio"),
        ([b"OpusHead"], "audio"),
        ([b"\x80theora" + bytes(300)], "video"),
        ([b"\x01vorbis", b"\x80theora"], "video"),
        ([b"fishead\0" + bytes(600), b"\x80theora"], "video"),
        ([b"unheard of"], None),
    ],
)
def test_streams_of_an_ogg_file(packets: list[bytes], content: str | None) -> None:
    pages = b"".join(ogg_page(packet, 2) for packet in packets)
    assert ogg_content(pages + ogg_page(b"\x80theora in a later page", 0)) == content


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_sounds_of_libsndfile(subtype: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(4800), 48000, format="OGG", subtype=subtype)
    assert ogg_content(file.getvalue()) == "audio"


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"\0\0\0\x18ftypisom", "mp4"),
        (b"\0\0\0\x18ftypqt  ", "mov"),
        (b"\0\0\0\x08wide", "mov"),
        (b"\0\0\0\x01mdat", "mov"),
        (b"\0\0\0\x18ftypavif", "avif"),
        (b"\0\0\0\x18ftypM4A ", "m4a"),
        (struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"mif1", 0, b"mif1", b"avif"), "avif"),
        (struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"mif1", 0, b"mif1", b"heic"), "heic"),
        (b"Buy free beer", None),
        (b"", None),
    ],
)
def test_brands_of_mp4(head: bytes, format: str | None) -> None:
    assert mp4_format(head) == format


@pytest.mark.parametrize(
    ("kind", "format"), [(b"matroska", "mkv"), (b"webm", "webm"), (b"webm\0\0", "webm")]
)
def test_document_types_of_matroska(kind: bytes, format: str) -> None:
    body = b"\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(kind)]) + kind
    assert matroska_format(b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(body)]) + body) == format
    assert matroska_format(b"\x1a\x45\xdf\xa3\x80") is None


# Frame sizes after ISO 11172-3: 144 x bit rate / sampling rate, half of that in MPEG-2 layer III.
@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("fffb9000", 144 * 128000 // 44100),
        ("fffb9200", 144 * 128000 // 44100 + 1),
        ("fff38000", 72 * 64000 // 22050),
        ("fffda400", 144 * 192000 // 48000),
    ],
)
def test_frames_of_mpeg_audio(header: str, size: int) -> None:
    frame = bytes.fromhex(header).ljust(size, b"\0")
    assert is_mpeg_audio(frame)
    assert is_mpeg_audio(frame * 2)
    assert not is_mpeg_audio(frame[:-1] + frame)
    assert not is_mpeg_audio(b"\0" + frame)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_sounds_of_lame_are_mpeg_audio(rate: int) -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, rate)
    soundfile.write(file, noise, rate, format="MP3")
    data = file.getvalue()
    assert is_mpeg_audio(data[id3_size(data) :])


def test_utf_16_text_is_not_mpeg_audio() -> None:
    assert not is_mpeg_audio("a long text, long enough".encode("utf-16") * 100)


def test_size_of_an_id3_tag() -> None:
    # Four times seven bits (ID3v2.4, section 6.2): 2 * 128 + 1 = 257 after 10 bytes of header.
    assert id3_size(b"ID3\x04\0\0\0\0\x02\x01") == 267
    assert id3_size(b"ID3\x04\0\x10\0\0\x02\x01") == 277
    assert id3_size(b"ID4\x04\0\0\0\0\x02\x01") == 0


def adts_frame(size: int) -> bytes:
    """The head of a frame of AAC LC at 44.1 kHz, stereo, by ISO 13818-7, table 8, and zeros."""
    bits = f"{0xFFF:012b}0001{1:02b}{4:04b}0{2:03b}0000{size:013b}{0x7FF:011b}00"
    return int(bits, 2).to_bytes(7, "big") + bytes(size - 7)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (adts_frame(300) + adts_frame(200), True),
        (adts_frame(300)[:100], True),
        (adts_frame(300) + b"no frame", False),
        (adts_frame(7) * 3, False),
        (b"\xff\xf1", False),
        (b"\xff\xfb\x90\x00" + bytes(10), False),
    ],
)
def test_aac_is_told_by_two_frames(head: bytes, expected: bool) -> None:
    assert is_adts(head) == expected


@pytest.mark.parametrize(("before", "size"), [(0, 188), (4, 192)])
def test_a_transport_stream_is_told_by_its_packets(before: int, size: int) -> None:
    packet = bytes(before) + b"G" + bytes(size - before - 1)
    assert is_mpeg_ts(4 * packet)
    assert not is_mpeg_ts(3 * packet)
    assert not is_mpeg_ts(2 * packet + b"x" + 2 * packet)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("packed", [None, "tga_rle"])
def test_a_tga_is_told_by_its_header(mode: str, packed: str | None) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((30, 20)).convert(mode).save(file, "TGA", compression=packed)
    assert is_tga(file.getvalue())
    assert not is_tga(file.getvalue()[:18])


@pytest.mark.parametrize(
    "head",
    [b"\0\0\1\0\1\0" + bytes(40), b"\0\0\1\xba" + bytes(40), bytes(range(60)), b"some text" * 9],
)
def test_other_headers_are_no_tga(head: bytes) -> None:
    assert not is_tga(head)
