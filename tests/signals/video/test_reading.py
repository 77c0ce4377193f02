from __future__ import annotations

import dataclasses
import subprocess
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.signals.formats import WRITTEN
from sinefit.signals.selection import Selection
from sinefit.signals.signal import SignalSpec
from sinefit.signals.video.formats import check_video_writable
from sinefit.signals.video.probe import read_frame_times
from sinefit.signals.video.reading import read_video
from sinefit.signals.video.writing import open_video_writer
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.signals.signal import Signal
    from sinefit.signals.video.frame_plan import FrameTimes
    from sinefit.signals.writer import SignalWriter

LOSSY = [name for name in WRITTEN["video"] if name not in ("gif", "webp", "png")]


def ffmpeg(*arguments: object) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostdin", "-v", "error"]
    return subprocess.run(
        [*command, *map(str, arguments)], check=True, capture_output=True, timeout=60
    ).stdout


def moving_picture(frames: int, height: int, width: int) -> np.ndarray:
    """Smooth waves that wander, so that halved chroma and strong compression do little harm."""
    time, y, x = np.meshgrid(np.arange(frames), np.arange(height), np.arange(width), indexing="ij")
    red = 127 + 90 * np.sin(x / 9 + time / 5)
    green = 127 + 90 * np.cos(y / 9 - time / 7)
    blue = 127 + 70 * np.sin((x + y) / 12)
    return np.stack([red, green, blue], -1).round().astype(np.uint8)


def spec_of(pixels: np.ndarray, rate: Fraction, format: str = "mp4", **more: Any) -> SignalSpec:
    return SignalSpec(
        kind="video",
        shape=pixels.shape[:3],
        channels=3,
        dtype="uint8",
        low=0.0,
        high=255.0,
        format=format,
        bit_depth=8,
        rate=rate,
        **more,
    )


def write(
    path: Path,
    pixels: np.ndarray,
    rate: Fraction,
    format: str,
    quality: int | None = None,
    **more: Any,
) -> SignalWriter:
    writer = open_video_writer(
        path, spec_of(pixels, rate, format, **more), format, Encoding(quality)
    )
    half = len(pixels) // 2
    writer.write(pixels[:half])
    writer.write(pixels[half:])
    writer.close()
    return writer


def read(path: Path, format: str, **selection: Any) -> Signal:
    return read_video(path, f"clip {path.name}", format, Selection(**selection))


def streamhash(path: Path, format: str) -> bytes:
    """A hash of all packets of each sound stream, independent of the container around them."""
    return ffmpeg("-f", format, "-i", path, "-map", "0:a", "-c", "copy", "-f", "streamhash", "-")


@pytest.fixture
def talking(tmp_path: Path) -> Path:
    """Two seconds of moving picture with AAC sound, in an MP4 file."""
    path = tmp_path / "talking.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=2"),
        *("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac", "-pix_fmt", "yuv420p", path),
    )
    return path


@pytest.mark.parametrize("format", WRITTEN["video"])
@pytest.mark.parametrize(
    ("shape", "rate"),
    [
        ((10, 48, 64), Fraction(25)),
        ((3, 17, 33), Fraction(20)),
        ((1, 1, 1), Fraction(25)),
        ((1, 16, 16), Fraction(10)),
        ((5, 6, 4), Fraction(1, 2)),
        ((4, 6, 4), Fraction(100, 7)),
    ],
)
def test_count_size_and_rate_are_exact(
    tmp_path: Path, format: str, shape: tuple[int, int, int], rate: Fraction
) -> None:
    # No extension: the format is what is asked for, not what the name says.
    path = tmp_path / "unnamed"
    write(path, moving_picture(*shape), rate, format)
    signal = read(path, format)
    assert signal.spec.shape == shape
    assert signal.spec.rate == rate
    assert (signal.spec.kind, signal.spec.channels, signal.spec.dtype) == ("video", 3, "uint8")
    assert (signal.spec.low, signal.spec.high, signal.spec.bit_depth) == (0, 255, 8)
    assert signal.spec.soundtrack is None
    assert signal.notices == ()


@pytest.mark.parametrize("format", LOSSY)
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(60)])
def test_rates_of_television_are_recovered(tmp_path: Path, format: str, rate: Fraction) -> None:
    path = tmp_path / "clip"
    write(path, moving_picture(7, 16, 16), rate, format)
    assert read(path, format).spec.rate == rate


@pytest.mark.parametrize("format", LOSSY)
@pytest.mark.parametrize("size", [(48, 64), (33, 17)])
def test_pixels_survive(tmp_path: Path, format: str, size: tuple[int, int]) -> None:
    pixels = moving_picture(8, *size)
    path = tmp_path / "clip"
    write(path, pixels, Fraction(25), format, quality=95)
    error = read(path, format).samples.astype(np.float64) - pixels
    # A picture this smooth leaves rounding to 8-bit luma and chroma, and halved chroma at most:
    # 40 dB is an error of 2.6 on average.
    assert np.sqrt(np.mean(error**2)) < 2.6


@pytest.mark.parametrize("format", WRITTEN["video"])
@pytest.mark.parametrize("size", [(16, 16), (720, 16)])
def test_colours_survive_whatever_the_size(
    tmp_path: Path, format: str, size: tuple[int, int]
) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]])
    pixels = np.repeat(np.repeat(colours[:, None, None], size[0], 1), size[1], 2).astype(np.uint8)
    path = tmp_path / "clip"
    write(path, pixels, Fraction(5), format, quality=90)
    error = read(path, format).samples.astype(int) - pixels
    # The wrong matrix moves pure colours by more than 20; codecs and rounding by a few.
    assert np.abs(error).max() <= 6


def test_gif_with_few_colours_keeps_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    # Each frame has a palette of its own: 200 random colours.
    palettes = rng.integers(0, 256, (6, 200, 3))
    pixels = np.stack([p[rng.integers(0, 200, (20, 30))] for p in palettes]).astype(np.uint8)
    path = tmp_path / "clip.gif"
    write(path, pixels, Fraction(10), "gif")
    # The palette is found in a perceptual colour space, whose rounding may cost one step.
    assert np.abs(read(path, "gif").samples.astype(int) - pixels).max() <= 1


def test_still_frames_are_all_kept(tmp_path: Path) -> None:
    pixels = np.repeat(moving_picture(1, 16, 16), 9, 0)
    for format in WRITTEN["video"]:
        write(tmp_path / "clip", pixels, Fraction(10), format)
        signal = read(tmp_path / "clip", format)
        assert (signal.spec.shape[0], signal.spec.rate) == (9, Fraction(10))


def test_higher_quality_gives_larger_files(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    for format in LOSSY:
        sizes = []
        for quality in (0, 50, 100):
            write(tmp_path / "clip", pixels, Fraction(25), format, quality)
            sizes.append((tmp_path / "clip").stat().st_size)
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[2]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for format in WRITTEN["video"]:
        for name in ("one", "two"):
            write(tmp_path / name, moving_picture(4, 16, 16), Fraction(25), format)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("format", ["mp4", "mov", "mkv"])
def test_sound_packets_are_unchanged(tmp_path: Path, talking: Path, format: str) -> None:
    signal = read(talking, "mp4")
    assert signal.spec.soundtrack is not None
    assert signal.spec.rate is not None
    path = tmp_path / "again"
    writer = write(
        path, signal.samples, signal.spec.rate, format, soundtrack=signal.spec.soundtrack
    )
    assert writer.notices == ()
    demuxer = "matroska" if format == "mkv" else "mov"
    assert streamhash(path, demuxer) == streamhash(talking, "mov")
    assert read(path, format).spec.shape == signal.spec.shape


def test_sound_that_webm_cannot_hold_is_encoded_anew(tmp_path: Path, talking: Path) -> None:
    soundtrack = read(talking, "mp4").spec.soundtrack
    path = tmp_path / "again"
    writer = write(path, moving_picture(50, 16, 16), Fraction(25), "webm", soundtrack=soundtrack)
    assert writer.notices == ("WebM cannot hold aac sound: it is encoded anew as opus",)
    again = read(path, "webm")
    assert again.spec.soundtrack is not None
    assert b"A_OPUS" in again.spec.soundtrack


def test_gif_leaves_the_sound_out(tmp_path: Path, talking: Path) -> None:
    soundtrack = read(talking, "mp4").spec.soundtrack
    writer = write(
        tmp_path / "a", moving_picture(3, 8, 8), Fraction(25), "gif", soundtrack=soundtrack
    )
    assert any("sound" in notice for notice in writer.notices)


def test_a_soundtrack_that_is_none_is_left_out(tmp_path: Path) -> None:
    pixels = moving_picture(3, 8, 8)
    writer = write(tmp_path / "a", pixels, Fraction(25), "mp4", soundtrack=b"not Matroska")
    assert any("left out" in notice for notice in writer.notices)


@pytest.mark.parametrize("format", ["mp4", "mkv", "webm"])
def test_start_and_duration_choose_frames(tmp_path: Path, format: str) -> None:
    path = tmp_path / "clip"
    write(path, moving_picture(40, 16, 16), Fraction(30000, 1001), format)
    whole = read(path, format).samples
    part = read(path, format, start=0.5, duration=0.4)
    first, count = round(0.5 * 30000 / 1001), round(0.4 * 30000 / 1001)
    assert np.array_equal(part.samples, whole[first : first + count])
    assert part.spec.rate == Fraction(30000, 1001)
    rest = read(path, format, start=1.0)
    assert np.array_equal(rest.samples, whole[30:])
    one = read(path, format, duration=0.001)
    assert np.array_equal(one.samples, whole[:1])


def test_sound_is_cut_with_the_clip(tmp_path: Path, talking: Path) -> None:
    signal = read(talking, "mp4", start=0.8, duration=0.5)
    assert signal.notices == ("clip talking.mp4: its sound is cut at whole packets",)
    file = tmp_path / "sound.mkv"
    assert signal.spec.soundtrack is not None
    file.write_bytes(signal.spec.soundtrack)
    samples = ffmpeg("-i", file, "-f", "s16le", "-ac", "1", "-ar", "44100", "-")
    # An AAC packet is 1024 samples; one more may start or end the cut.
    assert abs(len(samples) / 2 - 0.5 * 44100) <= 2 * 1024


def test_start_beyond_the_end_names_the_length(tmp_path: Path, talking: Path) -> None:
    with pytest.raises(SettingError, match=r"`start` is 2: clip talking.mp4 is only 2 seconds"):
        read(talking, "mp4", start=2)


def test_region_and_downsample(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    write(path, moving_picture(5, 20, 30), Fraction(25), "gif")
    whole = read(path, "gif").samples
    part = read(path, "gif", region=(3, 2, 11, 9), downsample=3).samples
    assert part.shape == (5, 3, 4, 3)
    block = whole[:, 2:5, 3:6].reshape(5, 9, 3).astype(np.float64)
    assert np.abs(part[:, 0, 0] - block.mean(1)).max() <= 0.5
    edge = whole[:, 8:11, 12:14].reshape(5, 6, 3).astype(np.float64)
    assert np.abs(part[:, 2, 3] - edge.mean(1)).max() <= 0.5
    with pytest.raises(SettingError, match="`region`"):
        read(path, "gif", region=(0, 0, 31, 1))


def test_more_frames_than_a_batch(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    write(path, moving_picture(11, 8, 8), Fraction(25), "mkv")
    many = read_video(path, "clip", "mkv", Selection(), batch_bytes=4 * 8 * 8 * 3)
    assert np.array_equal(read(path, "mkv").samples, many.samples)


def test_a_variable_rate_becomes_constant(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    # Frames 10 to 14 of 25 are dropped: the picture before them stays for 6 steps.
    choice = "select='not(between(n,10,14))'"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=32x24:rate=25:duration=1", "-vf", choice),
        *("-fps_mode", "vfr", "-c:v", "ffv1", path),
    )
    signal = read(path, "mkv")
    assert signal.spec.shape[0] == 25
    assert signal.spec.rate == 25
    assert all(np.array_equal(signal.samples[k], signal.samples[9]) for k in range(9, 15))
    assert not np.array_equal(signal.samples[15], signal.samples[14])
    assert len(signal.notices) == 1
    assert "variable frame rate becomes 25" in signal.notices[0]
    part = read(path, "mkv", start=0.48, duration=0.2)
    assert np.array_equal(part.samples, signal.samples[12:17])


@pytest.mark.parametrize("extra", [-20, -1, 1, 20])
def test_packets_that_are_not_frames_are_found_out(tmp_path: Path, extra: int) -> None:
    path = tmp_path / "clip"
    write(path, moving_picture(40, 128, 128), Fraction(25), "mkv")
    expected = read(path, "mkv")

    def listed(*arguments: Any, decode: bool, **options: Any) -> FrameTimes | None:
        """Packets in another number than frames, as fields or hidden frames give."""
        frames = read_frame_times(*arguments, decode=decode, **options)
        assert frames is not None
        if decode:
            return frames
        times = [k * 40 for k in range(len(frames.times) + extra)]
        return dataclasses.replace(frames, times=times)

    found = read_video(path, "clip clip", "mkv", Selection(), list_frames=listed)
    assert np.array_equal(found.samples, expected.samples)
    assert found.spec == expected.spec


def test_rotation_is_applied(tmp_path: Path) -> None:
    upright = tmp_path / "upright.mp4"
    turned = tmp_path / "turned.mp4"
    write(upright, moving_picture(2, 16, 32), Fraction(25), "mp4")
    ffmpeg("-display_rotation", "90", "-i", upright, "-c", "copy", turned)
    signal = read(turned, "mp4")
    assert signal.spec.shape == (2, 32, 16)
    original = read(upright, "mp4").samples.astype(int)
    turns = [np.rot90(original, k, (1, 2)) for k in (1, 3)]
    # Turned before or after the conversion of halved chroma: the same within rounding.
    assert min(np.abs(signal.samples - turn).mean() for turn in turns) < 3


def test_transparency_depth_and_pixel_shape_are_noticed(tmp_path: Path) -> None:
    clear = tmp_path / "clear.mov"
    graph = "color=red@0.5:size=16x16:duration=0.2,format=rgba"
    ffmpeg("-f", "lavfi", "-i", graph, "-c:v", "png", clear)
    assert read(clear, "mov").notices == ("clip clear.mov: its transparency is left out",)
    deep = tmp_path / "deep.mkv"
    source = "testsrc=size=16x16:duration=0.2,setsar=4/3"
    ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", deep)
    assert read(deep, "mkv").notices == (
        "clip deep.mkv: its yuv420p10le samples are reduced to 8 bits",
        "clip deep.mkv: its pixels of 4:3 are taken as square",
    )


def test_transparent_gif_is_noticed_only_if_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    Image.new("RGBA", (16, 16), (255, 0, 0, 0)).save(path)
    assert read(path, "gif").notices == ("clip a.gif: its transparency is left out",)
    Image.new("RGB", (16, 16), (255, 0, 0)).save(path)
    assert read(path, "gif").notices == ()


def test_several_sound_streams_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=16x16:rate=25:duration=1"),
        *("-f", "lavfi", "-i", "sine=duration=1", "-f", "lavfi", "-i", "sine=400:duration=1"),
        *("-map", "0", "-map", "1", "-map", "2", "-c:a", "aac", "-c:v", "ffv1", path),
    )
    sound = tmp_path / "sound.mkv"
    soundtrack = read(path, "mkv").spec.soundtrack
    assert soundtrack is not None
    sound.write_bytes(soundtrack)
    hashes = streamhash(sound, "matroska")
    assert len(hashes.splitlines()) == 2
    assert hashes == streamhash(path, "matroska")


def test_an_untagged_tall_video_is_taken_as_bt709(tmp_path: Path) -> None:
    tall = tmp_path / "tall.mkv"
    to_yuv = "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p"
    forget = "setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown"
    graph = f"color=0x00ff00:size=16x720:duration=0.2,format=rgb24,{to_yuv},{forget}"
    ffmpeg("-f", "lavfi", "-i", graph, "-c:v", "ffv1", tall)
    assert np.abs(read(tall, "mkv").samples.astype(int) - [0, 255, 0]).max() <= 3


@pytest.mark.parametrize("format", WRITTEN["video"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, format: str, kept: float) -> None:
    path = tmp_path / "clip"
    noise = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
    write(path, noise, Fraction(25), format)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match=r"^clip clip [^\n]*$"):
        read(path, format)


@pytest.mark.parametrize("format", WRITTEN["video"])
def test_other_content_is_refused(tmp_path: Path, format: str) -> None:
    (tmp_path / "other.gif").write_bytes(b"GIF89a")
    path = tmp_path / "clip"
    for content in (
        b"ffconcat version 1.0\nfile other.gif\n",
        b"#EXTM3U\nother.gif\n",
        b"\0" * 999,
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"^clip clip cannot be read as [^\n]*$"):
            read(path, format)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", "-c:a", "aac", path)
    with pytest.raises(InputError, match="holds no video stream"):
        read(path, "mp4")


@pytest.mark.parametrize(
    ("format", "change", "message"),
    [
        ("gif", {"rate": Fraction(60)}, "50 frames per second, not 60: use mp4 or mov"),
        ("mp4", {"shape": (1, 2, 20000)}, "16384 pixels a side, not 20000x2: use gif"),
        ("mp4", {"shape": (0, 2, 2)}, "cannot hold 0 frames of 2x2"),
        ("mp4", {"channels": 4}, "3 channels"),
        ("mp4", {"dtype": "float32"}, "uint8"),
        ("mp4", {"kind": "audio"}, "kind audio"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_writing(
    tmp_path: Path, format: str, change: dict[str, Any], message: str
) -> None:
    spec = dataclasses.replace(spec_of(moving_picture(1, 2, 2), Fraction(25)), **change)
    with pytest.raises(OutputError, match=message):
        check_video_writable(spec, format)
    with pytest.raises(OutputError):
        open_video_writer(tmp_path / "a", spec, format, Encoding())
    assert not (tmp_path / "a").exists()


def test_a_quality_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="`quality` is 101"):
        write(tmp_path / "a", moving_picture(1, 2, 2), Fraction(25), "mp4", quality=101)


def test_missing_frames_are_an_error(tmp_path: Path) -> None:
    pixels = moving_picture(4, 8, 8)
    writer = open_video_writer(tmp_path / "a", spec_of(pixels, Fraction(25)), "mp4", Encoding())
    writer.write(pixels[:3])
    with pytest.raises(OutputError, match="given 3 of 4 frames"):
        writer.close()


def test_too_many_frames_are_an_error(tmp_path: Path) -> None:
    pixels = moving_picture(4, 8, 8)
    writer = open_video_writer(tmp_path / "a", spec_of(pixels[:3], Fraction(25)), "mp4", Encoding())
    writer.write(pixels)
    with pytest.raises(OutputError, match="given 4 of 3 frames"):
        writer.close()


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    pixels = moving_picture(4, 8, 8)
    writer = open_video_writer(tmp_path / "a", spec_of(pixels, Fraction(25)), "mp4", Encoding())
    with pytest.raises(OutputError, match="takes frames of"):
        writer.write(pixels[:, 1:])
    writer.abort()


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    pixels = moving_picture(30, 128, 128)
    writer = open_video_writer(
        tmp_path / "none" / "a", spec_of(pixels, Fraction(25)), "mp4", Encoding()
    )

    def use() -> None:
        writer.write(pixels)
        writer.close()

    with pytest.raises(OutputError, match="No such file or directory"):
        use()
    writer.abort()


def test_odd_names_are_taken_as_they_are(tmp_path: Path) -> None:
    pixels = moving_picture(2, 8, 8)
    for name in ("-dash", "concat:a|b", "%03d.gif", "[b] 'quoted'", "naïve \udcff"):
        path = tmp_path / name
        write(path, pixels, Fraction(25), "gif")
        assert path.exists()
        assert read(path, "gif").spec.shape == (2, 8, 8)
