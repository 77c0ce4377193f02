"""Sounds that libsndfile does not read, decoded through ffmpeg: M4A, AAC, and those of videos.

How long such a sound is shows at its end only, so samples are stored as they come.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinefit.errors import InputError
from sinefit.signals.audio.formats import AUDIO_FORMATS
from sinefit.signals.audio.samples import (
    peak_of,
    sound_spec,
    start_too_late,
    wanted_samples,
)
from sinefit.signals.media.ffmpeg import FFmpeg
from sinefit.signals.media.streams import INCOMPLETE, check_container, limited_input, parse_streams
from sinefit.signals.signal import Signal
from sinefit.signals.storage import GrowingSamples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.media.streams import Stream
    from sinefit.signals.selection import Selection

_PIECE_BYTES = 2**20
_AU_HEADER = 24
_MOST_HEADER = 2**16
_PCM = re.compile(r"pcm_(?:[su](8|16|24|32)|f(32|64))")
_STORED_BITS = re.compile(r"\((\d\d) bit\)")


def read_stream(
    source: Path, name: str, format: str, selection: Selection, limits: Limits
) -> Signal:
    """Read the first sound track of a file as float32 samples (samples, channels).

    Full scale is -1 to 1. `format` is a name in AUDIO_FORMATS that has a demuxer; nothing else is
    tried. Raises InputError, which calls the file `name`, when it holds no sound, is damaged, cut
    short, larger than `limits` or holds values that are not finite, and SettingError when the
    selection lies outside.
    """
    demuxer = AUDIO_FORMATS[format].demuxer
    assert demuxer is not None
    check_container(source, name, demuxer)
    # The header of an AU file tells rate and channels, and its samples follow to the end.
    arguments = [
        *limited_input(source, demuxer, limits),
        *("-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"),
    ]
    with GrowingSamples(np.float32) as samples:
        return _decode(arguments, samples, name, format, selection, limits)


def _decode(
    arguments: list[str],
    samples: GrowingSamples,
    name: str,
    format: str,
    selection: Selection,
    limits: Limits,
) -> Signal:
    with FFmpeg(arguments, log_level="info") as process:
        opened = _open(process)
        if opened is not None:
            rate, channels = opened
            kept = _keep(process, samples, name, rate, channels, selection, limits)
        well = process.finish() if opened is None or kept.to_the_end else True
        tracks = [s for s in parse_streams(text for _, text in process.log) if s.kind == "Audio"]
        complaints, complaint = process.complaints, process.complaint
    if any("matches no streams" in text for text in complaints):
        raise InputError(f"{name} holds no sound track: choose another file")
    if opened is None or not tracks or not well:
        raise InputError(
            f"{name} cannot be read as {format}: {complaint}; check or re-encode the file"
        )
    if not kept.to_the_end:
        complaints = []  # of an end that ffmpeg was not let come to
    if any(INCOMPLETE.search(text) for text in complaints):
        raise InputError(f"{name} is cut short ({complaint}): get a complete copy")
    if not kept.count:
        _refuse_empty(kept, name, rate, selection)
    notices = []
    if len(tracks) > 1:
        notices.append(f"{name}: the first of its {len(tracks)} sound tracks is used")
    if complaints:
        notices.append(f"{name}: it may be damaged, the decoder reported: {complaint}")
    bit_depth, encoding = _stored_as(tracks[0])
    shape = (kept.count, channels)
    spec = sound_spec(shape, rate, kept.peak, format, bit_depth, encoding)
    return Signal(spec, samples.finish(channels), tuple(notices))


@dataclass
class _Kept:
    """How many samples were kept, of how many, and their peak."""

    count: int = 0
    seen: int = 0
    peak: float = 0.0
    to_the_end: bool = True


def _open(process: FFmpeg) -> tuple[int, int] | None:
    """Read the head of the AU file that ffmpeg writes; samples per second and channels."""
    head = bytearray(_AU_HEADER)
    if process.read_into(memoryview(head)) < _AU_HEADER:
        return None
    signature, begin, _, _, rate, channels = struct.unpack(">4s5I", head)
    if signature != b".snd" or not _AU_HEADER <= begin <= _MOST_HEADER or not rate or not channels:
        return None
    process.read_into(memoryview(bytearray(begin - _AU_HEADER)))
    return rate, channels


def _keep(
    process: FFmpeg,
    samples: GrowingSamples,
    name: str,
    rate: int,
    channels: int,
    selection: Selection,
    limits: Limits,
) -> _Kept:
    """Store the selected samples, decoding from the start: a seek would change the first ones."""
    first, wanted = wanted_samples(selection, rate, 2**62, name)
    kept = _Kept()
    buffer = bytearray(max(1, _PIECE_BYTES // (4 * channels)) * 4 * channels)
    while received := process.read_into(memoryview(buffer)) // (4 * channels):
        stored = np.frombuffer(buffer, ">f4", received * channels).reshape(received, channels)
        start = min(max(first - kept.seen, 0), received)
        piece: NDArray[np.float32] = stored[start : start + wanted - kept.count].astype(np.float32)
        kept.peak = max(kept.peak, peak_of(piece, kept.seen, rate, name))
        kept.count += len(piece)
        kept.seen += received
        limits.check_samples((kept.count, channels), np.float32, name)
        samples.append(piece)
        if kept.count >= wanted:
            kept.to_the_end = False
            break
    return kept


def _refuse_empty(kept: _Kept, name: str, rate: int, selection: Selection) -> None:
    if selection.start > 0 and kept.seen:
        raise start_too_late(selection, kept.seen, rate, name)
    raise InputError(f"{name} is damaged: no sample of its sound can be decoded; re-encode it")


def _stored_as(track: Stream) -> tuple[int, str]:
    """Return the bits of a stored sample and libsndfile's name of the encoding, if it has one."""
    plain = _PCM.match(track.codec)
    if plain is not None:
        if plain[2]:
            return int(plain[2]), "FLOAT" if plain[2] == "32" else "DOUBLE"
        return int(plain[1]), f"PCM_{plain[1]}" if plain[1] != "8" else "PCM_U8"
    bits = _STORED_BITS.search(track.details)
    return int(bits[1]) if bits else 16, track.codec.upper()
