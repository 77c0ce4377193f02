from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from safetensors.numpy import load_file

from sinefit.fields.content import FileContent
from sinefit.fields.weights_file import encode_field
from sinefit.signals.reading import read_signal
from tests.cli.making import TINY, fail, invoke, make_array, make_picture, make_sound, succeed
from tests.fields.making import field_of_blocks


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a field of every kind."""
    folder = tmp_path_factory.mktemp("fields")
    make_picture(folder / "photo.png")
    make_picture(folder / "clear.png", channels=4)
    make_sound(folder / "tone.wav", seconds=0.1, rate=8000)
    make_array(folder / "array.npy", (9, 12))
    frames = [Image.new("L", (16, 12), shade) for shade in range(0, 200, 25)]
    frames[0].save(folder / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    for name in ("photo.png", "clear.png", "tone.wav", "array.npy", "clip.gif"):
        succeed("fit", folder / name, *TINY, "-q")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_the_picture_is_the_network_at_the_centres_of_pixels(fields: Path, here: Path) -> None:
    succeed("render", fields / "photo.safetensors", "--scale", "2.5", "-o", "out.png")
    with Image.open("out.png") as image:
        pixels = np.asarray(image, np.float64)
    height, width = 30, 40
    assert pixels.shape == (height, width, 3)
    y, x = np.meshgrid(
        (np.arange(height) + 0.5) * 2 / height - 1,
        (np.arange(width) + 0.5) * 2 / width - 1,
        indexing="ij",
    )
    tensors = load_file(fields / "photo.safetensors")
    values = np.stack([y, x], axis=-1)
    for layer in range(3):
        values = values @ tensors[f"layers.{layer}.weight"].T.astype(np.float64)
        values += tensors[f"layers.{layer}.bias"]
        values = values if layer == 2 else np.sin(values)
    expected = np.clip((values + 1) / 2 * 255, 0, 255)
    assert np.abs(pixels - expected).max() < 0.51


@pytest.mark.parametrize(
    ("options", "name", "size"),
    [
        ([], "photo-1x.png", (16, 12)),
        (["--scale", "4"], "photo-4x.png", (64, 48)),
        (["--scale", "1.3"], "photo-1.3x.png", (21, 16)),
        (["--scale", "0.5"], "photo-0.5x.png", (8, 6)),
        (["--scale", "2x3"], "photo-2x3.png", (32, 36)),
        (["--size", "30x20"], "photo-30x20.png", (30, 20)),
        (["--region", "4,2,8,6"], "photo-crop.png", (8, 6)),
        (["--region", "4,2,8,6", "--scale", "3"], "photo-crop-3x.png", (24, 18)),
        (["--region", "0.5,0.5,1,1", "--size", "9x7"], "photo-crop-9x7.png", (9, 7)),
        (["--scale", "2", "--format", "tiff"], "photo-2x.tif", (32, 24)),
    ],
)
def test_grids_of_an_image_and_the_names_they_get(
    options: list[str], name: str, size: tuple[int, int], fields: Path, here: Path
) -> None:
    weights = here / "photo.safetensors"
    weights.write_bytes((fields / "photo.safetensors").read_bytes())
    result = succeed("render", weights, *options)
    assert result.stdout == ""
    assert {path.name for path in here.iterdir()} == {weights.name, name}
    assert size_of(here / name) == size
    assert f"{size[0]}x{size[1]} pixels" in result.stderr


def test_a_region_is_that_part_of_the_whole(fields: Path, here: Path) -> None:
    weights = fields / "photo.safetensors"
    succeed("render", weights, "--scale", 3, "-o", "whole.png")
    succeed("render", weights, "--scale", 3, "--region", "4,2,8,6", "-o", "part.png")
    with Image.open("whole.png") as whole, Image.open("part.png") as part:
        expected = np.asarray(whole, np.int32)[6:24, 12:36]
        # Both are float32: the last bit may round a value to its other neighbour.
        assert np.abs(np.asarray(part, np.int32) - expected).max() <= 1


def test_depths_and_qualities_of_an_image(fields: Path, here: Path) -> None:
    weights = fields / "photo.safetensors"
    succeed("render", weights, "--bit-depth", 16, "-o", "deep.png")
    deep = read_signal("deep.png")
    assert deep.spec.dtype == "uint16"
    succeed("render", weights, "-o", "flat.png")
    flat = read_signal("flat.png")
    assert np.abs(deep.samples.astype(float) / 257.0 - flat.samples.astype(float)).max() <= 0.51
    succeed("render", weights, "--scale", 4, "--quality", 10, "-o", "low.jpg")
    succeed("render", weights, "--scale", 4, "--quality", 95, "-o", "high.jpg")
    assert (here / "low.jpg").stat().st_size < (here / "high.jpg").stat().st_size


@pytest.mark.parametrize(
    ("options", "name", "count", "rate"),
    [
        (["--rate", "96000"], "tone-96000hz.wav", 9600, 96000),
        (["--scale", "2"], "tone-2x.wav", 1600, 16000),
        (["--scale", "0.5"], "tone-0.5x.wav", 400, 4000),
        (["--start", "25ms", "--duration", "0.05s"], "tone-cut.wav", 400, 8000),
        (["--start", "0.075"], "tone-cut.wav", 200, 8000),
        (["--rate", "16000", "--format", "flac"], "tone-16000hz.flac", 1600, 16000),
    ],
)
def test_grids_of_a_sound(
    options: list[str], name: str, count: int, rate: int, fields: Path, here: Path
) -> None:
    weights = here / "tone.safetensors"
    weights.write_bytes((fields / "tone.safetensors").read_bytes())
    succeed("render", weights, *options)
    info = soundfile.info(here / name)
    assert (info.frames, info.samplerate, info.subtype) == (count, rate, "PCM_16")


def test_the_depth_of_a_sound(fields: Path, here: Path) -> None:
    succeed("render", fields / "tone.safetensors", "--bit-depth", 24, "-o", "deep.wav")
    assert soundfile.info("deep.wav").subtype == "PCM_24"


@pytest.mark.parametrize(
    ("options", "shape", "rate"),
    [
        (["--fps", "20"], (16, 12, 16), 20),
        (["--scale", "2", "--fps", "5"], (4, 24, 32), 5),
        (["--start", "0.2s", "--duration", "0.3"], (3, 12, 16), 10),
        (["--size", "20x14", "--region", "1,1,10,7"], (8, 14, 20), 10),
    ],
)
def test_grids_of_a_video(
    options: list[str], shape: tuple[int, ...], rate: int, fields: Path, here: Path
) -> None:
    result = succeed("render", fields / "clip.safetensors", *options, "-o", "out.gif")
    spec = read_signal("out.gif").spec
    assert (spec.shape, spec.rate) == (shape, Fraction(rate))
    assert f"{shape[0]} frames of {shape[2]}x{shape[1]} at {rate} fps" in result.stderr


def test_a_film_of_odd_size(fields: Path, here: Path) -> None:
    succeed("render", fields / "clip.safetensors", "--size", "17x13", "-o", "out.mp4", "-q")
    spec = read_signal("out.mp4").spec
    assert (spec.shape, spec.rate) == ((8, 13, 17), Fraction(10))


@pytest.mark.parametrize(
    ("options", "shape", "dtype"),
    [
        ([], (9, 12), "float32"),
        (["--scale", "2"], (18, 24), "float32"),
        (["--scale", "2x3"], (18, 36), "float32"),
        (["--size", "5x7"], (5, 7), "float32"),
        (["--bit-depth", "64"], (9, 12), "float64"),
        (["--bit-depth", "16"], (9, 12), "float16"),
    ],
)
def test_grids_of_an_array(
    options: list[str], shape: tuple[int, ...], dtype: str, fields: Path, here: Path
) -> None:
    succeed("render", fields / "array.safetensors", *options, "-o", "out.npy")
    array = np.load("out.npy")
    assert (array.shape, array.dtype) == (shape, np.dtype(dtype))


@pytest.mark.parametrize(
    ("name", "options", "cause"),
    [
        ("photo", ["--scale", "big"], "--scale is 'big'"),
        ("photo", ["--scale", "0"], "--scale is 0"),
        ("photo", ["--scale", "-2"], "--scale is -2"),
        ("photo", ["--scale", "nan"], "--scale is nan"),
        ("photo", ["--scale", "inf"], "--scale is inf"),
        ("photo", ["--scale", "1e9"], "too many"),
        ("photo", ["--scale", "2x3x4"], "--scale is 2x3x4"),
        ("photo", ["--size", "0x5"], "--size is 0x5"),
        ("photo", ["--size", "5"], "--size is 5"),
        ("photo", ["--size", "5x5", "--scale", "2"], "exclude each other"),
        ("photo", ["--rate", "8000"], "--rate does not apply"),
        ("photo", ["--fps", "8"], "--fps does not apply"),
        ("photo", ["--start", "1"], "--start and --duration"),
        ("photo", ["--region", "17,0,1,12"], "--region is 17,0,1,12"),
        ("photo", ["--region", "0,0,nan,12"], "--region is 0,0,nan,12"),
        ("photo", ["--bit-depth", "12"], "--bit-depth is 12"),
        ("photo", ["--format", "wav"], "--format is wav"),
        ("photo", ["--format", "jpeg", "-o", "x.png"], "--format is jpeg, but the name"),
        ("photo", ["--device", "abacus"], "--device is abacus"),
        ("tone", ["--size", "5x5"], "--size does not apply"),
        ("tone", ["--region", "0,0,1,1"], "--region does not apply"),
        ("tone", ["--rate", "8000.5"], "--rate is 8000.5"),
        ("tone", ["--rate", "0"], "--rate is '0'"),
        ("tone", ["--rate", "8000", "--scale", "2"], "exclude each other"),
        ("tone", ["--start", "0.1"], "--start is 0.1"),
        ("tone", ["--duration", "0"], "--duration is 0"),
        ("clip", ["--fps", "1/0"], "--fps is '1/0'"),
    ],
)
def test_wrong_settings(
    name: str, options: list[str], cause: str, fields: Path, here: Path
) -> None:
    message = fail(2, "render", fields / f"{name}.safetensors", "-o", "out", *options)
    assert cause in message
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "output", "formats"),
    [
        ("photo", "x.wav", [".png", ".jpg", ".npy"]),
        ("photo", "x.mp4", [".png"]),
        ("photo", "x.p", [".png"]),
        ("tone", "x.png", [".wav", ".flac"]),
        ("clip", "x.wav", [".mp4", ".gif"]),
        ("array", "x.png", [".npy"]),
    ],
)
def test_a_name_of_another_kind(
    name: str, output: str, formats: list[str], fields: Path, here: Path
) -> None:
    message = fail(5, "render", fields / f"{name}.safetensors", "-o", output)
    assert message.startswith(f"{output}: ")
    assert all(ending in message for ending in formats)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("output", ["x.jpg", "x.bmp", "x.gif"])
def test_a_format_that_cannot_hold_the_signal(output: str, fields: Path, here: Path) -> None:
    message = fail(5, "render", fields / "clear.safetensors", "-o", output)
    assert "alpha" in message
    assert "png" in message
    assert list(here.iterdir()) == []


def test_every_format_has_the_content_that_its_name_says(fields: Path, here: Path) -> None:
    for output in ("x.PNG", "x.jpeg", "x.webp", "x.tif", "x.bmp", "x.gif", "x.npy"):
        succeed("render", fields / "photo.safetensors", "-o", output, "-q")
    formats = {path.name: read_signal(path).spec.format for path in here.iterdir()}
    assert formats == {
        "x.PNG": "png",
        "x.jpeg": "jpeg",
        "x.webp": "webp",
        "x.tif": "tiff",
        "x.bmp": "bmp",
        "x.gif": "gif",
        "x.npy": "npy",
    }


def test_a_name_without_an_ending_gets_the_original_format(fields: Path, here: Path) -> None:
    succeed("render", fields / "photo.safetensors", "-o", "plain")
    assert read_signal("plain").spec.format == "png"
    succeed("render", fields / "photo.safetensors", "-o", "other", "--format", "webp")
    assert read_signal("other").spec.format == "webp"


def test_what_a_format_loses_is_told(fields: Path, here: Path) -> None:
    shown = succeed("render", fields / "photo.safetensors", "-o", "x.gif").stderr
    assert "sinefit: note: gif keeps at most 256 colours" in shown
    shown = succeed("render", fields / "photo.safetensors", "-o", "x.png", "--quality", 5).stderr
    assert "--quality has no effect" in shown
    shown = succeed("render", fields / "tone.safetensors", "-o", "x.flac", "--quality", 5).stderr
    assert "--quality does not apply" in shown
    shown = succeed("render", fields / "photo.safetensors", "-o", "y.gif", "-q").stderr
    assert shown == ""


def test_the_newest_weights_of_the_folder(fields: Path, here: Path) -> None:
    assert "no weights file in this folder" in fail(3, "render")
    for age, name in enumerate(["clear", "photo", "clip.ckpt"]):
        content = (fields / f"{name.partition('.')[0]}.safetensors").read_bytes()
        (here / f"{name}.safetensors").write_bytes(content)
        os.utime(here / f"{name}.safetensors", ns=(0, age * 10**9))
    result = succeed("render", "--scale", 2)
    assert "rendering photo.safetensors, the newest weights file here" in result.stderr
    assert size_of(here / "photo-2x.png") == (32, 24)


def test_nothing_is_overwritten_unasked(fields: Path, here: Path) -> None:
    succeed("render", fields / "photo.safetensors", "-o", "x.png")
    before = (here / "x.png").read_bytes()
    message = fail(5, "render", fields / "photo.safetensors", "--scale", 2, "-o", "x.png")
    assert "x.png: it exists already; add --force" in message
    assert (here / "x.png").read_bytes() == before
    succeed("render", fields / "photo.safetensors", "--scale", 2, "-o", "x.png", "--force")
    assert size_of(here / "x.png") == (32, 24)


def test_the_weights_are_never_the_output(fields: Path, here: Path) -> None:
    weights = here / "w.safetensors"
    weights.write_bytes((fields / "photo.safetensors").read_bytes())
    message = fail(5, "render", weights, "--format", "png", "-o", weights, "--force")
    assert "it is the input itself" in message
    assert weights.read_bytes() == (fields / "photo.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("missing/x.png", "create missing first"),
        (".", "it is a folder"),
        ("folder.png", "it is a folder"),
        ("a" * 300 + ".png", "too long"),
    ],
)
def test_outputs_that_cannot_be(output: str, cause: str, fields: Path, here: Path) -> None:
    (here / "folder.png").mkdir()
    result = invoke("render", fields / "photo.safetensors", "-o", output)
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert cause in line


def test_a_failing_writer_names_the_target(
    fields: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sinefit.signals.image.png.PngStream.write", full)
    message = fail(5, "render", fields / "photo.safetensors", "-o", "x.png")
    assert message == "x.png cannot be written: No space left on device"
    assert list(here.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device here")
def test_a_full_device(fields: Path) -> None:
    message = fail(5, "render", fields / "photo.safetensors", "-o", "/dev/full")
    assert message == "/dev/full: cannot write: No space left on device"


def test_inputs_that_cannot_be(fields: Path, here: Path) -> None:
    assert "missing.safetensors" in fail(3, "render", "missing.safetensors")
    assert "folder" in fail(3, "render", here)
    assert "not a weights file" in fail(3, "render", fields / "photo.png")
    whole = (fields / "photo.safetensors").read_bytes()
    (here / "cut.safetensors").write_bytes(whole[:-100])
    assert "cut.safetensors: damaged" in fail(3, "render", "cut.safetensors")
    assert "standard input" in fail(3, "render", "-", stdin=b"")
    assert "standard input" in fail(3, "render", "-", stdin=whole[:-100])
    assert "standard input" in fail(3, "render", "-", stdin=b"garbage" * 99)


def test_pipes(fields: Path, here: Path) -> None:
    content = (fields / "photo.safetensors").read_bytes()
    for options in (["-o", "-"], []):
        result = succeed("render", "-", "--scale", 2, *options, stdin=content)
        assert result.stdout_bytes.startswith(b"\x89PNG")
        assert read_signal(result.stdout_bytes).spec.shape == (24, 32)
        assert list(here.iterdir()) == []
    assert "standard output: image, 32x24 pixels" in result.stderr
    result = succeed("render", "-", "--format", "bmp", stdin=content)
    assert result.stdout_bytes.startswith(b"BM")


@pytest.mark.parametrize(
    ("name", "start"), [("tone", b"RIFF"), ("clip", b"GIF8"), ("array", b"\x93NUMPY")]
)
def test_every_kind_goes_through_a_pipe(name: str, start: bytes, fields: Path) -> None:
    result = succeed("render", fields / f"{name}.safetensors", "-o", "-")
    assert result.stdout_bytes.startswith(start)
    assert read_signal(result.stdout_bytes).spec.sample_count > 0


def test_a_named_pipe_and_a_link(fields: Path, here: Path) -> None:
    os.mkfifo(here / "pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((here / "pipe").read_bytes()))
    reader.start()
    succeed("render", fields / "photo.safetensors", "-o", "pipe")
    reader.join(timeout=20)
    assert received[0].startswith(b"\x89PNG")
    assert (here / "pipe").is_fifo()
    (here / "link.png").symlink_to("real.png")
    succeed("render", fields / "photo.safetensors", "-o", "link.png")
    assert (here / "link.png").is_symlink()
    assert size_of(here / "real.png") == (16, 12)
    succeed("render", fields / "photo.safetensors", "-o", os.devnull)


@pytest.mark.parametrize("name", ["a [b]", "[bold]x", "-x", "bad\udcff", "two words"])
def test_any_name(name: str, fields: Path, here: Path) -> None:
    weights = here / f"{name}.safetensors"
    weights.write_bytes((fields / "photo.safetensors").read_bytes())
    result = succeed("render", "--scale", 2, "--", weights.name)
    assert size_of(here / f"{name}-2x.png") == (32, 24)
    assert f"{name}-2x.png: image".replace("\udcff", "\\xff") in result.stderr


def test_without_any_weights_one_is_told_how_to_make_some(here: Path) -> None:
    message = fail(3, "render", "-o", "x.png")
    assert message.startswith("no weights file in this folder: ")
    assert message.endswith("sinefit fit FILE")


def test_a_region_of_a_field_of_blocks(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field = field_of_blocks()
    Path("w.safetensors").write_bytes(encode_field(field))
    succeed("render", "w.safetensors", "--scale", "2", "-o", "whole.png")
    read: list[int] = []
    whole_read = FileContent.read

    def watched(content: FileContent, begin: int, end: int) -> bytearray:
        read.append(end - begin)
        return whole_read(content, begin, end)

    monkeypatch.setattr(FileContent, "read", watched)
    region = ("--scale", "2", "--region", "14,12,4,5")
    succeed("render", "w.safetensors", *region, "-o", "part.png")
    with Image.open("whole.png") as whole, Image.open("part.png") as part:
        crop = np.asarray(whole, np.int64)[24:34, 28:36]
        assert np.abs(crop - np.asarray(part, np.int64)).max() <= 1
    # Of the weights two blocks, and of the rest the header, its beginning and the profile.
    (header,) = [size for size in read if size > 1000]
    begin = 16
    assert sum(read) == begin + header + 7 + 4 * 2 * field.network.size.parameter_count
    piped = succeed("render", *region, "-o", "piped.png", stdin=encode_field(field))
    assert piped.exit_code == 0
    assert Path("piped.png").read_bytes() == Path("part.png").read_bytes()


def test_a_derivative_is_a_picture_or_plain_numbers(fields: Path, here: Path) -> None:
    succeed(
        "render", fields / "photo.safetensors", "--what", "gradient", "--scale", "2", "-o", "g.npy"
    )
    gradient = np.load("g.npy")
    assert gradient.shape == (24, 32, 3, 2)
    succeed(
        "render", fields / "photo.safetensors", "--what", "magnitude", "--scale", "2", "-o", "m.npy"
    )
    np.testing.assert_allclose(np.load("m.npy"), np.hypot(*np.moveaxis(gradient, -1, 0)), rtol=1e-4)
    succeed("render", fields / "photo.safetensors", "--what", "gradient", "-o", "g.png")
    assert size_of(Path("g.png")) == (16, 12)
    message = fail(2, "render", fields / "photo.safetensors", "--what", "divergence")
    assert "as many channels as axes" in message


def test_the_default_name_tells_of_the_derivative(fields: Path) -> None:
    succeed("render", fields / "tone.safetensors", "--what", "time-derivative")
    assert (fields / "tone-time-derivative.wav").exists()
