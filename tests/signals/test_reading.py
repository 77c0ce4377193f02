from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from PIL import Image

from sinefit.errors import InputError, SettingError
from sinefit.signals.image.tiff import TiffStream
from sinefit.signals.limits import Limits
from sinefit.signals.reading import check_selection, read_signal
from sinefit.signals.selection import Selection
from sinefit.signals.signal import KINDS
from tests.refusing import under_refusals

if TYPE_CHECKING:
    from sinefit.signals.signal import Kind


def image_bytes(format: str = "PNG", frames: int = 1) -> bytes:
    file = io.BytesIO()
    images = [Image.new("RGB", (5, 4), (60 * index, 200, 9)) for index in range(frames)]
    images[0].save(file, format, save_all=frames > 1, append_images=images[1:])
    return file.getvalue()


def sound_bytes(format: str = "WAV", frames: int = 100) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.linspace(-0.5, 0.5, frames), 8000, format=format)
    return file.getvalue()


def array_bytes() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(12.0).reshape(3, 4))
    return file.getvalue()


def video_bytes(format: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        source = ["-f", "lavfi", "-i", "testsrc=size=16x8:rate=10:duration=0.5"]
        muxer = {"mkv": "matroska"}.get(format, format)
        coder = "libvpx-vp9" if format == "webm" else "libx264"
        executable = imageio_ffmpeg.get_ffmpeg_exe()
        command = [executable, "-loglevel", "error", *source, "-c:v", coder, "-f", muxer]
        subprocess.run([*command, str(path)], check=True)
        return path.read_bytes()


SAMPLES = {"image": image_bytes, "audio": sound_bytes, "array": array_bytes}


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("name", ["signal.png", "signal.npy", "with space [b].wav", "-o", "no"])
def test_the_content_decides_and_the_name_is_kept(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(SAMPLES[kind]())
    signal = read_signal(path)
    assert signal.spec.kind == kind
    assert signal.spec.source == name
    assert signal.spec.source_bytes == path.stat().st_size
    assert replace(read_signal(str(path)).spec) == signal.spec


@pytest.mark.parametrize("kind", SAMPLES)
def test_bytes_are_read_as_the_file_with_these_bytes(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signal"
    path.write_bytes(SAMPLES[kind]())
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    from_file, from_bytes = read_signal(path), read_signal(path.read_bytes())
    np.testing.assert_array_equal(from_bytes.samples, from_file.samples)
    assert from_bytes.spec == replace(from_file.spec, source=None)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("format", ["mp4", "mov", "mkv", "webm"])
def test_videos_from_bytes(format: str) -> None:
    signal = read_signal(video_bytes(format))
    assert (signal.spec.kind, signal.spec.format) == ("video", format)
    assert signal.spec.shape == (5, 8, 16)


def test_bytes_can_be_named() -> None:
    assert read_signal(image_bytes(), name="folder/a.png").spec.source == "a.png"
    with pytest.raises(InputError, match=r"^folder/a\.png is empty"):
        read_signal(b"", name="folder/a.png")
    with pytest.raises(InputError, match=r"^the input is empty"):
        read_signal(b"")


def test_animated_gif_as_video_and_as_image() -> None:
    data = image_bytes("GIF", frames=3)
    assert read_signal(data).spec.kind == "video"
    assert read_signal(data, format="gif").spec.kind == "video"
    still = read_signal(data, kind="image")
    assert (still.spec.kind, still.spec.shape) == ("image", (4, 5))
    assert still.notices == ("only the first of 3 frames was read",)
    assert read_signal(image_bytes("GIF")).spec.kind == "image"


def test_a_still_gif_as_video_when_asked() -> None:
    assert read_signal(image_bytes("GIF"), kind="video").spec.shape == (1, 4, 5)


def test_a_kind_that_the_content_is_not() -> None:
    with pytest.raises(SettingError, match=r"`kind` is audio: the input is an image \(png\)"):
        read_signal(image_bytes(), kind="audio")
    with pytest.raises(SettingError, match=r"`kind` is text.*image, audio, video, array"):
        read_signal(image_bytes(), kind=cast("Kind", "text"))


def test_a_format_that_the_content_is_not() -> None:
    with pytest.raises(InputError, match="the input holds png, not jpeg"):
        read_signal(image_bytes(), format="jpeg")
    with pytest.raises(SettingError, match=r"`format` is exr: it must be one of .*png"):
        read_signal(image_bytes(), format="exr")
    with pytest.raises(InputError, match="the input cannot be read as png"):
        read_signal(b"neither this nor that", format="png")


def test_a_related_format_may_be_asked_for() -> None:
    assert read_signal(video_bytes("mov"), format="mp4").spec.format == "mp4"
    assert read_signal(video_bytes("mkv"), format="webm").spec.format == "webm"


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.png does not exist"):
        read_signal(tmp_path / "missing.png")
    with pytest.raises(InputError, match="is a folder"):
        read_signal(tmp_path)
    with pytest.raises(InputError, match="cannot be opened"):
        read_signal("null\0byte")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be opened"):
        read_signal(tmp_path / "file" / "below")
    with pytest.raises(InputError, match="cannot be opened"):
        read_signal("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(image_bytes())
    path.chmod(0)
    with pytest.raises(InputError, match=r"secret\.png may not be read"):
        read_signal(path)


def test_a_refusal_by_the_system_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(image_bytes())
    with pytest.raises(InputError, match=r"secret\.png may not be read"):
        under_refusals({"open": errno.EACCES}, lambda: read_signal(path))


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")
def test_a_named_pipe_is_read_once_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "data").write_bytes(image_bytes())
    with subprocess.Popen(["sh", "-c", 'cat "$1" > "$2"', "sh", tmp_path / "data", pipe]) as feeder:
        signal = read_signal(pipe)
    assert feeder.returncode == 0
    assert (signal.spec.shape, signal.spec.source) == ((4, 5), "pipe")


FLAGS = {
    "`start`": (Selection(start=1.0), ("audio", "video")),
    "`duration`": (Selection(duration=1.0), ("audio", "video")),
    "`region`": (Selection(region=(0, 0, 1, 1)), ("image", "video")),
    "`downsample`": (Selection(downsample=2), ("image", "video")),
    "`grey`": (Selection(grey=True), ("image",)),
    "`channels_last`": (Selection(channels_last=True), ("array",)),
    "`domain` sphere": (Selection(domain="sphere"), ("array",)),
}


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_selection_that_means_nothing_is_refused(flag: str, kind: Kind) -> None:
    selection, kinds = FLAGS[flag]
    if kind in kinds:
        check_selection(selection, kind, "it")
    else:
        with pytest.raises(SettingError, match=f"^{flag} is for .*: it is an? .*leave it out"):
            check_selection(selection, kind, "it")


def test_the_selection_is_checked_before_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(image_bytes()[:40])
    with pytest.raises(SettingError, match=r"`start` is for audio and video: .*a\.png is an image"):
        read_signal(path, selection=Selection(start=1.0))


def test_the_selection_reaches_the_reader() -> None:
    assert read_signal(image_bytes(), selection=Selection(downsample=2)).spec.shape == (2, 3)
    assert read_signal(array_bytes(), selection=Selection(channels_last=True)).spec.channels == 4


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    try:
        path.write_bytes(image_bytes())
    except OSError:
        pytest.skip("the file system takes no such name")
    assert read_signal(path).spec.source == path.name


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless device")
def test_of_an_endless_file_no_more_is_read_than_tells_what_it_is() -> None:
    with pytest.raises(InputError, match="/dev/zero is of an unknown format"):
        read_signal("/dev/zero", limits=Limits(max_bytes=2**24))
    with pytest.raises(InputError, match="goes on beyond 16777216 bytes"):
        read_signal("/dev/zero", format="png", limits=Limits(max_bytes=2**24))


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")
def test_an_endless_pipe_that_begins_like_a_picture(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "data").write_bytes(image_bytes())
    script = 'cat "$1" /dev/zero > "$2"'
    command: list[str | Path] = ["sh", "-c", script, "sh", tmp_path / "data", pipe]
    with (
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as feeder,
        pytest.raises(InputError, match="goes on beyond 16777216 bytes"),
    ):
        read_signal(pipe, limits=Limits(max_bytes=2**24))
    assert feeder.returncode != 0  # its reader went away


def test_a_stream_is_read_as_its_bytes() -> None:
    for content in (image_bytes(), sound_bytes(), array_bytes()):
        from_bytes, from_stream = read_signal(content), read_signal(io.BytesIO(content))
        np.testing.assert_array_equal(from_stream.samples, from_bytes.samples)
        assert from_stream.spec == from_bytes.spec
    with pytest.raises(InputError, match=r"^the input is empty"):
        read_signal(io.BytesIO())


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless device")
def test_an_endless_stream_ends_at_the_limit() -> None:
    small = Limits(max_bytes=2**22)
    with Path("/dev/zero").open("rb") as zeros:
        with pytest.raises(InputError, match="the input is of an unknown format"):
            read_signal(zeros, limits=small)
        with pytest.raises(InputError, match="it goes on beyond 4194304 bytes"):
            read_signal(zeros, name="it", format="mp3", limits=small)


def test_formats_that_go_back_and_forth_are_read_from_pipes(tmp_path: Path) -> None:
    file = io.BytesIO()
    stream = TiffStream(file, 5, 4, 3, 8)  # it writes the directory last
    stream.write(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    stream.close()
    tiff, mp4 = file.getvalue(), video_bytes("mp4")
    assert mp4.index(b"moov") > mp4.index(b"mdat")
    for content in (tiff, mp4, video_bytes("webm")):
        expected = read_signal(content)
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as feeder:
            assert feeder.stdin is not None
            assert feeder.stdout is not None
            feeder.stdin.write(content)
            feeder.stdin.close()
            signal = read_signal(f"/dev/fd/{feeder.stdout.fileno()}", name="it")
        np.testing.assert_array_equal(signal.samples, expected.samples)
