"""Files that name other files: nothing but the given bytes is ever opened."""

from __future__ import annotations

import contextlib
import struct
import subprocess
from typing import TYPE_CHECKING

import imageio_ffmpeg
import numpy as np
import pytest

from sinefit.errors import InputError
from sinefit.signals.reading import read_signal

from .boxes import box, with_box
from .specimens import clip, ffmpeg, specimen
from .watching import SMALL, check_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SCRIPTS = {
    "concat": b"ffconcat version 1.0\nfile secret.gif\n",
    "concat-unsafe": b"ffconcat version 1.0\nfile 'file:secret.gif'\n",
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.gif\n#EXT-X-ENDLIST\n",
    "dash": b"<?xml version='1.0'?><MPD><BaseURL>secret.gif</BaseURL></MPD>",
    "sdp": b"v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "reference": b"[Reference]\nRef1=secret.gif\n",
}
HEADS = {
    "none": b"",
    "mp4": struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom"),
    "mkv": b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska",
    "gif": b"GIF89a" + struct.pack("<HHBBB", 16, 12, 0, 0, 0),
    "wav": b"RIFF\0\0\0\0WAVE",
    "avi": b"RIFF\0\0\0\0AVI LIST",
    "m4a": struct.pack(">I4s4sI4s", 20, b"ftyp", b"M4A ", 0, b"M4A "),
    "ts": (b"G" + bytes(187)) * 5,
    "aac": bytes.fromhex("fff15080013ffc") + bytes(2),
}


# What ffmpeg reads, and what it could be made to read by one of these names.
NAMES = [f"clip.{end}" for end in ("mp4", "mkv", "webm", "mov", "gif", "avi", "ts", "m4a", "aac")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_under_the_names_of_videos(tmp_path: Path, name: str, script: str) -> None:
    (tmp_path / "secret.gif").write_bytes(specimen("gif-animated"))
    path = tmp_path / name
    path.write_bytes(SCRIPTS[script])
    for format in (None, path.suffix[1:]):
        with pytest.raises(InputError) as caught:
            read_signal(path, name="it", format=format)
        check_message(str(caught.value))


@pytest.mark.parametrize("script", ["concat", "hls"])
@pytest.mark.parametrize("head", HEADS)
def test_scripts_behind_the_head_of_a_container(tmp_path: Path, head: str, script: str) -> None:
    (tmp_path / "secret.gif").write_bytes(specimen("gif-animated"))
    path = tmp_path / "clip"
    path.write_bytes(HEADS[head] + b"\n" + SCRIPTS[script])
    with pytest.raises(InputError) as caught:
        read_signal(path, name="it")
    check_message(str(caught.value))


def alias(target: str) -> bytes:
    """A data reference to another file beside this one, as QuickTime writes it."""
    path = f"/{target}".encode()
    path += b"\0" * (len(path) % 2)
    record = bytes(10) + b"\0" + bytes(27) + bytes(12) + b"\0" + bytes(63) + bytes(16)
    record += struct.pack(">HH", 1, 1) + bytes(16)
    record += struct.pack(">hH", 2, len(path)) + path + struct.pack(">hH", -1, 0)
    return box(b"alis", bytes(4) + record)


def location(target: str) -> bytes:
    """A data reference to another file by its address, as the ISO format has it."""
    return box(b"url ", bytes(4) + f"file:{target}".encode() + b"\0")


DREF = [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"]


def outside(inside: bytes, reference: bytes) -> bytes:
    """A clip whose frames are in another file: the same boxes, but no frames in its own."""
    start = inside.index(b"mdat") + 4
    size = int.from_bytes(inside[start - 8 : start - 4], "big") - 8
    hollow = inside[:start] + bytes(size) + inside[start + size :]
    # The boxes that tell where frames are stand behind them: no offset changes.
    assert inside.index(b"moov") > start
    return with_box(hollow, DREF, struct.pack(">II", 0, 1) + reference)


@pytest.mark.parametrize("muxer", ["mp4", "mov"])
@pytest.mark.parametrize("reference", [alias, location])
def test_frames_in_another_file_are_not_read(
    tmp_path: Path, muxer: str, reference: Callable[[str], bytes]
) -> None:
    secret = clip(muxer, "mjpeg")
    (tmp_path / "secret.mov").write_bytes(secret)
    path = tmp_path / f"clip.{muxer}"
    path.write_bytes(outside(secret, reference("secret.mov")))
    for kind in (None, "audio"):
        with pytest.raises(InputError) as caught:
            read_signal(path, name="it", kind=kind, limits=SMALL)
        check_message(str(caught.value))
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("reference", [alias, location])
def test_sound_in_another_file_is_not_read(
    tmp_path: Path, reference: Callable[[str], bytes]
) -> None:
    secret = ffmpeg("mov", "-f", "lavfi", "-i", "sine=duration=0.5", "-c:a", "pcm_s16le")
    (tmp_path / "secret.mov").write_bytes(secret)
    path = tmp_path / "sound.mov"
    path.write_bytes(outside(secret, reference("secret.mov")))
    samples: NDArray[np.generic] = np.zeros(1)
    with contextlib.suppress(InputError):
        samples = read_signal(path, name="it", limits=SMALL).samples
    assert not samples.any()  # at best the zeros of its own bytes
    assert read_signal(tmp_path / "secret.mov").samples.any()


def test_the_reference_would_lead_there(tmp_path: Path) -> None:
    """The clip above is what it claims to be: told to, ffmpeg follows the reference."""
    secret = clip("mov", "mjpeg")
    (tmp_path / "secret.mov").write_bytes(secret)
    path = tmp_path / "clip.mov"
    path.write_bytes(outside(secret, alias("secret.mov")))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-enable_drefs", "1"]
    output = ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]

    def frames(file: Path) -> bytes:
        done = subprocess.run([*command, "-i", file, *output], capture_output=True, check=False)
        return done.stdout

    assert len(frames(path)) == 5 * 12 * 16 * 3
    assert frames(path) == frames(tmp_path / "secret.mov")
