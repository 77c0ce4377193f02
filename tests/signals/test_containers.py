from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sinefit.signals.containers import (
    id3_size,
    is_mpeg_audio,
    matroska_format,
    mp4_format,
    ogg_content,
)


@given(st.binary(max_size=400))
def test_rubbish_is_answered_without_raising(data):
    ogg_content(b"OggS" + data)
    mp4_format(data)
    matroska_format(b"\x1a\x45\xdf\xa3" + data)
    is_mpeg_audio(b"\xff\xfb" + data)
    assert id3_size(b"ID3" + data) >= 0


def ogg_page(packet, flags):
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
def test_streams_of_an_ogg_file(packets, content):
    pages = b"".join(ogg_page(packet, 2) for packet in packets)
    assert ogg_content(pages + ogg_page(b"\x80theora in a later page", 0)) == content


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_sounds_of_libsndfile(subtype):
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
        (b"\0\0\0\x18ftypavif", "an AVIF image"),
        (b"\0\0\0\x18ftypM4A ", "an MPEG-4 sound"),
        (b"Buy free beer", None),
        (b"", None),
    ],
)
def test_brands_of_mp4(head, format):
    assert mp4_format(head) == format


@pytest.mark.parametrize(
    ("kind", "format"), [(b"matroska", "mkv"), (b"webm", "webm"), (b"webm\0\0", "webm")]
)
def test_document_types_of_matroska(kind, format):
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
def test_frames_of_mpeg_audio(header, size):
    frame = bytes.fromhex(header).ljust(size, b"\0")
    assert is_mpeg_audio(frame)
    assert is_mpeg_audio(frame * 2)
    assert not is_mpeg_audio(frame[:-1] + frame)
    assert not is_mpeg_audio(b"\0" + frame)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_sounds_of_lame_are_mpeg_audio(rate):
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, rate)
    soundfile.write(file, noise, rate, format="MP3")
    data = file.getvalue()
    assert is_mpeg_audio(data[id3_size(data) :])


def test_utf_16_text_is_not_mpeg_audio():
    assert not is_mpeg_audio("a long text, long enough".encode("utf-16") * 100)


def test_size_of_an_id3_tag():
    # Four times seven bits (ID3v2.4, section 6.2): 2 * 128 + 1 = 257 after 10 bytes of header.
    assert id3_size(b"ID3\x04\0\0\0\0\x02\x01") == 267
    assert id3_size(b"ID3\x04\0\x10\0\0\x02\x01") == 277
    assert id3_size(b"ID4\x04\0\0\0\0\x02\x01") == 0
