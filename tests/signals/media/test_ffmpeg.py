from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import SinefitError
from sinefit.signals.media.ffmpeg import FFmpeg, describe_end, input_arguments, parse_log

if TYPE_CHECKING:
    from pathlib import Path


def test_output_is_streamed_into_a_buffer() -> None:
    arguments = ["-f", "lavfi", "-i", "color=red:size=4x2:rate=5:duration=1"]
    buffer = memoryview(bytearray(1000))
    with FFmpeg([*arguments, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]) as process:
        assert process.read_into(buffer[:48]) == 48
        assert process.read_into(buffer) == 5 * 4 * 2 * 3 - 48
        assert process.finish()
    assert process.complaints == []


def test_input_is_fed() -> None:
    with FFmpeg(
        [
            *("-f", "rawvideo", "-pix_fmt", "gray", "-video_size", "3x1", "-i", "pipe:0"),
            *("-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"),
        ],
        feed=True,
    ) as process:
        assert process.write(b"abcdef")
        assert process.finish()
        assert process.read() == b"abcdef"


def test_the_first_complaint_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "text.mp4"
    file.write_text("no video at all")
    with FFmpeg([*input_arguments(file, "mov"), "-f", "null", "-"]) as process:
        assert not process.finish()
        assert process.complaint
        assert "\n" not in process.complaint
    assert process.complaint == process.complaints[0].rstrip(".")


def test_many_messages_do_not_block(tmp_path: Path) -> None:
    graph = "color=red:size=16x16:rate=1000:duration=3,showinfo"
    arguments = ["-f", "lavfi", "-i", graph, "-f", "null", "-"]
    with FFmpeg(arguments, log_level="info") as process:
        assert process.finish()
        assert sum("pts_time" in text for _, text in process.log) > 1000


def test_leaving_the_block_ends_the_process() -> None:
    arguments = ["-re", "-f", "lavfi", "-i", "testsrc", "-f", "rawvideo", "pipe:1"]
    with pytest.raises(KeyError), FFmpeg(arguments) as process:
        raise KeyError
    assert not process.finish()


def test_feeding_an_ended_process_is_reported() -> None:
    with FFmpeg(["-f", "nonsense", "-i", "pipe:0", "-f", "null", "-"], feed=True) as process:
        answers = [process.write(b"x" * 2**20) for _ in range(3)]
        assert answers[-1] is False
        assert not process.finish()
        assert "nonsense" in " ".join(process.complaints)


def test_another_demuxer_is_not_tried(tmp_path: Path) -> None:
    secret = tmp_path / "secret.gif"
    with FFmpeg(
        ["-f", "lavfi", "-i", "color=red:duration=1", "-f", "gif", f"file:{secret}"]
    ) as process:
        assert process.finish()
    script = tmp_path / "script.mp4"
    script.write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    with FFmpeg([*input_arguments(script, "mov"), "-f", "null", "-"]) as process:
        assert not process.finish()


def test_a_missing_executable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise RuntimeError("No ffmpeg exe could be found.\nInstall it.")

    with pytest.raises(SinefitError, match=r"^ffmpeg cannot be run \(No ffmpeg exe .*imageio"):
        FFmpeg(["-version"], find=missing)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/missing/ffmpeg")
    with pytest.raises(SinefitError, match=r"^ffmpeg cannot be run \(.*'/missing/ffmpeg'\): rein"):
        FFmpeg(["-version"])


def test_log_lines_are_split_into_level_and_text() -> None:
    text = (
        "[info] Input #0, gif, from 'x':\n"
        "[mov,mp4 @ 0x55d0c0ffee00] [error] moov atom not found\n"
        "[vf#0:0 @ 0x1] [x @ 0x2] [warning] two parts\n"
        "no level here\n"
    )
    assert parse_log(text) == [
        ("info", "Input #0, gif, from 'x':"),
        ("error", "moov atom not found"),
        ("warning", "two parts"),
    ]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (1, "ffmpeg ended with code 1"),
        (-signal.SIGSEGV, "ffmpeg was ended by SIGSEGV"),
        (-signal.SIGXFSZ, "ffmpeg was ended by SIGXFSZ, as the file became larger than .* allows"),
        (-signal.SIGKILL, "ffmpeg was ended by SIGKILL, .* memory"),
        (-250, "ffmpeg was ended by signal 250"),
        (None, "ffmpeg has not ended"),
    ],
)
def test_an_end_in_words(status: int | None, words: str) -> None:
    assert re.match(words, describe_end(status))


def test_an_end_by_a_signal_is_a_complaint() -> None:
    with FFmpeg(["-f", "lavfi", "-i", "color=red", "-f", "null", "-"]) as process:
        process.kill()
        assert process.complaint.startswith("ffmpeg was ended by SIGKILL")
