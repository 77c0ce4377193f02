from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import imageio_ffmpeg
import pytest

from sinefit.errors import InputError
from sinefit.signals.limits import Limits
from sinefit.signals.media.streams import (
    check_container,
    find_cut_list,
    is_sound_only,
    list_streams,
    parse_streams,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG = [
    "Input #0, mov,mp4,m4a, from 'a.m4a':",
    "  Stream #0:0[0x1](und): Audio: alac (alac / 0x63616C61), 44100 Hz, stereo, s16p (default)",
    "  Stream #0:1[0x0]: Video: mjpeg, yuvj420p(pc), 96x96, 90k tbr (attached pic)",
    "  Stream #0:2(eng): Video: h264 (High), yuv420p, 32x24, 25 fps",
    "Stream mapping:",
    "  Stream #0:0: Audio: pcm_f32be, 44100 Hz",
]
SOUND = ["-f", "lavfi", "-i", "sine=duration=0.2"]
PICTURE = ["-f", "lavfi", "-i", "testsrc=size=16x12:rate=10:duration=0.2"]


@pytest.fixture
def encode(tmp_path: Path) -> Callable[..., Path]:
    def run(*arguments: str) -> Path:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *arguments]
        subprocess.run([*command, "-f", "matroska", str(tmp_path / "a")], check=True, timeout=60)
        return tmp_path / "a"

    return run


def test_streams_of_the_input_are_told_without_covers() -> None:
    found = [(stream.kind, stream.codec) for stream in parse_streams(LOG)]
    assert found == [("Audio", "alac"), ("Video", "h264")]
    assert "44100 Hz" in parse_streams(LOG)[0].details


@pytest.mark.parametrize(
    ("arguments", "codecs", "sound_only"),
    [
        ([*SOUND, "-c:a", "flac"], ["flac"], True),
        ([*PICTURE, "-c:v", "ffv1"], ["ffv1"], False),
        ([*PICTURE, *SOUND, "-c:v", "ffv1", "-c:a", "flac"], ["ffv1", "flac"], False),
    ],
)
def test_sound_is_told_from_video(
    encode: Callable[..., Path], arguments: list[str], codecs: list[str], sound_only: bool
) -> None:
    path = encode(*arguments)
    assert [each.codec for each in list_streams(path, "matroska", Limits())] == codecs
    assert is_sound_only(path, "it", "matroska", Limits()) == sound_only


def test_what_cannot_be_read_has_no_streams(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(50))
    assert list_streams(tmp_path / "a", "matroska", Limits()) == []


def test_a_cut_container_is_refused_before_ffmpeg_sees_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\0\1\0moov" + bytes(50))
    with pytest.raises(InputError, match="it is cut short: 198 bytes of its index are missing"):
        check_container(tmp_path / "a", "it", "mov")
    (tmp_path / "a").write_bytes(b"RIFF\x40\0\0\0AVI " + bytes(50))
    with pytest.raises(InputError, match="it is cut short: 10 of its bytes are missing"):
        check_container(tmp_path / "a", "it", "avi")


def riff(content: bytes, claimed: int | None = None) -> bytes:
    length = len(content) if claimed is None else claimed
    return b"RIFF" + struct.pack("<I", length) + content + bytes(len(content) % 2)


@pytest.mark.parametrize(
    "content",
    [
        riff(b"AVI " + bytes(40)),
        riff(b"AVI " + bytes(40)) + riff(b"AVIX" + bytes(20)),
        riff(b"AVI " + bytes(41)) + riff(b"AVIX" + bytes(20)) + b"what follows",
        riff(b"AVI " + bytes(40), 0),
        riff(b"AVI " + bytes(40), 2**32 - 1),
        b"",
        b"something else",
    ],
)
def test_what_is_whole_or_no_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert find_cut_list(tmp_path / "a") is None


@pytest.mark.parametrize("missing", [1, 7, 30])
def test_what_is_missing_is_counted(tmp_path: Path, missing: int) -> None:
    content = riff(b"AVI " + bytes(40)) + riff(b"AVIX" + bytes(36))
    (tmp_path / "a").write_bytes(content[:-missing])
    assert find_cut_list(tmp_path / "a") == f"{missing} of its bytes are missing"
