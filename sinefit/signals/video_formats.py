"""What each video format can hold, and the ffmpeg arguments that write it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from sinefit.errors import OutputError

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec

VIDEO_FORMATS: dict[str, tuple[str, ...]] = {
    "mp4": (".mp4", ".m4v"),
    "mov": (".mov", ".qt"),
    "mkv": (".mkv",),
    "webm": (".webm",),
    "gif": (".gif",),
}
"""Video formats and their file name extensions, the usual one first."""

MUXERS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm", "gif": "gif"}
"""The ffmpeg muxer of each video format."""

DEFAULT_QUALITY = 70
"""Quality of lossy formats when none is asked for: crf 16 of H.264, crf 21 of VP9."""

_NAMES = {"mp4": "MP4", "mov": "MOV", "mkv": "MKV", "webm": "WebM", "gif": "GIF"}
_LONGEST_SIDE = {"mp4": 16384, "mov": 16384, "mkv": 16384, "webm": 16384, "gif": 65535}
# Browsers show GIF frames of less than two hundredths of a second for ten.
_HIGHEST_RATE = {"mp4": 10000, "mov": 10000, "mkv": 1000, "webm": 1000, "gif": 50}
_SOUND_CODECS = {
    "mp4": ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"),
    "mov": ("aac", "mp3", "ac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"),
    "webm": ("opus", "vorbis"),
}
_SOUND_ENCODERS = {"mp4": "aac", "mov": "aac", "webm": "libopus"}


def _refusal(spec: SignalSpec, format: str) -> str | None:
    """Return why `format` cannot hold the video, None when it can."""
    assert spec.rate is not None
    _, height, width = spec.shape
    side = _LONGEST_SIDE[format]
    if max(height, width) > side:
        return f"{_NAMES[format]} holds at most {side} pixels a side, not {width}x{height}"
    if spec.rate > _HIGHEST_RATE[format]:
        rate = _HIGHEST_RATE[format]
        return f"{_NAMES[format]} shows at most {rate} frames per second, not {float(spec.rate):g}"
    return None


def check_video_writable(spec: SignalSpec, format: str) -> None:
    """Check that `format`, a name in VIDEO_FORMATS, can hold a video of this spec.

    Raises OutputError that says what the format cannot hold and names formats that can.
    """
    if spec.kind != "video" or spec.rate is None or len(spec.shape) != 3:
        raise OutputError(f"{_NAMES[format]} holds videos, not a signal of kind {spec.kind}")
    if spec.channels != 3 or spec.dtype != "uint8":
        raise OutputError(
            f"{_NAMES[format]} is written from 3 channels of uint8, not {spec.channels} "
            f"of {spec.dtype}: write an array instead"
        )
    if min(spec.shape) < 1 or spec.rate <= 0:
        frames, height, width = spec.shape
        raise OutputError(
            f"{_NAMES[format]} cannot hold {frames} frames of {width}x{height} at "
            f"{float(spec.rate):g} frames per second: each must be more than 0"
        )
    refusal = _refusal(spec, format)
    if refusal is not None:
        able = [name for name in VIDEO_FORMATS if _refusal(spec, name) is None]
        cure = f"use {' or '.join(able)}" if able else "render it smaller or write an array"
        raise OutputError(f"{refusal}: {cure}")


def crf(format: str, quality: int | None) -> int:
    """Return the constant rate factor for a quality of 0 to 100.

    51 to 1 for H.264, whose 0 is another, rarely playable profile; 63 to 3 for VP9.
    """
    chosen = DEFAULT_QUALITY if quality is None else quality
    return round(63 - 0.6 * chosen) if format == "webm" else round(51 - 0.5 * chosen)


def picture_arguments(spec: SignalSpec, format: str, quality: int | None) -> list[str]:
    """Return the ffmpeg arguments that encode RGB frames of this spec without changing their size.

    The colour matrix is BT.709 whatever the size, and stated in the file.
    """
    if format == "gif":
        # A palette for each frame: one for all would need the whole video in memory.
        graph = (
            "split[pictures][copies];[copies]palettegen=stats_mode=single:reserve_transparent=0"
            "[palettes];[pictures][palettes]paletteuse=new=1"
        )
        assert spec.rate is not None
        return ["-vf", graph, "-c:v", "gif", "-final_delay", str(max(2, round(100 / spec.rate)))]
    pixels = "yuv420p" if format == "webm" or even_sized(spec) else "yuv444p"
    filters = (
        "scale=out_color_matrix=bt709:out_range=limited:flags=bicubic+accurate_rnd+full_chroma_inp,"
        f"format={pixels},"
        "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=limited"
    )
    rate_factor = str(crf(format, quality))
    if format == "webm":
        speed = ("-deadline", "good", "-cpu-used", "4", "-row-mt", "1")
        return ["-vf", filters, "-c:v", "libvpx-vp9", "-b:v", "0", "-crf", rate_factor, *speed]
    arguments = ["-vf", filters, "-c:v", "libx264", "-preset", "medium", "-crf", rate_factor]
    return arguments if format == "mkv" else [*arguments, "-movflags", "+faststart"]


def even_sized(spec: SignalSpec) -> bool:
    """Whether width and height are even, as halved chroma of H.264 needs."""
    return spec.shape[1] % 2 == 0 and spec.shape[2] % 2 == 0


def sound_arguments(codecs: tuple[str, ...], format: str) -> tuple[list[str], list[str]]:
    """Return the ffmpeg arguments for sound streams of these codecs, and notices.

    Streams are copied unchanged where the format holds their codec, else encoded anew.
    """
    arguments: list[str] = []
    notices: list[str] = []
    for index, codec in enumerate(codecs):
        if format == "mkv" or codec in _SOUND_CODECS[format]:
            arguments += [f"-c:a:{index}", "copy"]
            continue
        encoder = _SOUND_ENCODERS[format]
        arguments += [f"-c:a:{index}", encoder, f"-b:a:{index}", "192k"]
        to = encoder.removeprefix("lib")
        notices.append(f"{_NAMES[format]} cannot hold {codec} sound: it is encoded anew as {to}")
    return arguments, notices


def picture_notices(spec: SignalSpec, format: str, quality: int | None) -> list[str]:
    """Say what a format changes about the picture or its timing."""
    assert spec.rate is not None
    notices = []
    if format == "gif":
        notices.append("GIF holds 256 colours per frame: colours are dithered")
        if Fraction(100, 1) / spec.rate % 1 != 0:
            notices.append(
                f"GIF counts hundredths of a second: frames at {float(spec.rate):g} per second "
                "get delays that are rounded"
            )
        if quality is not None:
            notices.append("GIF has no quality to choose: `quality` does not apply")
    elif format != "webm" and not even_sized(spec):
        notices.append(
            f"the odd size {spec.shape[2]}x{spec.shape[1]} is kept by full chroma resolution "
            "(yuv444p), which some players do not show; webm is wider spread for it"
        )
    return notices
