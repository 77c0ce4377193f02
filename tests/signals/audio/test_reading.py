from __future__ import annotations

import dataclasses
import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.signals.audio.formats import check_audio_writable
from sinefit.signals.audio.reading import read_audio
from sinefit.signals.audio.writing import AudioWriter
from sinefit.signals.formats import WRITTEN
from sinefit.signals.selection import Selection
from sinefit.signals.signal import SignalSpec
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal

LOSSLESS = ["wav", "flac", "aiff"]


def spec_of(
    samples: np.ndarray, rate: int | Fraction = 8000, format: str = "wav", **more: Any
) -> SignalSpec:
    values = {"low": -1.0, "high": 1.0, "bit_depth": 16, "encoding": None, **more}
    return SignalSpec(
        kind="audio",
        shape=samples.shape[:1],
        channels=samples.shape[1],
        dtype="float32",
        format=format,
        rate=Fraction(rate),
        **values,
    )


def write(
    path: Path,
    samples: np.ndarray,
    format: str,
    rate: int | Fraction = 8000,
    encoding: Encoding | None = None,
    **more: Any,
) -> AudioWriter:
    spec = spec_of(samples, rate, format, **more)
    writer = AudioWriter(path, spec, format, encoding or Encoding())
    third = len(samples) // 3
    writer.write(samples[:third])
    writer.write(samples[third:])
    writer.close()
    return writer


def read(path: Path, format: str, **selection: Any) -> Signal:
    return read_audio(path, f"sound {path.name}", format, Selection(**selection))


def sines(count: int, channels: int = 1, rate: int = 8000) -> np.ndarray:
    time = np.arange(count)[:, None] / rate
    return (0.5 * np.sin(2 * np.pi * 200 * (1 + np.arange(channels)) * time)).astype(np.float32)


@pytest.mark.parametrize("format", LOSSLESS)
@pytest.mark.parametrize("bits", [8, 16, 24])
def test_integer_samples_are_exact(tmp_path: Path, format: str, bits: int) -> None:
    scale = 2 ** (bits - 1)
    integers = np.random.default_rng(0).integers(-scale, scale, (5000, 2))
    integers[:2] = [[-scale, scale - 1], [0, 1]]
    samples = (integers / scale).astype(np.float32)
    writer = write(tmp_path / "a", samples, format, bit_depth=bits)
    assert writer.notices == ()
    signal = read(tmp_path / "a", format)
    assert np.array_equal(signal.samples, samples)
    assert signal.spec.bit_depth == bits
    assert (signal.spec.low, signal.spec.high) == (-1.0, 1.0)
    # The library's own integers, not only our reading of them.
    stored, _ = soundfile.read(tmp_path / "a", dtype="int32")
    assert np.array_equal(stored, integers << (32 - bits))


def test_the_spec_describes_the_sound(tmp_path: Path) -> None:
    samples = sines(900, 3) * np.float32(0.5)
    soundfile.write(tmp_path / "a.wav", samples, 11025, subtype="FLOAT")
    signal = read(tmp_path / "a.wav", "wav")
    spec = signal.spec
    peak = float(np.abs(samples).max())
    assert (spec.kind, spec.shape, spec.channels, spec.dtype) == ("audio", (900,), 3, "float32")
    assert (spec.rate, spec.encoding, spec.bit_depth) == (Fraction(11025), "FLOAT", 32)
    assert (spec.low, spec.high, spec.format) == (-peak, peak, "wav")
    assert np.array_equal(signal.samples, samples)


@pytest.mark.parametrize("encoding", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("format", ["wav", "aiff"])
def test_float_samples_beyond_full_scale_survive(
    tmp_path: Path, format: str, encoding: str
) -> None:
    samples = sines(100) * np.float32(6)
    assert np.abs(samples).max() > 2
    write(tmp_path / "a", samples, format, encoding=None, bit_depth=32)
    write(tmp_path / "a", samples, format, encoding=Encoding(subtype=encoding))
    signal = read(tmp_path / "a", format)
    assert np.array_equal(signal.samples, samples)
    assert signal.spec.encoding == encoding
    assert signal.spec.high == np.abs(samples).max()


@pytest.mark.parametrize("format", LOSSLESS)
def test_pcm_clips_and_says_so(tmp_path: Path, format: str) -> None:
    samples = np.array([[0.5], [1.0], [1.5], [-1.0], [-1.5], [-9.0]], np.float32)
    writer = write(tmp_path / "a", samples, format)
    top = 1 - 2.0**-15
    assert read(tmp_path / "a", format).samples.ravel().tolist() == [0.5, top, top, -1, -1, -1]
    assert len(writer.notices) == 1
    assert writer.notices[0].startswith("3 values")


@pytest.mark.parametrize("format", WRITTEN["audio"])
@pytest.mark.parametrize("count", [0, 1, 2, 1000, 30000])
def test_the_number_of_samples_is_exact(tmp_path: Path, format: str, count: int) -> None:
    samples = sines(count, 2)
    if count == 0 and format in ("flac", "mp3"):
        with pytest.raises(OutputError, match="without samples: use wav or ogg or aiff"):
            check_audio_writable(spec_of(samples), format)
        return
    write(tmp_path / "a", samples, format)
    signal = read(tmp_path / "a", format)
    assert signal.samples.shape == (count, 2)
    assert signal.spec.rate == 8000
    if count == 0:
        assert (signal.spec.low, signal.spec.high) == (-1.0, 1.0)


@pytest.mark.parametrize("format", ["ogg", "mp3"])
def test_lossy_sound_is_close_and_in_place(tmp_path: Path, format: str) -> None:
    samples = sines(44100, 2, 44100)
    write(tmp_path / "a", samples, format, rate=44100, encoding=Encoding(quality=100))
    found = read(tmp_path / "a", format).samples
    error = found - samples
    # One sample of delay alone would leave a tone of 400 Hz at 25 dB.
    assert 10 * np.log10(np.mean(samples**2) / np.mean(error**2)) > 30


@pytest.mark.parametrize("format", ["ogg", "mp3"])
def test_higher_quality_gives_larger_files(tmp_path: Path, format: str) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (30000, 1)).astype(np.float32)
    sizes = []
    for quality in (0, 50, 100):
        write(tmp_path / "a", noise, format, rate=44100, encoding=Encoding(quality=quality))
        sizes.append((tmp_path / "a").stat().st_size)
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "aiff"])
def test_eight_channels_keep_their_order(tmp_path: Path, format: str) -> None:
    samples = sines(4000, 8)
    write(tmp_path / "a", samples, format)
    found = read(tmp_path / "a", format).samples
    closest = [
        int(np.argmin([np.mean((found[:, k] - samples[:, j]) ** 2) for j in range(8)]))
        for k in range(8)
    ]
    assert closest == list(range(8))


@pytest.mark.parametrize(
    ("format", "channels", "rate", "message"),
    [
        ("mp3", 8, 44100, "MP3 holds at most 2 channels, not 8: use wav or flac or ogg or aiff"),
        ("mp3", 1, 96000, "MP3 has no sample rate of 96000 Hz: use wav or flac or ogg or aiff"),
        ("ogg", 1, 300000, "OGG holds at most 200000 Hz, not 300000: use wav or flac or aiff"),
        ("flac", 9, 8000, "FLAC holds at most 8 channels, not 9: use wav or ogg or aiff"),
        ("flac", 1, 700000, "FLAC holds at most 655350 Hz, not 700000: use wav or aiff"),
        ("wav", 2000, 8000, "WAV holds at most 1024 channels, not 2000: write it in parts"),
        ("wav", 1, Fraction(8001, 2), "whole number of samples per second"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_writing(
    tmp_path: Path, format: str, channels: int, rate: Fraction | int, message: str
) -> None:
    spec = spec_of(np.zeros((10, channels), np.float32), rate)
    with pytest.raises(OutputError, match=message):
        check_audio_writable(spec, format)
    with pytest.raises(OutputError):
        AudioWriter(tmp_path / "a", spec, format, Encoding())
    assert not (tmp_path / "a").exists()


def test_other_kinds_of_signal_are_refused() -> None:
    spec = dataclasses.replace(spec_of(sines(10)), kind="array")
    with pytest.raises(OutputError, match="kind array"):
        check_audio_writable(spec, "wav")


@pytest.mark.parametrize(
    ("format", "encoding", "bit_depth", "expected"),
    [
        ("wav", "PCM_24", 24, "PCM_24"),
        ("wav", "PCM_S8", 8, "PCM_U8"),
        ("wav", "MPEG_LAYER_III", 16, "PCM_16"),
        ("wav", "ULAW", 8, "ULAW"),
        ("wav", "IMA_ADPCM", 16, "PCM_16"),
        ("aiff", "PCM_U8", 8, "PCM_S8"),
        ("flac", "ULAW", 8, "PCM_16"),
        ("ogg", "PCM_16", 16, "VORBIS"),
        ("ogg", "OPUS", 16, "OPUS"),
        ("mp3", "FLOAT", 32, "MPEG_LAYER_III"),
    ],
)
def test_the_encoding_follows_the_spec(
    tmp_path: Path, format: str, encoding: str, bit_depth: int, expected: str
) -> None:
    writer = write(tmp_path / "a", sines(100), format, bit_depth=bit_depth)
    spec = spec_of(sines(100), 8000, format, encoding=encoding, bit_depth=bit_depth)
    writer = AudioWriter(tmp_path / "a", spec, format, Encoding())
    writer.write(sines(100))
    writer.close()
    assert soundfile.info(tmp_path / "a").subtype == expected
    assert writer.notices == ()


def test_flac_says_that_it_holds_24_bits(tmp_path: Path) -> None:
    writer = write(tmp_path / "a", sines(100), "flac", bit_depth=32)
    assert writer.notices == ("FLAC holds at most 24 bits per sample",)
    assert read(tmp_path / "a", "flac").spec.bit_depth == 24


def test_an_encoding_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="VORBIS is not one of WAV: choose PCM_U8, PCM_16"):
        write(tmp_path / "a", sines(10), "wav", encoding=Encoding(subtype="VORBIS"))
    with pytest.raises(OutputError, match="Opus holds"):
        write(tmp_path / "a", sines(10), "ogg", rate=44100, encoding=Encoding(subtype="opus"))


def test_quality_is_checked(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="`quality` is 101"):
        write(tmp_path / "a", sines(10), "ogg", encoding=Encoding(quality=101))
    writer = write(tmp_path / "a", sines(10), "wav", encoding=Encoding(quality=50))
    assert writer.notices == ("WAV is lossless: `quality` does not apply",)


@settings(deadline=None)
@given(
    count=st.integers(2, 3000),
    start=st.floats(0, 0.3),
    duration=st.one_of(st.none(), st.floats(0.001, 0.5)),
)
def test_start_and_duration_are_whole_samples(
    tmp_path_factory: pytest.TempPathFactory, count: int, start: float, duration: float | None
) -> None:
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    samples = sines(count)
    soundfile.write(path, samples, 8000, subtype="FLOAT")
    first = round(start * 8000)
    last = count if duration is None else min(count, first + round(duration * 8000))
    if first and first >= count:
        with pytest.raises(SettingError, match="`start`"):
            read(path, "wav", start=start, duration=duration)
    else:
        found = read(path, "wav", start=start, duration=duration)
        assert np.array_equal(found.samples, samples[first:last])


def test_start_beyond_the_end_names_the_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sines(4000), 8000)
    with pytest.raises(SettingError, match=r"`start` is 0.5: sound a.wav is only 0.5 seconds long"):
        read(tmp_path / "a.wav", "wav", start=0.5)
    with pytest.raises(SettingError, match="`duration` is 1e-06"):
        read(tmp_path / "a.wav", "wav", duration=1e-6)
    with pytest.raises(SettingError, match="`region` does not apply"):
        read(tmp_path / "a.wav", "wav", region=(0, 0, 1, 1))


@pytest.mark.parametrize("format", WRITTEN["audio"])
def test_a_selection_of_any_format_is_the_part_of_the_whole(tmp_path: Path, format: str) -> None:
    write(tmp_path / "a", sines(20000, 2), format)
    whole = read(tmp_path / "a", format).samples.astype(np.float64)
    part = read(tmp_path / "a", format, start=1.0, duration=0.5).samples.astype(np.float64)
    assert part.shape == (4000, 2)
    # Decoders of lossy formats start from the block before: the same but for rounding.
    assert np.abs(part - whole[8000:12000]).max() < 1e-3


@pytest.mark.parametrize("format", WRITTEN["audio"])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, format: str, kept: float) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (30000, 1)).astype(np.float32)
    write(tmp_path / "a", noise, format)
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match=r"^sound a [^\n]*$"):
        read(tmp_path / "a", format)


@settings(deadline=None)
@given(st.sampled_from(["wav", "aiff"]), st.integers(0, 30), st.integers(1, 40))
def test_every_missing_sample_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, format: str, extra: int, missing: int
) -> None:
    path = tmp_path_factory.mktemp("sound") / "a"
    soundfile.write(path, sines(20 + extra), 8000, format=format.upper(), subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(InputError, match="cut short"):
        read(path, format)


def test_a_length_that_was_never_filled_in_is_accepted(tmp_path: Path) -> None:
    samples = sines(500)
    content = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)
    unknown = struct.pack("<I", 2**32 - 1)
    (tmp_path / "a.wav").write_bytes(
        b"RIFF" + unknown + b"WAVEfmt \x10\0\0\0" + form + b"data" + unknown + content
    )
    assert np.array_equal(read(tmp_path / "a.wav", "wav").samples, samples)


def test_chunks_before_and_after_the_samples_are_skipped(tmp_path: Path) -> None:
    samples = sines(501)
    form = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)
    odd = b"note\x03\0\0\0abc\0"
    body = b"WAVEfmt \x10\0\0\0" + form + odd
    body += b"data" + struct.pack("<I", 2004) + samples.astype("<f4").tobytes() + odd
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert np.array_equal(read(tmp_path / "a.wav", "wav").samples, samples)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    samples = sines(9000)
    samples[4000] = value
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"sound a\.wav holds samples that are not finite"):
        read(tmp_path / "a.wav", "wav")


def test_silence_has_full_scale(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(10), 8000)
    spec = read(tmp_path / "a.wav", "wav").spec
    assert (spec.low, spec.high) == (-1.0, 1.0)


def test_another_format_is_not_tried(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", sines(10), 8000)
    with pytest.raises(InputError, match="holds FLAC sound, not mp3"):
        read(tmp_path / "a.flac", "mp3")
    with pytest.raises(InputError, match=r"sound a\.flac"):
        read(tmp_path / "a.flac", "wav")


@pytest.mark.parametrize("format", WRITTEN["audio"])
@settings(deadline=None)
@given(rubbish=st.binary(max_size=200))
def test_rubbish_is_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, format: str, rubbish: bytes
) -> None:
    path = tmp_path_factory.mktemp("sound") / "a"
    path.write_bytes(b"\x01" + rubbish)
    with pytest.raises(InputError, match=r"^sound a [^\n]*$"):
        read(path, format)


def test_32_bit_integers_say_that_they_are_rounded(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sines(10), 8000, subtype="PCM_32")
    signal = read(tmp_path / "a.wav", "wav")
    assert signal.spec.bit_depth == 32
    assert len(signal.notices) == 1
    assert "24 significant bits" in signal.notices[0]


def test_missing_samples_are_an_error(tmp_path: Path) -> None:
    writer = AudioWriter(tmp_path / "a", spec_of(sines(10)), "wav", Encoding())
    writer.write(sines(9))
    with pytest.raises(OutputError, match="given 9 of 10 samples"):
        writer.close()


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written as wav"):
        AudioWriter(tmp_path / "none" / "a", spec_of(sines(10)), "wav", Encoding())


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_abort_frees_the_file(tmp_path: Path) -> None:
    before = open_files()
    writer = AudioWriter(tmp_path / "a", spec_of(sines(10)), "wav", Encoding())
    assert open_files() > before
    writer.write(sines(5))
    for _ in range(2):
        writer.abort()
        assert open_files() == before


def test_names_that_are_not_text_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "naïve \udcff.ogg"
    write(path, sines(10), "wav")
    assert read(path, "wav").spec.shape == (10,)


@pytest.mark.parametrize(("count", "large"), [(2**31 - 2**15, False), (2**31 - 2**15 + 1, True)])
def test_large_wav_files_become_rf64(tmp_path: Path, count: int, large: bool) -> None:
    spec = dataclasses.replace(spec_of(sines(1)), shape=(count,))
    writer = AudioWriter(tmp_path / "a", spec, "wav", Encoding())
    assert any("RF64" in notice for notice in writer.notices) is large
    writer.write(sines(10))
    writer.abort()
    assert (tmp_path / "a").read_bytes()[:4] == (b"RF64" if large else b"RIFF")


def test_rf64_is_read_as_wav(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a", sines(4000), 8000, format="RF64", subtype="PCM_16")
    assert read(tmp_path / "a", "wav").spec.shape == (4000,)
    content = (tmp_path / "a").read_bytes()
    assert content[:4] == b"RF64"
    (tmp_path / "a").write_bytes(content[:-10])
    with pytest.raises(InputError, match="10 of 8000 bytes"):
        read(tmp_path / "a", "wav")


def test_what_the_library_says_of_itself_is_not_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\x04\0\0\0\0\0\0" + bytes(3000))
    with pytest.raises(InputError, match="cannot be read as mp3: its headers are damaged; check"):
        read(path, "mp3")
