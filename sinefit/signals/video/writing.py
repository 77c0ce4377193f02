"""Writing a video: frames streamed into ffmpeg, the finished file checked frame by frame."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from sinefit.errors import InputError, OutputError
from sinefit.signals.media.ffmpeg import FFmpeg, input_arguments, output_arguments
from sinefit.signals.video.animation_writer import AnimationWriter
from sinefit.signals.video.formats import (
    VIDEO_FORMATS,
    check_all_given,
    check_frames,
    check_video_writable,
    picture_arguments,
    picture_notices,
    sound_arguments,
)
from sinefit.signals.video.probe import probe_sound, probe_video, read_frame_times
from sinefit.signals.writer import check_room

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.video.frame_plan import FrameTimes
    from sinefit.signals.writer import Encoding


def open_video_writer(
    path: Path, spec: SignalSpec, format: str, encoding: Encoding
) -> AnimationWriter | VideoWriter:
    """Return what writes a video to `path` in a format of VIDEO_FORMATS; see SignalWriter."""
    animated = VIDEO_FORMATS[format].demuxer is None
    return (AnimationWriter if animated else VideoWriter)(path, spec, format, encoding)


class VideoWriter:
    """Writes a video in blocks of shape (count, height, width, 3); see SignalWriter.

    The exact size, number of frames and frame rate are kept, and the spec's soundtrack is put
    beside the picture, unchanged where the format holds its codec.
    """

    notices: tuple[str, ...]

    def __init__(self, path: Path, spec: SignalSpec, format: str, encoding: Encoding) -> None:
        check_video_writable(spec, format)
        assert spec.rate is not None
        self._path = path
        self._spec = spec
        self._format = format
        muxer = VIDEO_FORMATS[format].muxer
        assert muxer is not None
        self._rate = plain_rate(spec.rate)
        self._written = 0
        notices = picture_notices(spec, format, encoding.quality)
        picture = picture_arguments(spec, format, encoding.quality)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        try:
            sound_input, sound, sound_notices = self._prepare_sound()
            self.notices = (*notices, *sound_notices)
            _, height, width = spec.shape
            self._process = FFmpeg(
                [
                    *("-protocol_whitelist", "file,pipe", "-f", "rawvideo", "-pix_fmt", "rgb24"),
                    *("-video_size", f"{width}x{height}", "-framerate", str(self._rate)),
                    *("-i", "pipe:0", *sound_input, "-map", "0:v:0", *sound, *picture),
                    *("-fps_mode", "passthrough", "-fflags", "+bitexact", "-flags", "+bitexact"),
                    *output_arguments(path, muxer),
                ],
                feed=True,
            )
        except BaseException:
            self._remove_folder()
            raise

    def _prepare_sound(self) -> tuple[list[str], list[str], list[str]]:
        """Put the soundtrack where ffmpeg can read it; its input, its output arguments, notices."""
        soundtrack = self._spec.soundtrack
        if soundtrack is None:
            return [], [], []
        capability = VIDEO_FORMATS[self._format]
        if capability.silent:
            return [], [], [f"{capability.name} holds no sound: it is left out"]
        self._folder = tempfile.TemporaryDirectory(prefix="sinefit-sound-")
        file = Path(self._folder.name) / "soundtrack.mkv"
        file.write_bytes(soundtrack)
        codecs = probe_sound(file)
        if not codecs:
            return [], [], ["the soundtrack cannot be read: it is left out"]
        arguments, notices = sound_arguments(codecs, self._format)
        return input_arguments(file, "matroska"), ["-map", "1:a", *arguments], notices

    def write(self, block: NDArray[np.generic]) -> None:
        """Append frames of shape (count, height, width, 3), uint8."""
        check_frames(self._path, self._spec, block)
        for frame in block:
            if not self._process.write(np.ascontiguousarray(frame).data.cast("B")):
                self._process.finish()
                self._fail(self._process.complaint)
            self._written += 1

    def close(self) -> None:
        """Finish the file, check its frames, size and rate; raises OutputError if they differ."""
        try:
            check_all_given(self._path, self._spec, self._written)
            if not self._process.finish():
                self._fail(self._process.complaint)
        finally:
            self.abort()
        self._verify()

    def abort(self) -> None:
        """Give up; the file is left unfinished for the caller to remove."""
        self._process.kill()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _fail(self, cause: str) -> NoReturn:
        check_room(self._path)
        raise OutputError(
            f"{self._path} cannot be written as {self._format}: {cause}; "
            "check the disk or choose another format"
        )

    def _verify(self) -> None:
        """Compare the finished file with what was written."""
        count, height, width = self._spec.shape
        try:
            size, frames = self._read_back()
        except InputError as error:
            self._fail(str(error))
        if size != (width, height):
            self._fail(f"it came out {size[0]}x{size[1]} instead of {width}x{height}")
        if frames is None or len(frames.times) != count:
            found = 0 if frames is None else len(frames.times)
            self._fail(f"it came out with {found} frames instead of {count}")
        step = 1 / (self._rate * frames.time_base)
        # Each time is rounded to a whole unit, the first one too.
        drift = max(abs(t - frames.times[0] - k * step) for k, t in enumerate(frames.times))
        if drift > 1:
            self._fail(f"its frames are not {float(self._rate):g} per second")

    def _read_back(self) -> tuple[tuple[int, int], FrameTimes | None]:
        """Return width and height of the finished file, and when its frames are shown."""
        name = str(self._path)
        header = probe_video(self._path, name, self._format)
        frames = read_frame_times(self._path, name, self._format, decode=False)
        return (header.width, header.height), frames


def plain_rate(rate: Fraction) -> Fraction:
    """Return the nearest frame rate whose numerator and denominator ffmpeg keeps as they are.

    Rates of film and television are returned unchanged; others differ by less than 1e-5.
    """
    limit = 1_000_000
    if max(rate.numerator, rate.denominator) <= limit:
        return rate
    if rate >= 1:
        return rate.limit_denominator(max(1, int(limit / rate)))
    return 1 / (1 / rate).limit_denominator(max(1, int(limit * rate)))
