"""Reading sounds through libsndfile, in blocks, without loss where the format allows.

What libsndfile does not know is read through ffmpeg.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from sinefit.errors import InputError, SettingError
from sinefit.signals.audio.formats import AUDIO_FORMATS, BIT_DEPTHS, first_line, library_path
from sinefit.signals.audio.samples import (
    peak_of,
    sound_spec,
    start_too_late,
    wanted_samples,
)
from sinefit.signals.audio.tracks import read_stream
from sinefit.signals.audio.truncation import find_truncation
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.media.decoder_messages import damage_notice, decoder_messages
from sinefit.signals.signal import Signal
from sinefit.signals.storage import allocate_samples, let_go

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection

_ABOUT_ITSELF = ("Internal error", "internal error", "not a regular file")
"""What messages of libsndfile have in them that speak of itself and not of the file."""

_MAY_HOLD_MPEG = ("mp3", "wav")

READ_BLOCK = 2**18
"""Samples, times the number of channels, that are decoded at once."""

MOST_SAMPLES_PER_BYTE = 2**13
"""Silence takes a byte for this many samples at best: in FLAC, 65535 of them take ten."""


def read_audio(
    source: Path, name: str, format: str, selection: Selection, limits: Limits = DEFAULT_LIMITS
) -> Signal:
    """Read a sound as float32 samples of shape (samples, channels), full scale being -1 to 1.

    Integer samples of up to 24 bits are held exactly, and float samples beyond full scale as they
    are. `format` is a name in AUDIO_FORMATS; a file of another format is refused, and of one that
    holds pictures too the first sound track is read. The spec's range
    is minus to plus the peak of what is kept. Raises InputError, which calls the file `name`, when
    it is damaged, cut short, larger than `limits` or holds values that are not finite, and
    SettingError when the selection does not fit a sound.
    """
    if selection.region is not None or selection.downsample != 1:
        flag = "`region`" if selection.region is not None else "`downsample`"
        raise SettingError(f"{flag} does not apply to {name}: it is a sound; leave it out")
    if AUDIO_FORMATS[format].demuxer is not None:
        return read_stream(source, name, format, selection, limits)
    truncation = find_truncation(source, format)
    if truncation is not None:
        raise InputError(f"{name} is cut short: {truncation}; get a complete copy")
    with decoder_messages(collect=format in _MAY_HOLD_MPEG) as printed:
        signal = _decode(source, name, format, selection, limits)
    return replace(signal, notices=(*signal.notices, *damage_notice(name, printed)))


def _decode(source: Path, name: str, format: str, selection: Selection, limits: Limits) -> Signal:
    try:
        with soundfile.SoundFile(library_path(source), "r") as file:
            if file.format not in AUDIO_FORMATS[format].library:
                raise InputError(f"{name} holds {file.format} sound, not {format}: name its format")
            _check_length(file, source, name)
            return _read_open_file(file, name, format, selection, limits)
    except soundfile.LibsndfileError as error:
        reason = first_line(error)
        if any(words in reason for words in _ABOUT_ITSELF):
            reason = "its headers are damaged"
        raise InputError(
            f"{name} cannot be read as {format}: {reason}; check or re-encode the file"
        ) from None


def _check_length(file: Any, source: Path, name: str) -> None:
    """Raise InputError when a sound claims more samples than its bytes can stand for."""
    size = source.stat().st_size
    if file.frames > size * MOST_SAMPLES_PER_BYTE:
        raise InputError(
            f"{name} is damaged or cut short: its {size} bytes cannot hold the "
            f"{file.frames} samples that it claims; get a complete copy"
        )


def _read_open_file(
    file: Any, name: str, format: str, selection: Selection, limits: Limits
) -> Signal:
    """Read the selected samples of an open sound file."""
    rate: int = file.samplerate
    first, count = _select(file.frames, rate, name, selection)
    limits.check_samples((count, file.channels), np.float32, name)
    samples: NDArray[np.float32] = allocate_samples((count, file.channels), np.float32)
    if first:
        file.seek(first)
    peak = 0.0
    done = 0
    block_size = max(1, READ_BLOCK // file.channels)
    while done < count:
        try:
            block = file.read(out=samples[done : done + block_size])
        except soundfile.LibsndfileError:
            block = samples[:0]  # what it says speaks of its own calls
        if len(block) == 0:
            raise InputError(
                f"{name} is cut short or damaged: {first + done} of {file.frames} samples can be "
                "decoded; get a complete copy"
            )
        peak = max(peak, peak_of(block, first + done, rate, name))
        done += len(block)
        let_go(samples)
    bit_depth = BIT_DEPTHS.get(file.subtype, 16)
    notices = []
    if file.subtype in ("PCM_32", "DOUBLE"):
        notices.append(f"{name}: samples are held as 32-bit floats, with 24 significant bits")
    spec = sound_spec(samples.shape, rate, peak, format, bit_depth, file.subtype)
    return Signal(spec, samples, tuple(notices))


def _select(frames: int, rate: int, name: str, selection: Selection) -> tuple[int, int]:
    """Return the first sample to keep and the number of samples to keep."""
    first, wanted = wanted_samples(selection, rate, frames + 1, name)
    if first and first >= frames:
        raise start_too_late(selection, frames, rate, name)
    return first, min(frames - first, wanted)
