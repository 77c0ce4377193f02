from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from typing import TYPE_CHECKING

import imageio_ffmpeg
import pytest

from sinefit.errors import InputError
from sinefit.signals.video.probe import probe_sound, probe_video, read_frame_times

if TYPE_CHECKING:
    from pathlib import Path


def make(path: Path, *arguments: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostdin", "-v", "error"]
    subprocess.run([*command, *arguments, str(path)], check=True, timeout=60)
    return path


@pytest.mark.parametrize(
    ("tags", "states_matrix", "high_dynamic_range"),
    [
        ("colorspace=bt709:color_primaries=bt709:color_trc=bt709", True, False),
        ("colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084", True, True),
        ("colorspace=bt2020nc:color_primaries=bt2020:color_trc=arib-std-b67", True, True),
        ("colorspace=unknown:color_primaries=bt709:color_trc=bt709", False, False),
        ("colorspace=unknown:color_primaries=unknown:color_trc=unknown", False, False),
    ],
)
def test_colour_is_read(
    tmp_path: Path, tags: str, states_matrix: bool, high_dynamic_range: bool
) -> None:
    graph = f"testsrc=size=32x16:rate=5:duration=0.4,format=yuv420p10le,setparams={tags}"
    path = make(tmp_path / "a.mkv", "-f", "lavfi", "-i", graph, "-c:v", "ffv1")
    header = probe_video(path, "a", "mkv")
    assert header.states_matrix is states_matrix
    assert header.high_dynamic_range is high_dynamic_range
    assert header.deep
    assert not header.transparent


@pytest.mark.parametrize(
    ("pixel_format", "deep", "transparent"),
    [
        ("yuv420p", False, False),
        ("yuva444p", False, True),
        ("gray16le", True, False),
        ("bgra", False, True),
        ("gbrp12le", True, False),
        ("yuva422p10le", True, True),
    ],
)
def test_pixel_formats_are_told_apart(
    tmp_path: Path, pixel_format: str, deep: bool, transparent: bool
) -> None:
    source = ["-f", "lavfi", "-i", "testsrc=size=32x16:rate=5:duration=0.4"]
    path = make(tmp_path / "a.mkv", *source, "-pix_fmt", pixel_format, "-c:v", "ffv1")
    header = probe_video(path, "a", "mkv")
    assert (header.width, header.height, header.codec) == (32, 16, "ffv1")
    assert header.pixel_format == pixel_format
    assert (header.deep, header.transparent) == (deep, transparent)
    assert header.claimed_rates[0] == 5.0
    assert header.sound_codecs == ()


@pytest.mark.parametrize("decode", [False, True])
def test_frames_with_another_order_of_decoding_are_sorted(tmp_path: Path, decode: bool) -> None:
    source = ["-f", "lavfi", "-i", "testsrc=size=32x16:rate=25:duration=1"]
    path = make(tmp_path / "a.mp4", *source, "-c:v", "libx264", "-bf", "3")
    frames = read_frame_times(path, "a", "mp4", decode=decode)
    assert frames is not None
    assert [frames.seconds(k) for k in range(25)] == pytest.approx([k / 25 for k in range(25)])
    assert frames.last_duration * frames.time_base == Fraction(1, 25)


def test_sound_is_listed(tmp_path: Path) -> None:
    sound = ["-f", "lavfi", "-i", "sine=duration=0.1"]
    codecs = ["-map", "0", "-map", "0", "-c:a:0", "flac", "-c:a:1", "aac"]
    assert probe_sound(make(tmp_path / "a.mkv", *sound, *codecs)) == ("flac", "aac")
    (tmp_path / "b.mkv").write_text("no sound")
    assert probe_sound(tmp_path / "b.mkv") == ()


def test_a_file_without_any_stream_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    header = struct.pack(">IIIII", 0, 0, 0, 1000, 0) + bytes(80)
    boxes = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
    boxes += struct.pack(">I4sI4s", 116, b"moov", 108, b"mvhd") + header
    path.write_bytes(boxes)
    with pytest.raises(InputError, match="holds no video stream"):
        probe_video(path, "it", "mp4")
