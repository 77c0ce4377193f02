"""What people expect of a media command: streams, names, formats, machine-readable output."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

from sinefit.cli.terminal.console import printable
from sinefit.fields.weights_file import read_field
from sinefit.signals.formats import FORMATS, extension_of, formats_of
from sinefit.signals.reading import read_signal

from .making import TINY, fail, invoke, make_array, make_picture, make_sound, succeed
from .stops import names

if TYPE_CHECKING:
    from sinefit.signals.signal import Kind

    from .forked import Commands

SOURCES = {"image": "photo.png", "audio": "tone.wav", "video": "clip.gif", "array": "array.npy"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a signal of every kind and its weights, named after the kind."""
    folder = tmp_path_factory.mktemp("conventions")
    make_picture(folder / "photo.png", size=(8, 8))
    make_sound(folder / "tone.wav", seconds=0.01)
    make_array(folder / "array.npy", (4, 5))
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 99)]
    frames[0].save(folder / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    for kind, source in SOURCES.items():
        succeed("fit", folder / source, *TINY, "-q", "-o", folder / f"{kind}.safetensors")
    return folder


@pytest.fixture
def here(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, with a copy of these files."""
    for path in files.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- Only the product on standard output, everything else on standard error. ---


@pytest.mark.parametrize(
    ("command", "product"),
    [
        (("fit", "photo.png", *TINY, "-o", "x"), b""),
        (("fit", "photo.png", *TINY, "-o", "-"), b"{"),
        (("fit", "photo.png", *TINY, "-o", "x", "--json"), b'{"json_version": 1, '),
        (("fit", "photo.png", *TINY, "--dry-run"), b"photo.png -> photo.safetensors\n"),
        (("render", "image.safetensors", "-o", "x.png"), b""),
        (("render", "image.safetensors", "-o", "-"), b"\x89PNG\r\n\x1a\n"),
        (("render", "audio.safetensors", "-o", "-"), b"RIFF"),
        (("info", "photo.png", "--json"), b'{"json_version": 1, '),
        (("eval", "image.safetensors", "photo.png", "--json"), b'{"json_version": 1, '),
        (("inits", "siren", "--json"), b'{"json_version": 1, '),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_standard_output_holds_the_product_alone(
    command: tuple[str, ...], product: bytes, here: Path
) -> None:
    result = succeed(*command)
    quiet = invoke(*command, *(() if command[0] in ("info", "inits") else ("-q", "--force")))
    if command[0] == "eval":
        quiet = invoke(*command, "-q")
    if command[-1] == "-":
        # To the last byte it is what the same command writes into a file.
        ending = ".wav" if product == b"RIFF" else ".png" if product[:1] == b"\x89" else ""
        succeed(*command[:-1], f"same{ending}")
        assert result.stdout_bytes == Path(f"same{ending}").read_bytes()
        assert product in result.stdout_bytes[:9]
    elif product[-1:] == b"\n" or not product:
        assert result.stdout_bytes == product
    else:
        assert result.stdout_bytes.startswith(product)
        json.loads(result.stdout)
        assert result.stdout.count("\n") == 1
    if "seconds" not in quiet.stdout:
        assert quiet.stdout_bytes == result.stdout_bytes
    assert quiet.stderr == ""
    assert "\x1b" not in result.stderr
    assert "\r" not in result.stderr


# --- No prompt, whatever is closed; a closed stream is no file's number. ---


@pytest.mark.parametrize("closed", [("stdin",), ("stdin", "stdout"), ("stdin", "stdout", "stderr")])
def test_an_existing_output_is_never_asked_about(
    closed: tuple[str, ...], here: Path, forked: Commands
) -> None:
    before = (here / "image.safetensors").read_bytes()
    streams = dict.fromkeys(closed)
    fit = ("fit", "photo.png", *TINY, "-o", "image.safetensors")
    assert forked.run(*fit, cwd=here, **streams).status == 5
    assert (here / "image.safetensors").read_bytes() == before


def test_a_fit_and_a_render_with_all_streams_closed(here: Path, forked: Commands) -> None:
    closed = dict.fromkeys(("stdin", "stdout", "stderr"))
    assert forked.run("fit", "photo.png", *TINY, "-o", "w", cwd=here, **closed).status == 0
    assert (here / "w").read_bytes() == (here / "image.safetensors").read_bytes()
    # A film is written by another process, which takes its streams from this one.
    render = ("render", "video.safetensors", "-o", "out.mp4")
    assert forked.run(*render, cwd=here, **closed).status == 0
    assert read_signal(here / "out.mp4").spec.shape == (2, 8, 8)


@pytest.mark.parametrize("command", ["fit", "render"])
def test_a_closed_input_is_no_input(command: str, here: Path, forked: Commands) -> None:
    done = forked.run(command, "-", "-o", "x.png", cwd=here, stdin=None)
    assert (done.status, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"sinefit: error: standard input: ")
    assert done.stderr.count(b"\n") == 1


def test_a_closed_output_is_told(here: Path, forked: Commands) -> None:
    for command in (("fit", "photo.png"), ("render", "image.safetensors")):
        done = forked.run(*command, "-o", "-", cwd=here, stdout=None)
        assert done.status == 5
        assert done.stderr.startswith(b"sinefit: error: standard output is closed; ")


# --- Names: any bytes that the file system takes. ---

NAMES = [
    *("two words", "photo[b]", "[bold]x", "[b]", "-x", "--force", "it's", 'a"b', "$HOME", "a;b"),
    *("*", "~", "#x", "%s{0}", ":smile:", "résumé", "\u202eabc", "bad\udcff", "a\nb", "a\tb"),
    *("a\x1b[31mb", "a\\b", " lead", "trail ", ".hidden", "x" * 120),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names(name: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture = tmp_path / f"{name}.png"
    shutil.copy(files / "photo.png", picture)
    shown = succeed("fit", *TINY, "--", picture.name).stderr
    assert f"{printable(name)}.safetensors: " in shown
    assert not any(letter in shown for letter in "\x1b\t\r")
    succeed("render", "--", f"{name}.safetensors")
    assert names(tmp_path) == sorted([f"{name}-1x.png", f"{name}.png", f"{name}.safetensors"])
    # By a path that does not begin with a dash no -- is needed.
    assert json.loads(succeed("info", f"./{name}.png", "--json").stdout)["file"] == f"./{name}.png"
    succeed("eval", f"./{name}.safetensors", f"./{name}.png", "--json")
    # An error about it is one line.
    picture.write_bytes(b"")
    for command in ("fit", "info"):
        result = invoke(command, "--", picture.name)
        assert result.exit_code in (3, 5)
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"sinefit: error: {printable(name)}.")


def test_a_leading_dash_alone_is_an_option(here: Path) -> None:
    shutil.copy("photo.png", "-x.png")
    assert invoke("fit", "-x.png").exit_code == 2
    succeed("fit", "./-x.png", *TINY)
    assert read_field(Path("-x.safetensors")).spec.source == "-x.png"


# --- Formats: the name decides; what contradicts is an error before any work. ---

KINDS: tuple[Kind, ...] = ("image", "audio", "video", "array")
EXTENSIONS = sorted({end for kind in KINDS for ends in FORMATS[kind].values() for end in ends})


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_of_another_kind_is_refused(kind: Kind, here: Path) -> None:
    before = names(here)
    own = {end for name in formats_of(kind) for end in {**FORMATS[kind], **FORMATS["array"]}[name]}
    foreign = [end for end in EXTENSIONS if end not in own]
    assert len(foreign) > 5
    for end in foreign:
        for ending in (end, end.upper()):
            message = fail(5, "render", f"{kind}.safetensors", "-o", f"x{ending}")
            assert message.startswith(f"x{ending}: no format for kind {kind} ")
    assert names(here) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_and_a_format_that_differ_are_refused(kind: Kind, here: Path) -> None:
    before = names(here)
    formats = formats_of(kind)
    for wanted in formats:
        for named in formats:
            if named != wanted:
                name = f"x{extension_of(named)}"
                message = fail(2, "render", f"{kind}.safetensors", "--format", wanted, "-o", name)
                assert message == (
                    f"--format is {wanted}, but the name {name} says {named}: drop one of them"
                )
    others = {name for other in KINDS for name in FORMATS[other]} - set(formats)
    for wanted in sorted(others):
        message = fail(2, "render", f"{kind}.safetensors", "--format", wanted, "-o", "x")
        assert message.startswith(f"--format is {wanted}: for a field of kind {kind} it can be ")
    assert names(here) == before


def test_default_names_that_exist_are_found_before_the_run(here: Path) -> None:
    Path("image-2x.png").write_bytes(b"old")
    message = fail(5, "render", "image.safetensors", "--scale", 2)
    assert message.startswith("image-2x.png: it exists already; add --force")
    Path("tone.safetensors").write_bytes(b"old")
    assert fail(5, "fit", "tone.wav").startswith("tone.safetensors: it exists already; ")
    assert Path("image-2x.png").read_bytes() == Path("tone.safetensors").read_bytes() == b"old"


# --- The same command, the same bytes. ---


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_gives_the_same_bytes(kind: Kind, here: Path, forked: Commands) -> None:
    fit = ("fit", SOURCES[kind], *TINY, "-q", "-o")
    assert forked.run(*fit, "w", cwd=here).status == 0
    assert Path("w").read_bytes() == Path(f"{kind}.safetensors").read_bytes()
    # And a render by this one, twice.
    render = ("render", "w", "--scale", 2, "-q", "-o", "-")
    assert succeed(*render).stdout_bytes == succeed(*render).stdout_bytes
    assert json.loads(succeed("info", "w", "--json").stdout)["fit"]["seed"] == 0


# --- Devices. ---


@pytest.mark.parametrize(
    "device",
    [
        pytest.param("cuda", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there")),
        pytest.param(
            "mps", marks=pytest.mark.skipif(torch.backends.mps.is_available(), reason="there")
        ),
    ],
)
def test_a_device_that_is_not_there_is_never_replaced(device: str, here: Path) -> None:
    before = names(here)
    for command in (
        ("fit", "photo.png", *TINY),
        ("render", "image.safetensors", "-o", "x.png"),
        ("eval", "image.safetensors", "photo.png"),
    ):
        message = fail(2, *command, "--device", device)
        assert message.startswith(f"--device is {device}: ")
        assert "--device auto" in message or "--device cpu" in message
    assert names(here) == before


# --- What machines read: a key that goes or changes its type takes a new version. ---

NUMBER = (int, float)
SPEC = {
    "kind": str,
    "shape": list,
    "channels": int,
    "dtype": str,
    "low": NUMBER,
    "high": NUMBER,
    "format": str,
    "bit_depth": int,
    "alpha": bool,
    "icc_profile": bool,
    "soundtrack": bool,
    "channels_last": bool,
    "domain": str,
    "source": str,
    "source_bytes": int,
}
RECORD = {
    "initializer": str,
    "omega": list,
    "seed": int,
    "steps": int,
    "batch": int,
    "learning_rates": list,
    "psnr": NUMBER,
    "psnr_float": NUMBER,
    "psnr_range": NUMBER,
}
SCHEMAS: dict[tuple[str, ...], dict[str, Any]] = {
    ("fit", "tone.wav", *TINY): {
        **RECORD,
        "file": str,
        "weights": str,
        "seconds": NUMBER,
        "samples_per_second": NUMBER,
        "device": str,
        "ended_by": str,
        "dtype": str,
        "snr": NUMBER,
    },
    ("info", "image.safetensors"): {
        "file": str,
        "type": str,
        "bytes": int,
        "source_bytes": int,
        "parameters": int,
        "share_of_source": NUMBER,
        "bits_per_sample": NUMBER,
        "storage": str,
        "tool_version": str,
        "signal": SPEC,
        "fit": RECORD,
        "network": {"in_features": int, "width": int, "depth": int, "out_features": int},
    },
    ("info", "photo.png"): {
        "file": str,
        "type": str,
        "bytes": int,
        "signal": SPEC,
        "notices": list,
    },
    ("eval", "image.safetensors", "photo.png"): {
        "psnr": NUMBER,
        "psnr_float": NUMBER,
        "psnr_range": NUMBER,
        "ssim": NUMBER,
    },
    ("inits", "siren"): {"initializers": list},
    ("eval", "audio.safetensors", "tone.wav"): {
        "psnr": NUMBER,
        "psnr_float": NUMBER,
        "psnr_range": NUMBER,
        "snr": NUMBER,
    },
}


def check_schema(values: dict[str, Any], schema: dict[str, Any]) -> None:
    for key, kind in schema.items():
        assert key in values
        if isinstance(kind, dict):
            check_schema(values[key], kind)
        else:
            assert isinstance(values[key], kind), key


@pytest.mark.parametrize("command", SCHEMAS, ids=lambda command: " ".join(command[:2]))
def test_objects_have_their_keys(command: tuple[str, ...], here: Path) -> None:
    text = succeed(*command, "--json").stdout
    values = json.loads(text, parse_constant=pytest.fail)  # NaN and Infinity are no JSON
    assert next(iter(values)) == "json_version"
    assert values["json_version"] == 1
    check_schema(values, SCHEMAS[command])


def test_a_failed_fit_is_an_object_too(here: Path) -> None:
    (line,) = invoke("fit", "missing.png", "--json").stdout.splitlines()
    check_schema(json.loads(line), {"json_version": int, "file": str, "error": str, "exit": int})


# --- Completion. ---


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ("sinefit fit --init la", "sinefit fit photo.png --init la"):
        monkeypatch.setenv("_SINEFIT_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        shown = invoke().stdout
        assert "lambert" in shown
        assert "siren" not in shown


@pytest.mark.skipif(os.name != "posix", reason="devices have names on POSIX")
def test_devices_are_never_replaced(here: Path) -> None:
    for name in ("/dev/null", "link"):
        Path("link").unlink(missing_ok=True)
        Path("link").symlink_to("/dev/null")
        succeed("fit", "photo.png", *TINY, "-q", "-o", name)
        succeed("render", "image.safetensors", "-q", "--force", "-o", name)
    assert Path("/dev/null").is_char_device()
    assert Path("link").is_symlink()
