from __future__ import annotations

import subprocess
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from sinefit.errors import InputError, SettingError
from sinefit.signals.limits import Limits
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection
from sinefit.signals.storage import GrowingSamples
from tests.refusing import files_up_to

if TYPE_CHECKING:
    from pathlib import Path

RATE = 16000
COUNT = 24000
LOSSY = {
    "a.m4a": ("ipod", "aac"),
    "a.aac": ("adts", "aac"),
    "a.mp4": ("mp4", "aac"),
    "a.webm": ("webm", "libopus"),
    "a.ts": ("mpegts", "mp2"),
}
LOSSLESS = {
    "a.m4a": ("ipod", "alac"),
    "a.mov": ("mov", "pcm_s16le"),
    "a.mkv": ("matroska", "flac"),
    "a.avi": ("avi", "pcm_s16le"),
}


def tones() -> np.ndarray:
    time = np.arange(COUNT)[:, None] / RATE
    return 0.5 * np.sin(2 * np.pi * np.array([330.0, 550.0]) * time)


class Encode(Protocol):
    def __call__(self, name: str, muxer: str, codec: str, *, picture: str = "") -> Path: ...


@pytest.fixture
def encode(tmp_path: Path) -> Encode:
    """Encode the tones, beside a moving picture if asked, with ffmpeg."""

    def run(name: str, muxer: str, codec: str, *, picture: str = "") -> Path:
        soundfile.write(tmp_path / "tones.wav", tones(), RATE, subtype="PCM_16")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostdin", "-v", "error"]
        command += ["-i", str(tmp_path / "tones.wav")]
        if picture:
            command += ["-f", "lavfi", "-i", "testsrc=size=32x24:rate=10:duration=1.5"]
            command += ["-c:v", picture, "-pix_fmt", "yuv420p"]
        command += ["-c:a", codec, "-f", muxer, str(tmp_path / name)]
        subprocess.run(command, check=True, timeout=60)
        return tmp_path / name

    return run


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_sound_is_exact(encode: Encode, tmp_path: Path, name: str) -> None:
    signal = read_signal(encode(name, *LOSSLESS[name]))
    expected, _ = soundfile.read(tmp_path / "tones.wav", dtype="float32")
    np.testing.assert_array_equal(signal.samples, expected)
    spec = signal.spec
    assert (spec.kind, spec.format, spec.rate) == ("audio", name[2:], Fraction(RATE))
    assert (spec.bit_depth, spec.high) == (16, np.abs(signal.samples).max())
    assert signal.notices == ()


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_sound_is_close_and_in_place(encode: Encode, name: str) -> None:
    signal = read_signal(encode(name, *LOSSY[name]))
    assert (signal.spec.kind, signal.spec.format) == ("audio", name[2:])
    assert signal.spec.channels == 2
    # Opus comes out at 48 kHz; AAC and MP2 without an index begin with what the encoder needs.
    assert signal.spec.rate is not None
    step = signal.spec.rate / RATE
    delay = {"a.aac": 1024, "a.ts": 481}.get(name, 0)
    found = signal.samples[:: int(step)][delay : delay + COUNT - 2048]
    error = found[2048:] - tones()[2048 : len(found)]
    assert 10 * np.log10(np.mean(tones() ** 2) / np.mean(error**2)) > 20
    if name in ("a.m4a", "a.mp4"):
        assert signal.spec.shape == (COUNT,)


@pytest.mark.parametrize(
    ("name", "muxer", "codec", "picture"),
    [
        ("a.mp4", "mp4", "alac", "libx264"),
        ("a.mkv", "matroska", "flac", "ffv1"),
        ("a.avi", "avi", "pcm_s16le", "mjpeg"),
        ("a.ts", "mpegts", "aac", "mpeg2video"),
    ],
)
def test_a_video_is_its_picture_and_its_sound_is_asked_for(
    encode: Encode, name: str, muxer: str, codec: str, picture: str
) -> None:
    path = encode(name, muxer, codec, picture=picture)
    video = read_signal(path).spec
    assert (video.kind, video.shape, video.rate) == ("video", (15, 24, 32), Fraction(10))
    assert video.soundtrack is not None
    sound = read_signal(path, kind="audio")
    assert sound.spec.kind == "audio"
    if name != "a.ts":
        assert sound.samples.shape == (COUNT, 2)


def test_a_selection_is_the_part_of_the_whole(encode: Encode) -> None:
    path = encode("a.m4a", "ipod", "aac")
    whole = read_signal(path).samples
    part = read_signal(path, selection=Selection(start=0.5, duration=0.25)).samples
    np.testing.assert_array_equal(part, whole[8000:12000])
    rest = read_signal(path, selection=Selection(start=1.25)).samples
    np.testing.assert_array_equal(rest, whole[20000:])
    with pytest.raises(SettingError, match=r"is only 1.5 seconds long"):
        read_signal(path, selection=Selection(start=9))
    with pytest.raises(SettingError, match="`duration` is 1e-06"):
        read_signal(path, selection=Selection(duration=1e-6))


def test_a_video_without_sound_has_none(encode: Encode, tmp_path: Path) -> None:
    path = encode("a.avi", "avi", "pcm_s16le", picture="mjpeg")
    silent = tmp_path / "silent.avi"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(path)]
    subprocess.run([*command, "-an", "-c", "copy", str(silent)], check=True, timeout=60)
    with pytest.raises(InputError, match=r"silent\.avi holds no sound track"):
        read_signal(silent, kind="audio")


def test_several_tracks_are_told(encode: Encode, tmp_path: Path) -> None:
    path = encode("a.mkv", "matroska", "flac")
    twice = tmp_path / "twice.mkv"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(path)]
    command += ["-map", "0", "-map", "0", "-c", "copy", str(twice)]
    subprocess.run(command, check=True, timeout=60)
    (notice,) = read_signal(twice).notices
    assert "first of its 2 sound tracks" in notice


@pytest.mark.parametrize("name", ["a.m4a", "a.avi", "a.mkv"])
def test_a_file_cut_short_is_refused(encode: Encode, name: str) -> None:
    path = encode(name, *LOSSLESS[name])
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match="cut short"):
        read_signal(path)


def test_limits_hold_while_samples_come(encode: Encode) -> None:
    path = encode("a.mkv", "matroska", "flac")
    size = COUNT * 2 * 4
    assert read_signal(path, limits=Limits(max_bytes=size)).samples.nbytes == size
    with pytest.raises(InputError, match=f"would take {size} bytes"):
        read_signal(path, limits=Limits(max_bytes=size - 1))


@pytest.mark.parametrize("limit", [0, 2**20])
def test_growing_samples_lie_in_memory_or_in_a_file(limit: int) -> None:
    values = np.arange(600, dtype=np.float32).reshape(200, 3)
    with GrowingSamples(np.float32, limit) as room:
        for begin in range(0, 200, 70):
            room.append(values[begin : begin + 70])
        found = room.finish(3)
    np.testing.assert_array_equal(found, values)
    assert isinstance(found, np.memmap) == (limit == 0)
    found[0] = 7  # it may be changed


def test_no_room_for_samples_is_told() -> None:
    room = GrowingSamples(np.float32)
    block = np.zeros((25_000, 1), np.float32)
    with files_up_to(10**5), room:
        room.append(block)
        with pytest.raises(InputError, match=r"more than 0 MiB .*File too large.*TMPDIR"):
            room.append(block)
