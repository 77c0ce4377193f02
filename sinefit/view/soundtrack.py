"""The sound of a clip as its page plays it: without loss, in a format that every browser reads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.signals.media.ffmpeg import FFmpeg, input_arguments, output_arguments

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec


def playable_soundtrack(spec: SignalSpec) -> bytes | None:
    """Return the first soundtrack of a video as FLAC of 16 bits, at most two channels.

    None for a signal without one, or with one that cannot be read: the page is silent then. Raises
    SinefitError where there is no ffmpeg.
    """
    if spec.soundtrack is None:
        return None
    with tempfile.TemporaryDirectory(prefix="sinefit-sound-") as name:
        given, made = Path(name, "soundtrack.mkv"), Path(name, "soundtrack.flac")
        given.write_bytes(spec.soundtrack)
        arguments = [
            *input_arguments(given, "matroska"),
            *("-map", "0:a:0", "-map_metadata", "-1", "-bitexact"),
            *("-af", "aformat=sample_fmts=s16:channel_layouts=mono|stereo", "-c:a", "flac"),
            *output_arguments(made, "flac"),
        ]
        with FFmpeg(arguments) as process:
            process.read()
            return made.read_bytes() if process.finish() else None
