"""What each sound format can hold, and whether a sound file is complete."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from sinefit.errors import OutputError, SettingError

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.writer import Encoding

AUDIO_FORMATS: dict[str, tuple[str, ...]] = {
    "wav": (".wav", ".wave"),
    "flac": (".flac",),
    "ogg": (".ogg", ".oga", ".opus"),
    "mp3": (".mp3",),
    "aiff": (".aiff", ".aif", ".aifc"),
}
"""Sound formats and their file name extensions, the usual one first."""

LIBRARY_FORMATS = {
    "wav": ("WAV", "WAVEX", "RF64"),
    "flac": ("FLAC",),
    "ogg": ("OGG",),
    "mp3": ("MP3",),
    "aiff": ("AIFF",),
}
"""What libsndfile calls each format."""

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

_SUBTYPES = {
    "wav": ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"),
    "flac": ("PCM_S8", "PCM_16", "PCM_24"),
    "ogg": ("VORBIS", "OPUS"),
    "mp3": ("MPEG_LAYER_III",),
    "aiff": ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"),
}

_MOST_CHANNELS = {"wav": 1024, "flac": 8, "ogg": 255, "mp3": 2, "aiff": 1024}
_HIGHEST_RATE = {"wav": 2**31 - 1, "flac": 655350, "ogg": 200000, "mp3": 48000, "aiff": 2**31 - 1}
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_NAMES = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3", "aiff": "AIFF"}

_CHUNKED = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")
_MOST_CHUNKS = 2**16

# A RIFF or AIFF file counts its bytes in 32 bits; some room is left for the other chunks.
_LARGEST_CHUNK = 2**32 - 2**16
_BYTES_PER_VALUE = {"DOUBLE": 8, "FLOAT": 4, "PCM_32": 4, "PCM_24": 3, "PCM_16": 2}

DEFAULT_QUALITY = 80
"""Quality of OGG and MP3 when none is asked for."""


def _refusal(spec: SignalSpec, format: str) -> str | None:
    """Return why `format` cannot hold the sound, None when it can."""
    assert spec.rate is not None
    name = _NAMES[format]
    if spec.channels > _MOST_CHANNELS[format]:
        return f"{name} holds at most {_MOST_CHANNELS[format]} channels, not {spec.channels}"
    if format == "mp3" and spec.rate not in _MP3_RATES:
        return f"MP3 has no sample rate of {float(spec.rate):g} Hz"
    if spec.rate > _HIGHEST_RATE[format]:
        return f"{name} holds at most {_HIGHEST_RATE[format]} Hz, not {float(spec.rate):g}"
    if spec.shape[0] == 0 and format in ("flac", "mp3"):
        return f"{name} cannot hold a sound without samples"
    # The narrowest encoding that the format offers decides; `choose_container` knows the real one.
    if format == "aiff" and spec.shape[0] * spec.channels > _LARGEST_CHUNK:
        return "AIFF holds at most 4 GiB of samples"
    return None


def check_audio_writable(spec: SignalSpec, format: str) -> None:
    """Check that `format`, a name in AUDIO_FORMATS, can hold a sound of this spec.

    Raises OutputError that says what the format cannot hold and names formats that can.
    """
    if spec.kind != "audio" or spec.rate is None:
        raise OutputError(f"{_NAMES[format]} holds sounds, not a signal of kind {spec.kind}")
    if spec.rate.denominator != 1 or spec.rate < 1:
        raise OutputError(
            f"{_NAMES[format]} needs a whole number of samples per second, not "
            f"{float(spec.rate):g}: choose `rate` {max(1, round(spec.rate))}"
        )
    refusal = _refusal(spec, format)
    if refusal is not None:
        able = [name for name in AUDIO_FORMATS if _refusal(spec, name) is None]
        cure = f"use {' or '.join(able)}" if able else "write it in parts"
        raise OutputError(f"{refusal}: {cure}")


def choose_subtype(
    spec: SignalSpec,
    format: str,
    encoding: Encoding,
) -> tuple[str, tuple[str, ...]]:
    """Return the libsndfile subtype to write and the notices about what it cannot keep.

    Raises SettingError when `encoding.subtype` is none of the format's, and OutputError when the
    sample rate is none of that encoding's.
    """
    offered = _SUBTYPES[format]
    if encoding.subtype is not None:
        subtype = encoding.subtype.upper()
        if subtype not in offered:
            raise SettingError(
                f"the encoding {encoding.subtype} is not one of {_NAMES[format]}: "
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
    offered = _SUBTYPES[format]
    opus_fits = spec.rate in _OPUS_RATES and spec.shape[0] > 0
    if spec.encoding in offered and (spec.encoding != "OPUS" or opus_fits):
        return spec.encoding, ()
    if format in ("ogg", "mp3"):
        return offered[0], ()
    if spec.encoding in ("FLOAT", "DOUBLE") or spec.bit_depth > 32:
        wanted = "DOUBLE" if spec.bit_depth > 32 else "FLOAT"
    else:
        depth = next(depth for depth in (8, 16, 24, 32) if spec.bit_depth <= depth)
        # The companding laws spread 13 or 14 bits over their 8.
        depth = 16 if spec.encoding in ("ULAW", "ALAW") else depth
        wanted = f"PCM_{depth}"
        if depth == 8:
            wanted = "PCM_U8" if format == "wav" else "PCM_S8"
    if wanted in offered:
        return wanted, ()
    return "PCM_24", (f"{_NAMES[format]} holds at most 24 bits per sample",)


def choose_container(spec: SignalSpec, format: str, subtype: str) -> tuple[str, str]:
    """Return the libsndfile names of the container and the subtype to write.

    A WAV file that would pass 4 GiB becomes RF64, its extension for large files. Raises OutputError
    for an AIFF file that would.
    """
    size = spec.shape[0] * spec.channels * _BYTES_PER_VALUE.get(subtype, 1)
    if size > _LARGEST_CHUNK and format == "wav":
        return "RF64", subtype
    if size > _LARGEST_CHUNK and format == "aiff":
        raise OutputError("AIFF holds at most 4 GiB of samples: use wav or flac")
    return _NAMES[format], subtype


def compression_level(
    format: str,
    quality: int | None,
) -> tuple[float | None, tuple[str, ...]]:
    """Return libsndfile's compression level, 0 to 1, for a quality of 0 to 100, and notices.

    None stands for the format's only choice: a lossless format has no quality.
    """
    if format not in ("ogg", "mp3"):
        notice = f"{_NAMES[format]} is lossless: `quality` does not apply"
        return None, (notice,) if quality is not None else ()
    chosen = DEFAULT_QUALITY if quality is None else quality
    # LAME refuses a level of exactly 1.
    return min(1 - chosen / 100, 0.999), ()


def find_truncation(source: Path, format: str) -> str | None:
    """Return in what way a WAV, AIFF or OGG file ends before its headers say, None if it does not.

    libsndfile loads what is left of such files without a word. Other formats show the lack when
    they are decoded.
    """
    with source.open("rb") as file:
        if format in ("wav", "aiff"):
            return _find_short_chunk(file)
        if format == "ogg":
            return _find_missing_last_page(file)
    return None


def _find_short_chunk(file: BinaryIO) -> str | None:
    """Walk the chunks of a RIFF, RF64 or AIFF file up to its samples."""
    size = file.seek(0, 2)
    file.seek(0)
    header = file.read(12)
    if header and header[:4] not in _CHUNKED:
        return None  # another kind of file: the decoder says so
    order = ">" if header[:4] in (b"FORM", b"RIFX") else "<"
    long_length = None
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return "it holds no samples" if size else "it is empty"
        name, length = head[:4], struct.unpack(order + "I", head[4:])[0]
        begin = file.tell()
        if name == b"ds64" and len(sizes := file.read(16)) == 16:
            long_length = struct.unpack("<8xQ", sizes)[0]
        if name in (b"data", b"SSND"):
            if length == 2**32 - 1 and long_length is not None:
                length = long_length
            missing = begin + length - size
            # Programs that write to a pipe leave one of these lengths, for lack of the real one.
            if length == 2**32 - 1 or 2**31 - 2**12 <= length < 2**31:
                return None
            return f"{missing} of {length} bytes of samples are missing" if missing > 0 else None
        file.seek(begin + length + length % 2)
    return None  # the decoder may make sense of it


def _find_missing_last_page(file: BinaryIO) -> str | None:
    """Look for the mark of a stream's end in the last page of an Ogg file."""
    size = file.seek(0, 2)
    # A page is at most 65307 bytes long.
    file.seek(max(0, size - 2**17))
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 and size:
        return None  # another kind of file: the decoder says so
    if page < 0 or page + 27 > len(tail):
        return "its last page is missing"
    segments = tail[page + 26]
    table = tail[page + 27 : page + 27 + segments]
    if len(table) < segments or page + 27 + segments + sum(table) > len(tail):
        return "its last page is incomplete"
    return None if tail[page + 5] & 4 else "the page that ends it is missing"
