from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from sinefit.fields.metadata import read_header
from sinefit.fields.weights_file import read_field
from tests.cli.making import TINY, fail, invoke, make_array, make_picture, make_sound, succeed

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.metadata import WeightsHeader


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_picture(tmp_path / "photo.png")


def header_of(path: Path) -> WeightsHeader:
    return read_header(path.read_bytes(), str(path))


def report_of(*arguments: object) -> dict[str, Any]:
    values = json.loads(succeed("fit", *arguments, "--json").stdout)
    assert isinstance(values, dict)
    return values


def test_the_weights_lie_beside_the_input(photo: Path) -> None:
    result = succeed("fit", photo, *TINY)
    assert result.stdout == ""
    assert sorted(path.name for path in photo.parent.iterdir()) == [
        "photo.png",
        "photo.safetensors",
    ]
    assert read_field(photo.with_suffix(".safetensors")).spec.source == "photo.png"


def test_what_is_said(photo: Path) -> None:
    first, last, note, after = succeed("fit", photo, *TINY).stderr.splitlines()
    assert first.startswith("photo.png: image, 16x12 pixels, 3 channels, 8 bit; siren, omega ")
    assert "(from its spectrum)" in first
    assert first.endswith(("on cpu", "on cuda", "on mps"))
    assert last.startswith(f"{photo.with_suffix('.safetensors')}: ")
    for words in (
        "dB PSNR as saved",
        "dB in float (range: full scale, 255)",
        "5 steps in",
        "/s on",
    ):
        assert words in last
    assert "SNR," not in last.replace("PSNR", "")
    assert note.startswith("sinefit: note: ")
    assert "a rough sketch: give it more --steps" in note
    assert after.endswith(f"next: sinefit render {photo.with_suffix('.safetensors')}")


@pytest.mark.parametrize("name", ["a [b].png", "-x.png", "it's.png"])
def test_the_next_command_can_be_pasted(name: str, photo: Path) -> None:
    import shlex

    photo.rename(photo.with_name(name))
    last = succeed("fit", *TINY, "--", name).stderr.splitlines()[-1]
    program, *arguments = shlex.split(last.partition("next: ")[2])
    assert program == "sinefit"
    succeed(*arguments)
    assert photo.with_name(name.replace(".png", "-1x.png")).is_file()


def test_the_line_of_a_sound_has_snr_and_its_range(tmp_path: Path) -> None:
    tone = make_sound(tmp_path / "tone.wav")
    _, last, *_ = succeed("fit", tone, *TINY, "--omega", "300").stderr.splitlines()
    assert "dB SNR" in last
    assert "range: twice the peak, 1" in last


def test_the_line_of_an_array_has_its_range(tmp_path: Path) -> None:
    first, last, *_ = succeed("fit", make_array(tmp_path / "a.npy"), *TINY).stderr.splitlines()
    assert "array, 9x12 samples, 1 channel, 32 bit" in first
    assert "range: that of the values, 107" in last


def test_quiet(photo: Path) -> None:
    result = succeed("fit", photo, *TINY, "--quiet")
    assert (result.stdout, result.stderr) == ("", "")
    assert "exists already" in fail(5, "fit", photo, *TINY, "-q")


def test_the_report_as_json(photo: Path) -> None:
    result = succeed("fit", photo, *TINY, "--json", "--seed", 3)
    report = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    record = header_of(photo.with_suffix(".safetensors")).record
    assert report["json_version"] == 1
    assert report["weights"] == str(photo.with_suffix(".safetensors"))
    assert (report["steps"], report["seed"], report["ended_by"]) == (5, 3, "steps")
    assert (report["psnr"], report["psnr_float"]) == (record.psnr, record.psnr_float)
    assert report["psnr_range"] == 255
    assert report["snr"] is None
    assert report["batch"] == 16 * 12  # a picture smaller than the batch is taken as a whole
    assert report["seconds"] > 0
    pace = 5 * 16 * 12 / report["seconds"]
    assert report["samples_per_second"] == pytest.approx(pace)
    assert report["device"].split(":")[0] in ("cpu", "cuda", "mps")


def test_nyquist_is_recorded_and_told_in_numbers(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = succeed("fit", photo, *TINY, "--omega", "nyquist", "--json")
    # Half the samples of an axis, 12 by 16, in waves of pi radians per unit.
    assert json.loads(result.stdout)["omega"] == pytest.approx([math.pi * 6, math.pi * 8])
    assert "omega 18.85,25.13 (nyquist), on" in result.stderr
    assert header_of(photo.with_name("photo.safetensors")).record.omega == (
        pytest.approx((math.pi * 6, math.pi * 8))
    )
    monkeypatch.setenv("SINEFIT_FIT_OMEGA", "0.5nyquist,7")
    assert report_of(photo, *TINY, "-f")["omega"] == pytest.approx([math.pi * 3, 7.0])


def test_every_setting_arrives(photo: Path) -> None:
    options = "--init ws:alpha=2 --omega 20,10 --width 8 --depth 3 --steps 4 --seed 11 --batch 50"
    more = "--lr 2e-4 --threads 1 --device cpu --dtype bfloat16 --max-time 1m --target-psnr 90"
    report = report_of(photo, *options.split(), *more.split(), "-o", "w.safetensors")
    assert report["initializer"] == "ws:alpha=2"
    assert report["omega"] == [20, 10]
    assert (report["steps"], report["seed"], report["batch"]) == (4, 11, 50)
    assert report["learning_rates"][-1] == pytest.approx(2e-4)
    assert (report["device"], report["dtype"]) == ("cpu", "bfloat16")
    header = header_of(photo.with_name("w.safetensors"))
    assert header.storage == "bfloat16"
    assert (header.size.width, header.size.depth) == (8, 3)


def test_samples_that_are_held_out_are_scored_apart(photo: Path) -> None:
    report = report_of(photo, *TINY, "--holdout", "grid:2")
    record = header_of(photo.with_suffix(".safetensors")).record
    assert report["holdout"] == record.holdout == "grid:2"
    assert report["psnr_holdout"] == record.psnr_holdout is not None
    assert report["psnr_gradient"] == record.psnr_gradient is not None
    line = fail(2, "fit", photo, *TINY, "--force", "--holdout", "5x")
    assert "--holdout is '5x': it must be a share such as 5%, or grid:2" in line


@pytest.mark.parametrize(
    ("options", "initializer"),
    [
        (["--sigma-a", "1"], "lambert:sigma_a=1"),
        (["--alpha", "3"], "ws:alpha=3"),
        (["--init", "lambert", "--sigma-a", "0.5"], "lambert:sigma_a=0.5"),
        (["--init", "lambert:first_bias=zero", "--sigma-a", "1"], "sigma_a=1:first_bias=zero"),
        (["--init", "tuner"], "tuner"),
    ],
)
def test_short_forms(options: list[str], initializer: str, photo: Path) -> None:
    assert report_of(photo, *TINY, *options)["initializer"].endswith(initializer)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--init", "lamber"], "did you mean lambert?"),
        (["--init", "lambert:sigma_a"], "parameter=value"),
        (["--init", "lambert:sigma_a=x"], "sigma_a is 'x'"),
        (["--init", "lambert:sigma_a=1", "--sigma-a", "1"], "given twice"),
        (["--sigma-a", "1", "--alpha", "2"], "lambert has no parameter 'alpha'"),
        (["--init", "siren", "--sigma-a", "1"], "siren has no parameter 'sigma_a'"),
        (["--omega", "thirty"], "--omega is 'thirty'"),
        (["--omega", "1,2,3"], "--omega has 3 values"),
        (["--omega", "-1"], "--omega is -1"),
        (["--omega", "nan"], "--omega is nan"),
        (["--width", "0"], "--width is 0"),
        (["--depth", "0"], "--depth is 0"),
        (["--steps", "0"], "--steps is 0"),
        (["--max-time", "0"], "--max-time is 0"),
        (["--max-time", "soon"], "--max-time is 'soon'"),
        (["--target-psnr", "nan"], "--target-psnr is nan"),
        (["--seed", "-1"], "--seed is -1"),
        (["--threads", "0"], "--threads is 0"),
        (["--lr", "0"], "--lr is 0"),
        (["--lr", "inf"], "--lr is inf"),
        (["--batch", "0"], "--batch is 0"),
        (["--device", "abacus"], "--device is abacus"),
        (["--device", "cuda:99"], "--device is cuda:99"),
        (["--region", "0,0,2"], "--region is '0,0,2'"),
        (["--region", "0,0,99,99"], "--region"),
        (["--downsample", "0"], "--downsample is 0"),
        (["--start", "1"], "--start is for audio and video"),
        (["--duration", "1"], "--duration is for audio and video"),
        (["--channels-last"], "--channels-last is for array"),
        (["--domain", "sphere"], "--domain sphere is for array"),
        (["--kind", "audio"], "--kind is audio"),
        (["--json", "-o", "-"], "both claim standard output"),
    ],
)
def test_wrong_settings(options: list[str], cause: str, photo: Path) -> None:
    assert cause in fail(2, "fit", photo, *TINY, *options)
    assert list(photo.parent.iterdir()) == [photo]


@pytest.mark.parametrize("options", [["--dtype", "int8"], ["--steps", "many"], ["--nothing"]])
def test_wrong_words(options: list[str], photo: Path) -> None:
    result = invoke("fit", photo, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "sinefit fit --help" in result.stderr
    assert invoke("fit").exit_code == 2


@pytest.mark.parametrize(
    ("options", "shape", "channels"),
    [
        (["--region", "2,3,8,6"], (6, 8), 3),
        (["--downsample", "2"], (6, 8), 3),
        (["--region", "0,0,8,12", "--downsample", "4"], (3, 2), 3),
    ],
)
def test_a_part_of_a_picture(
    options: list[str], shape: tuple[int, int], channels: int, photo: Path
) -> None:
    succeed("fit", photo, *TINY, *options)
    spec = header_of(photo.with_suffix(".safetensors")).spec
    assert (spec.shape, spec.channels) == (shape, channels)


def test_a_part_of_a_sound(tmp_path: Path) -> None:
    tone = make_sound(tmp_path / "tone.wav", seconds=0.2, rate=8000)
    succeed("fit", tone, *TINY, "--start", "50ms", "--duration", "0.05s")
    assert header_of(tmp_path / "tone.safetensors").spec.shape == (400,)
    succeed("fit", tone, *TINY, "--start", "0.15", "-f")
    assert header_of(tmp_path / "tone.safetensors").spec.shape == (400,)


@pytest.mark.parametrize(
    ("options", "shape", "channels", "features"),
    [
        ([], (9, 12), 1, 2),
        (["--channels-last"], (9,), 12, 1),
        (["--domain", "sphere"], (9, 12), 1, 3),
    ],
)
def test_an_array(
    options: list[str], shape: tuple[int, ...], channels: int, features: int, tmp_path: Path
) -> None:
    succeed("fit", make_array(tmp_path / "a.npy"), *TINY, *options)
    header = header_of(tmp_path / "a.safetensors")
    assert (header.spec.shape, header.spec.channels) == (shape, channels)
    assert header.size.in_features == features


def test_notices_are_shown(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (9, 99, 0, 20)).save(tmp_path / "a.jpg")
    shown = succeed("fit", tmp_path / "a.jpg", *TINY).stderr
    assert "sinefit: note: " in shown
    assert "CMYK" in shown


def test_the_first_frame_of_a_gif(tmp_path: Path) -> None:
    frames = [Image.new("L", (16, 12), shade) for shade in (0, 128)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    shown = succeed("fit", tmp_path / "a.gif", *TINY, "--kind", "image").stderr
    assert "only the first of 2 frames" in shown
    assert header_of(tmp_path / "a.safetensors").spec.kind == "image"


def test_the_same_command_gives_the_same_bytes(photo: Path) -> None:
    for name in ("a", "b"):
        succeed("fit", photo, *TINY, "-o", f"{name}.safetensors")
    succeed("fit", photo, *TINY, "--seed", 1, "-o", "c.safetensors")
    first, second, other = (photo.with_name(f"{name}.safetensors").read_bytes() for name in "abc")
    assert first == second
    assert first != other


def test_from_earlier_weights(photo: Path) -> None:
    earlier = report_of(photo, *TINY, "--steps", 50)
    # At such a rate a step changes nothing that shows: what is there comes from the earlier fit.
    later = report_of(
        photo, "--from", photo.with_suffix(".safetensors"), "--steps", 1, "--lr", 1e-12, "-o", "b"
    )
    assert later["psnr"] == pytest.approx(earlier["psnr"], abs=1e-3)
    size = header_of(photo.with_name("b")).size
    assert (size.width, size.depth) == (16, 2)
    weights, again = load_file(photo.with_suffix(".safetensors")), load_file(photo.with_name("b"))
    for name, tensor in weights.items():
        np.testing.assert_allclose(again[name], tensor, atol=1e-8)


def test_from_weights_of_another_kind(photo: Path, tmp_path: Path) -> None:
    succeed("fit", make_sound(tmp_path / "tone.wav"), *TINY)
    assert "--from holds" in fail(2, "fit", photo, "--from", tmp_path / "tone.safetensors")
    assert "missing" in fail(3, "fit", photo, "--from", "missing.safetensors")
    assert "photo.png" in fail(3, "fit", photo, "--from", photo)


@pytest.mark.parametrize(
    "option",
    [
        ("--init", "siren"),
        ("--sigma-a", 1),
        ("--alpha", 2),
        ("--omega", 30),
        ("--width", 16),
        ("--depth", 2),
    ],
)
def test_from_weights_says_how_the_network_starts(photo: Path, option: tuple[str, object]) -> None:
    succeed("fit", photo, *TINY, "--init", "lambert:sigma_a=1", "--omega", 7)
    message = fail(2, "fit", photo, *option, "--from", "photo.safetensors", "-o", "b.safetensors")
    assert f"{option[0]} and --from exclude each other" in message
    report = report_of(photo, "--from", "photo.safetensors", "--steps", 1, "-o", "c.safetensors")
    assert report["initializer"] == "lambert:sigma_a=1"
    assert report["omega"] == [7.0, 7.0]


def test_time_ends_a_fit(photo: Path) -> None:
    report = report_of(photo, "--width", "8", "--threads", "1", "--max-time", "0.2s")
    assert report["ended_by"] == "time"
    assert report["seconds"] >= 0.2
    assert report["steps"] > 0


def test_quality_ends_a_fit(photo: Path) -> None:
    report = report_of(photo, "--width", "32", "--threads", "1", "--target-psnr", "15")
    assert report["ended_by"] == "quality"
    assert report["psnr_float"] >= 15


def test_a_fit_that_diverges_keeps_the_best_weights(photo: Path) -> None:
    options = ("--steps", "3000", "--width", "16", "--depth", "2", "--threads", "1", "--lr", "100")
    result = invoke("fit", photo, *options, "--json")
    assert result.exit_code == 1
    error = result.stderr.splitlines()[-1]
    assert error.startswith("sinefit: error: photo.png: diverged after ")
    assert "--lr" in error
    report = json.loads(result.stdout)
    assert report["ended_by"] == "divergence"
    assert report["steps"] < 3000
    assert report["psnr_float"] > 0  # not those that left the rails, which are far below
    record = header_of(photo.with_suffix(".safetensors")).record
    assert record.psnr_float == report["psnr_float"]


def test_nothing_is_overwritten_unasked(photo: Path) -> None:
    make_picture(photo.with_suffix(".jpg"), channels=1)
    succeed("fit", photo, *TINY)
    before = photo.with_suffix(".safetensors").read_bytes()
    for source in (photo, photo.with_suffix(".jpg")):
        message = fail(5, "fit", source, *TINY)
        assert message.startswith(f"{photo.with_suffix('.safetensors')}: it exists already")
        assert "--force" in message
    assert photo.with_suffix(".safetensors").read_bytes() == before
    succeed("fit", photo.with_suffix(".jpg"), *TINY, "--force")
    assert header_of(photo.with_suffix(".safetensors")).spec.source == "photo.jpg"


def test_the_input_is_never_the_output(photo: Path) -> None:
    before = photo.read_bytes()
    photo.with_name("link").symlink_to(photo)
    for name in ("photo.png", "link", "../" + photo.parent.name + "/photo.png"):
        assert "it is the input itself" in fail(5, "fit", photo, *TINY, "-o", name, "--force")
    assert photo.read_bytes() == before


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("missing/w.safetensors", "create missing first"),
        (".", "it is a folder"),
        ("a" * 300, "too long"),
        ("photo.png/w", "photo.png"),
    ],
)
def test_outputs_that_cannot_be_are_found_before_the_fit(
    output: str, cause: str, photo: Path
) -> None:
    result = invoke("fit", photo, *TINY, "-o", output)
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert cause in line


def test_inputs_that_cannot_be(photo: Path) -> None:
    assert "missing.png does not exist" in fail(3, "fit", "missing.png")
    assert "no/such.png does not exist" in fail(3, "fit", "no/such.png")
    for folder in (".", "/", photo.parent):
        assert "is a folder" in fail(3, "fit", folder)
    fail(3, "fit", "")
    assert "too long" in fail(3, "fit", "a" * 300)
    photo.with_name("garbage.png").write_bytes(b"\x00\x01" * 500)
    assert "garbage.png" in fail(3, "fit", "garbage.png")
    photo.with_name("cut.png").write_bytes(photo.read_bytes()[:60])
    assert "cut.png" in fail(3, "fit", "cut.png")
    photo.with_name("empty.png").touch()
    assert "empty" in fail(3, "fit", "empty.png")
    np.save("none.npy", np.zeros((0, 3), np.float32))
    assert "none.npy" in fail(3, "fit", "none.npy")
    succeed("fit", photo, *TINY)
    assert "weights file" in fail(3, "fit", "photo.safetensors", "-o", "x.safetensors")
    assert not photo.with_name("x.safetensors").exists()


def test_a_pipe_in_and_out(photo: Path) -> None:
    result = succeed("fit", "-", *TINY, "-o", "-", stdin=photo.read_bytes())
    header = read_header(result.stdout_bytes, "piped")
    assert header.spec.source is None
    assert header.spec.shape == (12, 16)
    succeed("fit", photo, *TINY, "-o", "w.safetensors")
    by_name = load_file("w.safetensors")
    photo.with_name("piped").write_bytes(result.stdout_bytes)
    for name, tensor in load_file("piped").items():
        np.testing.assert_array_equal(tensor, by_name[name])


@pytest.mark.parametrize("source", ["-", "/dev/stdin"])
def test_a_pipe_in_is_a_pipe_out(source: str, photo: Path) -> None:
    result = succeed("fit", source, *TINY, stdin=photo.read_bytes())
    assert read_header(result.stdout_bytes, "piped").spec.kind == "image"
    assert list(photo.parent.iterdir()) == [photo]


def test_standard_input_without_anything() -> None:
    assert "standard input" in fail(3, "fit", "-", stdin=b"")
    assert "standard input" in fail(3, "fit", "-", stdin=b"garbage" * 99)


def test_a_device_has_no_name_for_its_weights() -> None:
    assert "name a weights file with --output" in fail(2, "fit", "/dev/zero")


def test_the_type_of_a_pipe_can_be_said(photo: Path) -> None:
    stdin = io.BytesIO()
    with Image.open(photo) as image:
        image.save(stdin, "webp", lossless=True)
    succeed("fit", "-", "--format", "webp", *TINY, "-o", "w", stdin=stdin.getvalue())
    assert header_of(photo.with_name("w")).spec.format == "webp"
    message = fail(3, "fit", "-", "--format", "jpeg", *TINY, "-o", "v", stdin=stdin.getvalue())
    assert "webp" in message


def test_the_fault_of_the_input_is_told_before_that_of_the_output(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("neither a picture nor a sound")
    (tmp_path / "notes.safetensors").write_bytes(b"an earlier fit")
    assert "notes.txt is text, which cannot be fitted" in fail(3, "fit", tmp_path / "notes.txt")
    picture = make_picture(tmp_path / "a.png")
    succeed("fit", picture, *TINY)
    weights = tmp_path / "a.safetensors"
    assert "has the name of a weights file: get its signal back" in fail(3, "fit", weights)
    assert "it exists already" in fail(5, "fit", picture)


def test_blocks_larger_than_the_picture_are_refused(tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "a.png", size=(16, 12))
    message = fail(2, "fit", picture, *TINY, "--downsample", 13)
    assert "--downsample is 13: it must be at most 12" in message
    assert "16x12 pixels of" in message
    succeed("fit", picture, *TINY, "--downsample", 12)
