from __future__ import annotations

import math
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.cli.commands import load_command
from sinefit.cli.fit.config_file import _toml
from sinefit.errors import SettingError
from sinefit.fields.metadata import read_header
from tests.cli.making import TINY, fail, invoke, make_picture, succeed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(*arguments: object) -> dict[str, Any]:
    """Return what --show-config tells of the options in effect."""
    return tomllib.loads(succeed("fit", "--show-config", *arguments).stdout)


def config(folder: Path, text: str) -> Path:
    path = folder / "fit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_flags_go_before_variables_before_the_file_before_defaults(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "steps" not in shown()
    assert "batch" not in shown()
    path = config(here, "steps = 11\nwidth = 12\nbatch = 13\n")
    assert (shown("--config", path)["steps"], shown("--config", path)["batch"]) == (11, "13")
    monkeypatch.setenv("SINEFIT_FIT_STEPS", "21")
    monkeypatch.setenv("SINEFIT_FIT_WIDTH", "22")
    values = shown("--config", path, "--steps", 31)
    assert (values["steps"], values["width"], values["batch"]) == (31, 22, "13")
    # The place of --config on the line does not matter, nor that a variable names the file.
    assert shown("--steps", 31, "--config", path) == values
    monkeypatch.setenv("SINEFIT_FIT_CONFIG", str(path))
    assert shown("--steps", 31) == values


def test_the_file_decides_the_fit(here: Path) -> None:
    make_picture(here / "photo.png")
    text = """
        steps = 5
        threads = 1
        width = 9
        depth = 2
        omega = 20          # a number, where the flag takes a text
        max-time = 60.5
        lr = 1e-3
        dtype = "bfloat16"
        quiet = true
    """
    result = succeed("fit", "photo.png", "--config", config(here, text), "--width", 8)
    assert (result.stdout, result.stderr) == ("", "")
    header = read_header((here / "photo.safetensors").read_bytes(), "photo")
    assert (header.size.width, header.size.depth, header.storage) == (8, 2, "bfloat16")
    assert header.record.omega == (20.0, 20.0)
    assert header.record.steps == 5
    assert header.record.learning_rates[-1] == pytest.approx(1e-3)


def test_a_share_of_nyquist_in_the_file(here: Path) -> None:
    make_picture(here / "photo.png")
    path = config(here, 'omega = "0.5nyquist"\nsteps = 1\nwidth = 4\nquiet = true')
    succeed("fit", "photo.png", "--config", path)
    header = read_header((here / "photo.safetensors").read_bytes(), "photo")
    half = [math.pi * samples / 4 for samples in header.spec.shape]
    assert header.record.omega == pytest.approx(half)


def test_every_long_flag_has_a_key_and_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = load_command("fit").params
    flags = {name for parameter in parameters for name in parameter.opts if name.startswith("--")}
    told_on_the_line = {"--output", "--resume", "--config", "--show-config"}
    told_on_the_line |= {"--for"}  # another name of --recipe
    assert {f"--{key}" for key in all_keys()} == flags - told_on_the_line
    for key, value in (("json", True), ("sound", False), ("format", "wav"), ("from", "w")):
        monkeypatch.setenv(f"SINEFIT_FIT_{key.upper()}", str(value))
        assert shown()[key] == value
    for key in ("max-time", "duration", "output-folder"):
        monkeypatch.setenv(f"SINEFIT_FIT_{key.upper().replace('-', '_')}", "7s")
        assert shown()[key] == "7s"


def all_keys() -> set[str]:
    lines = succeed("fit", "--show-config").stdout.splitlines()
    return {line.removeprefix("# ").replace(":", " =").partition(" =")[0] for line in lines}


def test_what_is_not_set_is_told_with_its_default() -> None:
    lines = succeed("fit", "--show-config").stdout.splitlines()
    for line in (
        "# init: siren",
        "# width: by the signal",
        "# steps: by the signal",
        "# region: not set",
    ):
        assert line in lines


AWKWARD = 'a "b" \\ c\té\x7f😀'


def test_what_is_shown_can_be_fed_back(here: Path) -> None:
    options = ["--init", "lambert:sigma_a=1", "--omega", "20,10", "--lr", "1e-5", "--batch", "50"]
    options += ["--target-psnr", "inf", "--no-sound", "--json", "--seed", "7", "-O", AWKWARD]
    options += ["--max-time", "90s", "--region", "0,0,5,5", "--recursive", "--dtype", "float16"]
    text = succeed("fit", "--show-config", *options).stdout
    assert text.isascii()
    values = tomllib.loads(text)
    assert values["output-folder"] == AWKWARD
    assert (values["lr"], values["sound"], values["omega"]) == (1e-5, False, "20,10")
    assert values["target-psnr"] == math.inf
    again = succeed("fit", "--show-config", "--config", config(here, text)).stdout
    assert again == text
    assert succeed("fit", "--show-config").stdout != text


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ("omega = [10, 20.5]", "omega", "10,20.5"),
        ("omega = [10]", "omega", "10"),
        ("region = [1, 2, 3, 4]", "region", "1,2,3,4"),
    ],
)
def test_several_numbers_may_be_a_list(line: str, key: str, expected: str, here: Path) -> None:
    assert shown("--config", config(here, line))[key] == expected


def test_a_bad_value_names_where_it_is_from(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_picture(here / "photo.png")
    for line, told in (
        ("steps = 0", "fit.toml: --steps is 0: it must be at least 1"),
        ("steps = 'many'", "fit: fit.toml: --steps is 'many': it must be a whole number"),
        ("max-time = 'soon'", "fit.toml: --max-time is 'soon': write seconds"),
        ("init = 'lamb'", "fit.toml: --init: unknown initializer 'lamb'"),
    ):
        message = fail(2, "fit", "photo.png", "--config", config(here, line).name)
        assert message.startswith(told)
    monkeypatch.setenv("SINEFIT_FIT_STEPS", "0")
    assert fail(2, "fit", "photo.png").startswith("SINEFIT_FIT_STEPS: --steps is 0: ")
    assert fail(2, "fit", "photo.png", "--steps", "-1").startswith("--steps is -1: ")
    monkeypatch.setenv("SINEFIT_FIT_STEPS", "many")
    message = fail(2, "fit", "photo.png")
    assert message.startswith("fit: SINEFIT_FIT_STEPS: --steps is 'many': it must be a whole")


def test_showing_reads_and_writes_no_file(here: Path) -> None:
    make_picture(here / "photo.png")
    succeed("fit", "photo.png", "missing.png", "--show-config")
    assert [path.name for path in here.iterdir()] == ["photo.png"]


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.booleans())
def test_scalars_as_toml(value: object) -> None:
    read = tomllib.loads(f"key = {_toml('key', value)}")["key"]
    assert read == value
    assert type(read) is type(value)


@given(st.floats())
def test_floats_as_toml(value: float) -> None:
    read = tomllib.loads(f"key = {_toml('key', value)}")["key"]
    assert isinstance(read, float)
    assert read == value or (math.isnan(read) and math.isnan(value))


def test_a_name_that_toml_cannot_hold() -> None:
    with pytest.raises(SettingError, match=r"^--log holds bytes that are no UTF-8"):
        _toml("log", "bad\udcff")
    assert "--log holds bytes" in fail(2, "fit", "--show-config", "--log", "bad\udcff")


@pytest.mark.parametrize(
    ("text", "code", "cause"),
    [
        ("widht = 3", 2, "fit.toml: no option is called 'widht' there; did you mean width?"),
        ("max_time = 3", 2, "did you mean max-time?"),
        ("output = 'x'", 2, "no option is called 'output'"),
        ("[fit]\nsteps = 3", 2, "no option is called 'fit'"),
        ("'a\\nb' = 3", 2, "no option is called"),
        ("steps = [3]", 2, "steps must be a text, a number, true or false"),
        ("[steps]\na = 3", 2, "steps must be a text"),
        ("start = 1979-05-27", 2, "start must be a text"),
        ("steps = ", 3, "fit.toml: it is no TOML: "),
        ("steps = 3\nsteps = 4", 3, "it is no TOML"),
        ("width = " + "1" * 5000, 3, "it is no TOML"),
        ("a = " + "[" * 99999, 3, "it is no TOML"),
    ],
)
def test_files_that_cannot_be(text: str, code: int, cause: str, here: Path) -> None:
    assert cause in fail(code, "fit", "photo.png", "--config", config(here, text))
    assert len(invoke("fit", "--config", "fit.toml").stderr.splitlines()) == 1


def test_files_that_cannot_be_read(here: Path) -> None:
    (here / "latin.toml").write_bytes("init = 'é'".encode("latin-1"))
    assert "latin.toml: it is no TOML" in fail(3, "fit", "--config", "latin.toml")
    assert fail(3, "fit", "--config", "no.toml").startswith("no.toml cannot be read: No such file")
    assert "Is a directory" in fail(3, "fit", "--config", ".")


@pytest.mark.parametrize(
    "line", ["steps = 'many'", "steps = true", "steps = 1.5", "dtype = 'int8'", "force = 'perhaps'"]
)
def test_values_that_cannot_be(line: str, here: Path) -> None:
    make_picture(here / "photo.png")
    result = invoke("fit", "photo.png", *TINY[2:], "--config", config(here, line))
    assert result.exit_code == 2
    assert f"--{line.split()[0]}" in result.stderr
    assert not (here / "photo.safetensors").exists()
