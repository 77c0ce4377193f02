"""The sound formats, how each is read, and what it can hold."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sinefit.errors import OutputError, SettingError
from sinefit.signals.table import Format, check_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.writer import Encoding


@dataclass(frozen=True)
class AudioFormat(Format):
    """How a sound format is read, and what it can hold where it is written."""

    name: str
    """The format as people write it."""
    library: tuple[str, ...] = ()
    """libsndfile's names of it, the one to write first; none for a format read through ffmpeg."""
    demuxer: str | None = None
    """ffmpeg's demuxer of a format that libsndfile does not read."""
    subtypes: tuple[str, ...] = ()
    """libsndfile's names of the sample encodings that are written; none for one only read."""
    most_channels: int = 1024
    highest_rate: int = 2**31 - 1
    """Samples per second."""
    rates: tuple[int, ...] = ()
    """The only samples per second there are, where they are few."""
    counts_32_bits: bool = False
    """Whether the file counts its bytes in 32 bits."""
    empty: bool = True
    """Whether a sound may have no samples."""


_PCM = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

AUDIO_FORMATS: Mapping[str, AudioFormat] = {
    "wav": AudioFormat(
        (".wav", ".wave"),
        "WAV",
        ("WAV", "WAVEX", "RF64"),
        subtypes=("PCM_U8", *_PCM),
        signature=rb"(?:RIF[FX]|RF64|BW64).{4}WAVE",
    ),
    "flac": AudioFormat(
        (".flac",),
        "FLAC",
        ("FLAC",),
        subtypes=("PCM_S8", "PCM_16", "PCM_24"),
        most_channels=8,
        highest_rate=655350,
        empty=False,
        signature=rb"fLaC",
    ),
    "ogg": AudioFormat(
        (".ogg", ".oga", ".opus"),
        "OGG",
        ("OGG",),
        subtypes=("VORBIS", "OPUS"),
        most_channels=255,
        highest_rate=200000,
        lossy=True,
    ),
    "mp3": AudioFormat(
        (".mp3",),
        "MP3",
        ("MP3",),
        subtypes=("MPEG_LAYER_III",),
        most_channels=2,
        rates=_MP3_RATES,
        empty=False,
        lossy=True,
    ),
    "aiff": AudioFormat(
        (".aiff", ".aif", ".aifc"),
        "AIFF",
        ("AIFF",),
        subtypes=("PCM_S8", *_PCM),
        counts_32_bits=True,
        signature=rb"FORM.{4}AIF[FC]",
    ),
    "au": AudioFormat(
        (".au", ".snd"),
        "AU",
        ("AU",),
        subtypes=("PCM_S8", *_PCM),
        counts_32_bits=True,
        signature=rb"\.snd\0\0",
    ),
    "caf": AudioFormat(
        (".caf",), "CAF", ("CAF",), subtypes=("PCM_S8", *_PCM), signature=rb"caff\0\x01"
    ),
    "w64": AudioFormat(
        (".w64",),
        "W64",
        ("W64",),
        subtypes=("PCM_U8", *_PCM),
        signature=rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0",
    ),
    "m4a": AudioFormat((".m4a", ".m4b"), "M4A", demuxer="mov", written=False),
    "aac": AudioFormat((".aac",), "AAC", demuxer="aac", written=False),
    "mp4": AudioFormat((".mp4", ".m4v"), "MP4", demuxer="mov", written=False),
    "mov": AudioFormat((".mov", ".qt"), "MOV", demuxer="mov", written=False),
    "mkv": AudioFormat((".mkv", ".mka"), "MKV", demuxer="matroska", written=False),
    "webm": AudioFormat((".webm", ".weba"), "WebM", demuxer="matroska", written=False),
    "avi": AudioFormat((".avi",), "AVI", demuxer="avi", written=False),
    "ts": AudioFormat((".ts", ".mts", ".m2ts"), "MPEG-TS", demuxer="mpegts", written=False),
}
"""How each format is read and what it can hold, by the format's name.

In those that hold video too, it is the first sound track that is meant.
"""

BIT_DEPTHS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "FLOAT": 32,
    "DOUBLE": 64,
    "ULAW": 8,
    "ALAW": 8,
}
"""Bits per stored sample of the encodings that have a fixed number of them."""

_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)

# Where bytes are counted in 32 bits, some room is left for the other chunks.
_LARGEST_CHUNK = 2**32 - 2**16
_BYTES_PER_VALUE = {"DOUBLE": 8, "FLOAT": 4, "PCM_32": 4, "PCM_24": 3, "PCM_16": 2}

DEFAULT_QUALITY = 80
"""Quality of OGG and MP3 when none is asked for."""


def _refusal(spec: SignalSpec, format: str) -> str | None:
    """Return why `format` cannot hold the sound, None when it can."""
    assert spec.rate is not None
    capability = AUDIO_FORMATS[format]
    name = capability.name
    if not capability.written:
        return f"{name} sounds are read, not written"
    if spec.channels > capability.most_channels:
        return f"{name} holds at most {capability.most_channels} channels, not {spec.channels}"
    if capability.rates and spec.rate not in capability.rates:
        return f"{name} has no sample rate of {float(spec.rate):g} Hz"
    if spec.rate > capability.highest_rate:
        return f"{name} holds at most {capability.highest_rate} Hz, not {float(spec.rate):g}"
    if spec.shape[0] == 0 and not capability.empty:
        return f"{name} cannot hold a sound without samples"
    # The narrowest encoding that the format offers decides; `choose_container` knows the real one.
    if capability.counts_32_bits and spec.shape[0] * spec.channels > _LARGEST_CHUNK:
        return f"{name} holds at most 4 GiB of samples"
    return None


def check_audio_writable(spec: SignalSpec, format: str) -> None:
    """Check that `format`, a name in AUDIO_FORMATS, can hold a sound of this spec.

    Raises OutputError that says what the format cannot hold and names formats that can.
    """
    name = AUDIO_FORMATS[format].name
    if spec.kind != "audio" or spec.rate is None:
        raise OutputError(f"{name} holds sounds, not a signal of kind {spec.kind}")
    if spec.rate.denominator != 1 or spec.rate < 1:
        raise OutputError(
            f"{name} needs a whole number of samples per second, not "
            f"{float(spec.rate):g}: choose `rate` {max(1, round(spec.rate))}"
        )
    check_refusal(partial(_refusal, spec), format, AUDIO_FORMATS, "write it in parts")


def choose_subtype(
    spec: SignalSpec, format: str, encoding: Encoding
) -> tuple[str, tuple[str, ...]]:
    """Return the libsndfile subtype to write and the notices about what it cannot keep.

    Raises SettingError when `encoding.subtype` is none of the format's, and OutputError when the
    sample rate is none of that encoding's.
    """
    offered = AUDIO_FORMATS[format].subtypes
    if encoding.subtype is not None:
        subtype = encoding.subtype.upper()
        if subtype not in offered:
            raise SettingError(
                f"the encoding {encoding.subtype} is not one of {AUDIO_FORMATS[format].name}: "
                f"choose {', '.join(offered)}"
            )
        if subtype == "OPUS" and not (spec.rate in _OPUS_RATES and spec.shape[0] > 0):
            raise OutputError(
                f"Opus holds {', '.join(map(str, _OPUS_RATES))} Hz and at least one sample: "
                "choose VORBIS"
            )
        return subtype, ()
    return _follow_spec(spec, format)


def _follow_spec(spec: SignalSpec, format: str) -> tuple[str, tuple[str, ...]]:
    """Return the subtype nearest to the spec's own, and notices."""
    offered = AUDIO_FORMATS[format].subtypes
    opus_fits = spec.rate in _OPUS_RATES and spec.shape[0] > 0
    if spec.encoding in offered and (spec.encoding != "OPUS" or opus_fits):
        return spec.encoding, ()
    if AUDIO_FORMATS[format].lossy:
        return offered[0], ()
    if spec.encoding in ("FLOAT", "DOUBLE") or spec.bit_depth > 32:
        wanted = "DOUBLE" if spec.bit_depth > 32 else "FLOAT"
    else:
        depth = next(depth for depth in (8, 16, 24, 32) if spec.bit_depth <= depth)
        # The companding laws spread 13 or 14 bits over their 8.
        depth = 16 if spec.encoding in ("ULAW", "ALAW") else depth
        wanted = f"PCM_{depth}"
        if depth == 8:
            wanted = "PCM_U8" if "PCM_U8" in offered else "PCM_S8"
    if wanted in offered:
        return wanted, ()
    return "PCM_24", (f"{AUDIO_FORMATS[format].name} holds at most 24 bits per sample",)


def choose_container(spec: SignalSpec, format: str, subtype: str) -> tuple[str, str]:
    """Return the libsndfile names of the container and the subtype to write.

    A WAV file that would pass 4 GiB becomes RF64, its extension for large files. Raises OutputError
    for a file of another format that would and cannot.
    """
    size = spec.shape[0] * spec.channels * _BYTES_PER_VALUE.get(subtype, 1)
    if size > _LARGEST_CHUNK and format == "wav":
        return "RF64", subtype
    capability = AUDIO_FORMATS[format]
    if size > _LARGEST_CHUNK and capability.counts_32_bits:
        raise OutputError(f"{capability.name} holds at most 4 GiB of samples: use wav or flac")
    return capability.library[0], subtype


def compression_level(format: str, quality: int | None) -> tuple[float | None, tuple[str, ...]]:
    """Return libsndfile's compression level, 0 to 1, for a quality of 0 to 100, and notices.

    None stands for the format's only choice: a lossless format has no quality.
    """
    if not AUDIO_FORMATS[format].lossy:
        notice = f"{AUDIO_FORMATS[format].name} is lossless: `quality` does not apply"
        return None, (notice,) if quality is not None else ()
    chosen = DEFAULT_QUALITY if quality is None else quality
    # LAME refuses a level of exactly 1.
    return min(1 - chosen / 100, 0.999), ()


def library_path(path: Path) -> bytes | str:
    """Return a path as libsndfile takes it, also where its name is not valid text."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def first_line(error: BaseException) -> str:
    """Return what libsndfile has to say about an error, in one line without a full stop."""
    text = getattr(error, "error_string", None) or str(error)
    lines = str(text).strip().splitlines()
    return lines[0].rstrip(".") if lines else "unknown error"
