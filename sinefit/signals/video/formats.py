"""What each video format can hold, and the ffmpeg arguments that write it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from sinefit.errors import OutputError
from sinefit.signals.table import Format, check_refusal
from sinefit.signals.video.animation_frames import is_animated, is_animated_gif

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec


@dataclass(frozen=True)
class VideoFormat(Format):
    """How a video format is read, and what it can hold where it is written."""

    name: str
    """The format as people write it."""
    demuxer: str | None = None
    """ffmpeg's demuxer of it; none for an animated picture, which Pillow decodes."""
    muxer: str | None = None
    """ffmpeg's muxer of it; none for an animated picture, and for a format that is only read."""
    is_animated: Callable[[BinaryIO], bool] | None = None
    """What tells a file with several frames from a still picture; none where all are videos."""
    longest_side: int = 16384
    """Largest width and height, in pixels."""
    highest_rate: int = 1000
    """Most frames per second."""
    sound_codecs: tuple[str, ...] | None = None
    """ffmpeg's names of the sound codecs that are copied; None for all of them."""
    sound_encoder: str | None = None
    """What encodes other sound anew; with no codec to copy either, the format holds no sound."""

    @property
    def silent(self) -> bool:
        """Whether it holds no sound."""
        return self.sound_codecs == ()


_MOV_SOUND = ("aac", "mp3", "ac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be")

VIDEO_FORMATS: Mapping[str, VideoFormat] = {
    "mp4": VideoFormat(
        (".mp4", ".m4v"),
        "MP4",
        "mov",
        "mp4",
        highest_rate=10000,
        sound_codecs=("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"),
        sound_encoder="aac",
        lossy=True,
    ),
    "mov": VideoFormat(
        (".mov", ".qt"),
        "MOV",
        "mov",
        "mov",
        highest_rate=10000,
        sound_codecs=_MOV_SOUND,
        sound_encoder="aac",
        lossy=True,
    ),
    "mkv": VideoFormat((".mkv",), "MKV", "matroska", "matroska", lossy=True),
    "webm": VideoFormat(
        (".webm",),
        "WebM",
        "matroska",
        "webm",
        sound_codecs=("opus", "vorbis"),
        sound_encoder="libopus",
        lossy=True,
    ),
    # Browsers show GIF frames of less than two hundredths of a second for ten.
    "gif": VideoFormat(
        (".gif",),
        "GIF",
        "gif",
        "gif",
        is_animated_gif,
        longest_side=65535,
        highest_rate=50,
        sound_codecs=(),
    ),
    "webp": VideoFormat(
        (".webp",),
        "WebP",
        is_animated=partial(is_animated, format="webp"),
        longest_side=16383,
        sound_codecs=(),
        lossy=True,
    ),
    "png": VideoFormat(
        (".png", ".apng"),
        "APNG",
        is_animated=partial(is_animated, format="png"),
        longest_side=2**24,
        sound_codecs=(),
    ),
    "avi": VideoFormat((".avi",), "AVI", "avi", signature=rb"RIFF.{4}AVI ", written=False),
    "ts": VideoFormat((".ts", ".mts", ".m2ts"), "MPEG-TS", "mpegts", written=False),
}
"""How each format is read and what it can hold, by the format's name."""

DEFAULT_QUALITY = 70
"""Quality of lossy formats when none is asked for: crf 16 of H.264, crf 21 of VP9."""


def _refusal(spec: SignalSpec, format: str) -> str | None:
    """Return why `format` cannot hold the video, None when it can."""
    assert spec.rate is not None
    _, height, width = spec.shape
    capability = VIDEO_FORMATS[format]
    name, side, rate = capability.name, capability.longest_side, capability.highest_rate
    if not capability.written:
        return f"{name} videos are read, not written"
    if max(height, width) > side:
        return f"{name} holds at most {side} pixels a side, not {width}x{height}"
    if spec.rate > rate:
        return f"{name} shows at most {rate} frames per second, not {float(spec.rate):g}"
    return None


def check_video_writable(spec: SignalSpec, format: str) -> None:
    """Check that `format`, a name in VIDEO_FORMATS, can hold a video of this spec.

    Raises OutputError that says what the format cannot hold and names formats that can.
    """
    name = VIDEO_FORMATS[format].name
    if spec.kind != "video" or spec.rate is None or len(spec.shape) != 3:
        raise OutputError(f"{name} holds videos, not a signal of kind {spec.kind}")
    if spec.channels != 3 or spec.dtype != "uint8":
        raise OutputError(
            f"{name} is written from 3 channels of uint8, not {spec.channels} "
            f"of {spec.dtype}: write an array instead"
        )
    if min(spec.shape) < 1 or spec.rate <= 0:
        frames, height, width = spec.shape
        raise OutputError(
            f"{name} cannot hold {frames} frames of {width}x{height} at "
            f"{float(spec.rate):g} frames per second: each must be more than 0"
        )
    cure = "render it smaller or write an array"
    check_refusal(partial(_refusal, spec), format, VIDEO_FORMATS, cure)


def check_frames(path: Path, spec: SignalSpec, block: NDArray[np.generic]) -> None:
    """Raise OutputError unless a block to be written to `path` holds frames of this spec."""
    expected = (*spec.shape[1:], 3)
    if block.shape[1:] != expected or block.dtype != "uint8":
        raise OutputError(
            f"{path} takes frames of {expected} uint8, not {block.shape[1:]} {block.dtype}"
        )


def check_all_given(path: Path, spec: SignalSpec, written: int) -> None:
    """Raise OutputError when fewer frames were written to `path` than the spec has."""
    if written != spec.shape[0]:
        raise OutputError(f"{path} was given {written} of {spec.shape[0]} frames: write them all")


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


def webp_options(quality: int | None) -> dict[str, object]:
    """Return Pillow's options for a frame of WebP: without loss unless a quality is asked for."""
    return {"lossless": True} if quality is None else {"quality": quality}


def even_sized(spec: SignalSpec) -> bool:
    """Whether width and height are even, as halved chroma of H.264 needs."""
    return spec.shape[1] % 2 == 0 and spec.shape[2] % 2 == 0


def sound_arguments(codecs: tuple[str, ...], format: str) -> tuple[list[str], list[str]]:
    """Return the ffmpeg arguments for sound streams of these codecs, and notices.

    Streams are copied unchanged where the format holds their codec, else encoded anew.
    """
    arguments: list[str] = []
    notices: list[str] = []
    capability = VIDEO_FORMATS[format]
    for index, codec in enumerate(codecs):
        encoder = capability.sound_encoder
        if encoder is None or capability.sound_codecs is None or codec in capability.sound_codecs:
            arguments += [f"-c:a:{index}", "copy"]
            continue
        arguments += [f"-c:a:{index}", encoder, f"-b:a:{index}", "192k"]
        to = encoder.removeprefix("lib")
        notices.append(f"{capability.name} cannot hold {codec} sound: it is encoded anew as {to}")
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
    elif format == "webp":
        if Fraction(1000, 1) / spec.rate % 1 != 0:
            notices.append(
                f"WebP counts milliseconds: frames at {float(spec.rate):g} per second get delays "
                "that are rounded"
            )
    elif format == "png":
        notices.append("PNG: the video is written as an animated picture")
        if quality is not None:
            notices.append("PNG is lossless: `quality` does not apply")
    elif format != "webm" and not even_sized(spec):
        notices.append(
            f"the odd size {spec.shape[2]}x{spec.shape[1]} is kept by full chroma resolution "
            "(yuv444p), which some players do not show; webm is wider spread for it"
        )
    return notices
