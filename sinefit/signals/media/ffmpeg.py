"""One run of the bundled ffmpeg: bytes streamed in or out, its complaints kept for the error."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Self

import imageio_ffmpeg

from sinefit.errors import SinefitError
from sinefit.signals.media.decoder_messages import without_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

_OPTIONS = ("-nostdin", "-nostats", "-hide_banner", "-y")
_INPUTS = {True: subprocess.PIPE, False: subprocess.DEVNULL}
_COMPLAINTS = ("error", "fatal", "panic")
_LOG_LINE = re.compile(r"^(?:\[(?P<part>.+?) @ 0x[0-9a-f]+\] )*\[(?P<level>[a-z]+)\] (?P<text>.*)$")
_LONGEST_LOG = 2**20
_PIECE_BYTES = 2**20
_SIGNALS = {
    "SIGXFSZ": ", as the file became larger than the system allows",
    "SIGKILL": ", as happens when memory runs out",
}
"""What it means that the system ends a process so."""


def input_arguments(source: Path, demuxer: str, *options: str) -> list[str]:
    """Return the arguments that open a file with this demuxer and no other.

    A file of another kind can then not make ffmpeg open further files or addresses.
    """
    opened = ("-f", demuxer, "-i", f"file:{source}")
    return ["-protocol_whitelist", "file,pipe", *options, *opened]


def output_arguments(target: Path, muxer: str) -> list[str]:
    """Return the arguments that write a file with this muxer, whatever its name ends in."""
    return ["-f", muxer, f"file:{target}"]


class FFmpeg:
    """A running ffmpeg that is ended when the `with` block that holds it is left.

    Its standard output is read with `read` or `read_into`; its standard input, when `feed` is True,
    is written with `write`, and is the file that `feed` is else. Its messages go to a temporary
    file, so that they can never block it, and from there to `log` and `complaint`. `find` returns
    the name of the program. Raises SinefitError when no ffmpeg can be run.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        feed: bool | BinaryIO = False,
        log_level: str = "error",
        find: Callable[[], str] = imageio_ffmpeg.get_ffmpeg_exe,
    ) -> None:
        try:
            executable = find()
            with contextlib.ExitStack() as opened:
                self._messages = opened.enter_context(tempfile.TemporaryFile())
                # A session of its own: Ctrl-C in the terminal is the caller's to act upon.
                self._process = subprocess.Popen(
                    [executable, *_OPTIONS, "-loglevel", f"level+{log_level}", *arguments],
                    stdin=_INPUTS[feed] if isinstance(feed, bool) else feed,
                    stdout=subprocess.PIPE,
                    stderr=self._messages,
                    start_new_session=True,
                )
                opened.pop_all()
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise SinefitError(
                f"ffmpeg cannot be run ({reason}): reinstall imageio-ffmpeg"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def write(self, data: bytes | memoryview) -> bool:
        """Feed bytes to ffmpeg; False when it has stopped listening."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def read(self, most: int | None = None) -> bytes:
        """Return everything that ffmpeg still writes to its standard output.

        When that is more than `most` bytes, ffmpeg is ended and only somewhat more is returned.
        """
        assert self._process.stdout is not None
        content = bytearray()
        while piece := self._process.stdout.read(_PIECE_BYTES):
            content += piece
            if most is not None and len(content) > most:
                self._process.kill()
                break
        return bytes(content)

    def read_into(self, buffer: memoryview) -> int:
        """Fill a buffer of bytes from ffmpeg's standard output; fewer only at its end.

        Returns the number of bytes read.
        """
        assert self._process.stdout is not None
        filled = 0
        while filled < len(buffer):
            count = self._process.stdout.readinto(buffer[filled:])  # type: ignore[attr-defined]
            if not count:
                break
            filled += count
        return filled

    def finish(self) -> bool:
        """End the input, wait for ffmpeg to end; True when it ended well."""
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:
                self._process.wait()
                return False
        return self._process.wait() == 0

    def kill(self) -> None:
        """End ffmpeg at once, if it still runs, and free its pipes."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        if not self._messages.closed:
            self._log = self._read_log()
            self._messages.close()

    @property
    def log(self) -> list[tuple[str, str]]:
        """Level and text of each message so far, the first mebibyte of them."""
        return self._log if self._messages.closed else self._read_log()

    def _read_log(self) -> list[tuple[str, str]]:
        self._messages.seek(0)
        text = self._messages.read(_LONGEST_LOG).decode("utf-8", "replace")
        self._messages.seek(0, 2)
        return parse_log(text)

    @property
    def complaints(self) -> list[str]:
        """The text of each error that ffmpeg has reported so far."""
        return [text for level, text in self.log if level in _COMPLAINTS]

    @property
    def complaint(self) -> str:
        """What ffmpeg reported first as an error, in one short line; later ones follow from it."""
        reported = self.complaints
        text = reported[0] if reported else describe_end(self._process.poll())
        return without_addresses(text).rstrip(".")[:200]


def describe_end(status: int | None) -> str:
    """Return in words how a process ended, by its exit status, negative for a signal."""
    if status is None:
        return "ffmpeg has not ended"
    if status >= 0:
        return f"ffmpeg ended with code {status}"
    names = {number.value: number.name for number in signal.Signals}
    name = names.get(-status, f"signal {-status}")
    return f"ffmpeg was ended by {name}{_SIGNALS.get(name, '')}"


def parse_log(text: str) -> list[tuple[str, str]]:
    """Return level and text of each line that ffmpeg logged with `-loglevel level+...`.

    Lines without a level continue a message and are left out.
    """
    lines = (_LOG_LINE.match(line) for line in text.splitlines())
    return [(line["level"], line["text"]) for line in lines if line is not None]
