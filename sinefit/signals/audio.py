"""Sounds: read and written through libsndfile, in blocks, without loss where the format allows.

What libsndfile does not know is read through ffmpeg.
"""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import soundfile

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.signals.audio_formats import (
    AUDIO_CAPABILITIES,
    AUDIO_FORMATS,
    BIT_DEPTHS,
    check_audio_writable,
    choose_container,
    choose_subtype,
    compression_level,
)
from sinefit.signals.audio_stream import read_stream
from sinefit.signals.decoder_messages import damage_notice, decoder_messages
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.signal import Signal, SignalSpec
from sinefit.signals.sound_ends import find_truncation
from sinefit.signals.storage import allocate_samples
from sinefit.signals.writer import check_room

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection
    from sinefit.signals.writer import Encoding

__all__ = ["AUDIO_FORMATS", "AudioWriter", "check_audio_writable", "read_audio"]

_ABOUT_ITSELF = ("Internal error", "internal error", "not a regular file")
"""What messages of libsndfile have in them that speak of itself and not of the file."""

_MAY_HOLD_MPEG = ("mp3", "wav")

READ_BLOCK = 2**18
"""Samples, times the number of channels, that are decoded at once."""

WRITE_BLOCK = 2**13
"""Samples that are encoded at once; libvorbis takes room on the stack for all of them."""

MOST_SAMPLES_PER_BYTE = 2**13
"""Silence takes a byte for this many samples at best: in FLAC, 65535 of them take ten."""


def read_audio(
    source: Path,
    name: str,
    format: str,
    selection: Selection,
    limits: Limits = DEFAULT_LIMITS,
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
    if AUDIO_CAPABILITIES[format].demuxer is not None:
        return read_stream(source, name, format, selection, limits)
    truncation = find_truncation(source, format)
    if truncation is not None:
        raise InputError(f"{name} is cut short: {truncation}; get a complete copy")
    with decoder_messages(collect=format in _MAY_HOLD_MPEG) as printed:
        signal = _decode(source, name, format, selection, limits)
    return replace(signal, notices=(*signal.notices, *damage_notice(name, printed)))


def _decode(source: Path, name: str, format: str, selection: Selection, limits: Limits) -> Signal:
    try:
        with soundfile.SoundFile(_library_path(source), "r") as file:
            if file.format not in AUDIO_CAPABILITIES[format].library:
                raise InputError(f"{name} holds {file.format} sound, not {format}: name its format")
            _check_length(file, source, name)
            return _read_open_file(file, name, format, selection, limits)
    except soundfile.LibsndfileError as error:
        reason = _first_line(error)
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
        block_peak = float(np.max(np.abs(block)))
        if not np.isfinite(block_peak):
            raise InputError(
                f"{name} holds samples that are not finite (near {(first + done) / rate:.2f} s): "
                "repair the sound first"
            )
        peak = max(peak, block_peak)
        done += len(block)
    bit_depth = BIT_DEPTHS.get(file.subtype, 16)
    notices = []
    if file.subtype in ("PCM_32", "DOUBLE"):
        notices.append(f"{name}: samples are held as 32-bit floats, with 24 significant bits")
    limit = peak if peak > 0 else 1.0
    spec = SignalSpec(
        kind="audio",
        shape=(count,),
        channels=file.channels,
        dtype="float32",
        low=-limit,
        high=limit,
        format=format,
        bit_depth=bit_depth,
        rate=Fraction(rate),
        encoding=file.subtype,
    )
    return Signal(spec, samples, tuple(notices))


def _select(frames: int, rate: int, name: str, selection: Selection) -> tuple[int, int]:
    """Return the first sample to keep and the number of samples to keep."""
    # Bounded before it is rounded: any finite number of seconds may be asked for.
    first = round(min(selection.start * rate, frames + 1))
    if first and first >= frames:
        raise SettingError(
            f"`start` is {selection.start:g}: {name} is only {frames / rate:g} seconds long"
        )
    count = frames - first
    if selection.duration is not None:
        wanted = round(min(selection.duration * rate, frames + 1))
        if wanted == 0:
            raise SettingError(
                f"`duration` is {selection.duration:g}: "
                f"one sample of {name} takes {1 / rate:g} seconds"
            )
        count = min(count, wanted)
    return first, count


class AudioWriter:
    """Writes a sound in blocks of shape (count, channels); see SignalWriter for the protocol.

    The sample encoding is `encoding.subtype`, else the spec's own where the format has it, else
    the best for the spec's bit depth. Integer encodings round to nearest and clip at full scale;
    how many values were clipped is added to `notices` by `close`. `encoding.quality` is for OGG
    and MP3.
    """

    notices: tuple[str, ...]

    def __init__(self, path: Path, spec: SignalSpec, format: str, encoding: Encoding) -> None:
        check_audio_writable(spec, format)
        self._path = path
        self._spec = spec
        self._format = format
        self._subtype, self.notices = choose_subtype(spec, format, encoding)
        self._written = 0
        self._clipped = 0
        container, subtype = choose_container(spec, format, self._subtype)
        if container == "RF64":
            self.notices += ("the sound is larger than WAV can hold and is written as RF64",)
        level, level_notices = compression_level(format, encoding.quality)
        self.notices += level_notices
        assert spec.rate is not None
        try:
            self._file = soundfile.SoundFile(
                _library_path(path),
                "w",
                samplerate=int(spec.rate),
                channels=spec.channels,
                format=container,
                subtype=subtype,
                compression_level=level,
            )
        except soundfile.LibsndfileError as error:
            raise OutputError(
                f"{path} cannot be written as {format}: {_first_line(error)}"
            ) from None

    def write(self, block: NDArray[np.generic]) -> None:
        """Append samples of shape (count, channels), full scale being -1 to 1."""
        for begin in range(0, len(block), WRITE_BLOCK):
            piece = self._encode(block[begin : begin + WRITE_BLOCK])
            try:
                self._file.write(piece)
            except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
                self._fail(f"cannot be written: {_first_line(error)}")
            self._written += len(piece)

    def _encode(self, piece: NDArray[np.generic]) -> NDArray[np.generic]:
        """Turn full scale -1 to 1 into the integers of a PCM encoding, whose scale is exact."""
        if self._subtype == "DOUBLE":
            return np.ascontiguousarray(piece, np.float64)
        bits = {"ULAW": 16, "ALAW": 16}.get(self._subtype, 0)
        if self._subtype.startswith("PCM_"):
            bits = BIT_DEPTHS[self._subtype]
        if not bits:
            return np.ascontiguousarray(piece, np.float32)
        scale = 2 ** (bits - 1)
        # +1 is one step above the largest integer and counts as full scale, not as clipped.
        values = np.rint(piece.astype(np.float64) * scale)
        self._clipped += int(np.count_nonzero((values < -scale) | (values > scale)))
        integers = np.clip(values, -scale, scale - 1).astype(np.int64)
        # libsndfile keeps the upper bits of a wider integer.
        width = 16 if bits <= 16 else 32
        shifted: NDArray[np.generic] = integers << (width - bits)
        return shifted.astype(f"int{width}")

    def close(self) -> None:
        """Finish the file and read it back; raises OutputError when it is not what was written."""
        try:
            self._file.close()
        except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
            self._fail(f"cannot be written: {_first_line(error)}")
        expected = (self._spec.shape[0], self._spec.channels, self._spec.rate)
        if self._written != expected[0]:
            raise OutputError(
                f"{self._path} was given {self._written} of {expected[0]} samples: write them all"
            )
        try:
            information = soundfile.info(_library_path(self._path))
        except soundfile.LibsndfileError as error:
            self._fail(f"cannot be read back: {_first_line(error)}")
        found = (information.frames, information.channels, Fraction(information.samplerate))
        if found != expected:
            self._fail(
                f"holds {found[0]} samples of {found[1]} channels at {found[2]} Hz instead of "
                f"{expected[0]}, {expected[1]} and {expected[2]}"
            )
        if self._clipped:
            clipped = f"{self._clipped} values beyond full scale were clipped"
            self.notices += (f"{clipped}; a float encoding of WAV or AIFF would keep them",)

    def _fail(self, what: str) -> NoReturn:
        check_room(self._path)
        raise OutputError(f"{self._path} {what}; check the disk or try `format` wav")

    def abort(self) -> None:
        """Give up; the file is left unfinished for the caller to remove."""
        self._file.close()


def _library_path(path: Path) -> bytes | str:
    """Return a path as libsndfile takes it, also where its name is not valid text."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def _first_line(error: BaseException) -> str:
    """Return what libsndfile has to say about an error, in one line without a full stop."""
    text = getattr(error, "error_string", None) or str(error)
    lines = str(text).strip().splitlines()
    return lines[0].rstrip(".") if lines else "unknown error"
