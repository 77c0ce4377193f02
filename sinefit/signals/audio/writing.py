"""Writing sounds through libsndfile, in blocks, without loss where the format allows."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import soundfile

from sinefit.errors import OutputError
from sinefit.signals.audio.formats import (
    BIT_DEPTHS,
    check_audio_writable,
    choose_container,
    choose_subtype,
    compression_level,
    first_line,
    library_path,
)
from sinefit.signals.writer import check_room

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.writer import Encoding

WRITE_BLOCK = 2**13
"""Samples that are encoded at once; libvorbis takes room on the stack for all of them."""


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
                library_path(path),
                "w",
                samplerate=int(spec.rate),
                channels=spec.channels,
                format=container,
                subtype=subtype,
                compression_level=level,
            )
        except soundfile.LibsndfileError as error:
            raise OutputError(
                f"{path} cannot be written as {format}: {first_line(error)}"
            ) from None

    def write(self, block: NDArray[np.generic]) -> None:
        """Append samples of shape (count, channels), full scale being -1 to 1."""
        for begin in range(0, len(block), WRITE_BLOCK):
            piece = self._encode(block[begin : begin + WRITE_BLOCK])
            try:
                self._file.write(piece)
            except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
                self._fail(f"cannot be written: {first_line(error)}")
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
            self._fail(f"cannot be written: {first_line(error)}")
        expected = (self._spec.shape[0], self._spec.channels, self._spec.rate)
        if self._written != expected[0]:
            raise OutputError(
                f"{self._path} was given {self._written} of {expected[0]} samples: write them all"
            )
        try:
            information = soundfile.info(library_path(self._path))
        except soundfile.LibsndfileError as error:
            self._fail(f"cannot be read back: {first_line(error)}")
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
