"""The table of exit statuses: what happens, and what a script that called the command sees of it.

`python -m pytest tests/cli/test_exit_table.py -v` prints it, a scenario per line.
"""

from __future__ import annotations

import re
import shutil
import signal
from typing import TYPE_CHECKING, NoReturn

import pytest

from sinefit.cli.failures import ExitCode

from .making import TINY, invoke, make_picture, make_sound, succeed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .forked import Commands

DIVERGING = "--steps 3000 --width 16 --depth 2 --batch 50 --threads 1 --lr 100"

# (status, command, what has happened, the line on standard error; None for help instead of one).
# {tiny} are options of a brief fit.
TABLE = [
    (0, "fit photo.png {tiny} -q", "done", ""),
    (0, "fit photo.png tone.wav {tiny} -q", "a whole batch done", ""),
    (0, "fit old.png {tiny} -q --skip-existing", "nothing left to do", ""),
    (0, "render w.safetensors -q -o out.png", "done", ""),
    (1, f"fit photo.png {DIVERGING} -q", "the fit diverged", r"photo\.png: diverged after .*--lr"),
    (2, "fit", "no file named", r"no FILE: name what to fit"),
    (2, "fit photo.png --qqq", "no such option", r"fit: no such option --qqq \(see: "),
    (2, "fit photo.png --width 0", "a value out of range", r"--width is 0: "),
    (2, "fit photo.png --steps many", "a value of the wrong type", r"fit: --steps is 'many': it "),
    (2, "fit photo.png --init nothing", "no such initializer", r"--init: unknown initializer"),
    (2, "fit photo.png --device cuda:99", "no such device", r"--device is cuda:99: "),
    (
        2,
        "fit photo.png --json -o -",
        "two products for one stream",
        r".*both claim standard output",
    ),
    (2, "fit photo.png --start 1", "an option of another kind of signal", r"--start is for audio"),
    (2, "fit photo.png tone.wav -o w", "one name for two outputs", r"--output names one file"),
    (2, "render w.safetensors --scale big", "a value of the wrong type", r"--scale is 'big'"),
    (2, "render w.safetensors --rate 8000", "an option of another kind", r"--rate does not apply"),
    (
        2,
        "render w.safetensors --format jpeg -o x.png",
        "name and format differ",
        r"--format is jpeg",
    ),
    (2, "render w.safetensors --device abacus", "no such device", r"--device is abacus"),
    (2, "render --size", "a value is missing", r"render: option --size requires an argument"),
    (2, "info", "no file named", r"info: missing argument 'FILE' \(see: "),
    (2, "info photo.png extra", "too many files", r"info: got unexpected extra .*extra"),
    (2, "eval w.safetensors", "no original named", r"eval: missing argument 'ORIGINAL'"),
    (2, "eval - -", "two inputs from one stream", r".*both claim standard input"),
    (2, "eval w.safetensors photo.png --region 1", "a value that cannot be", r"--region is '1'"),
    (2, "inits nothing", "no such initializer", r"unknown initializer 'nothing': choose from "),
    (2, "nothing", "no such command", r"no such command 'nothing' \(see: sinefit --help"),
    (2, "", "no command", None),
    (3, "fit missing.png", "no such file", r"missing\.png does not exist: check the name"),
    (3, "fit folder", "a folder", r"folder is a folder: add --recursive"),
    (3, "fit folder --recursive", "an empty folder", r"folder: no file in this folder"),
    (3, "fit bad.png", "a damaged file", r"bad\.png .+"),
    (3, "fit empty.png", "an empty file", r"empty\.png is empty"),
    (3, "fit w.safetensors -o x", "a weights file", r"w\.safetensors .*weights file"),
    (3, "fit - -o x", "nothing piped in", r"standard input(: it)? is empty"),
    (3, "fit photo.png --max-pixels 9", "above a limit", r"photo\.png .*--max-pixels"),
    (3, "fit photo.png --config missing.toml", "no such file of options", r"missing\.toml cannot"),
    (3, "fit --resume w.safetensors", "no checkpoint", r"w\.safetensors: a finished weights file"),
    (3, "fit photo.png --from missing", "no such weights", r"missing "),
    (3, "render missing", "no such file", r"missing "),
    (3, "render folder", "a folder", r"folder: it is a folder"),
    (3, "render photo.png", "no weights file", r"photo\.png: not a weights file"),
    (3, "render cut", "a damaged file", r"cut: damaged"),
    (3, "render - -o x.png", "nothing piped in", r"standard input: it is empty"),
    (3, "info missing", "no such file", r"missing does not exist"),
    (3, "info bad.png", "a damaged file", r"bad\.png "),
    (3, "info cut", "a damaged file", r"cut: damaged"),
    (3, "eval missing photo.png", "no such weights", r"missing "),
    (3, "eval w.safetensors missing.png", "no such original", r"missing\.png does not exist"),
    (4, "fit photo.png --width 2000000 -q", "a network too large", r"a network of .* GB are free"),
    (
        5,
        "fit old.png {tiny} -q",
        "the output exists",
        r"old\.safetensors: it exists already; .*--f",
    ),
    (5, "fit photo.png -o missing/w", "no such folder", r"missing/w: its folder does not exist"),
    (5, "fit photo.png -o folder", "a folder", r"folder: it is a folder; name a file"),
    (5, "fit photo.png -f -o photo.png", "the input itself", r"photo\.png: it is the input itself"),
    (5, "fit photo.png photo.jpg", "a collision", r"photo\.png and photo\.jpg would both be"),
    (5, "fit photo.png --log missing/log", "no place for the log", r"missing/log: cannot write"),
    (5, "render w.safetensors -o old.png", "the output exists", r"old\.png: it exists already; "),
    (5, "render w.safetensors -o x.wav", "a name of another kind", r"x\.wav: no format for kind"),
    (5, "render w.safetensors -o missing/x.png", "no such folder", r"missing/x\.png: its folder "),
    (
        6,
        "fit photo.png missing.png {tiny} -q",
        "one of two failed",
        r"  missing\.png does not exist",
    ),
    (6, "fit missing.png bad.png {tiny} -q", "all of two failed", r"  bad\.png "),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the table names."""
    folder = tmp_path_factory.mktemp("files")
    make_picture(folder / "photo.png", size=(8, 8))
    make_sound(folder / "tone.wav", seconds=0.01)
    shutil.copy(folder / "photo.png", folder / "old.png")
    succeed("fit", folder / "photo.png", *TINY, "-q", "-o", folder / "w.safetensors")
    shutil.copy(folder / "w.safetensors", folder / "old.safetensors")
    (folder / "cut").write_bytes((folder / "w.safetensors").read_bytes()[:-9])
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    (folder / "empty.png").touch()
    return folder


@pytest.fixture
def here(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, a copy of that of the table."""
    for path in files.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def row_id(row: tuple[int, str, str, str | None]) -> str:
    command = row[1].replace(" {tiny}", "").replace(DIVERGING, "--lr 100") or "(none)"
    return f"{row[0]}: {row[2]}: {command}"


@pytest.mark.parametrize(
    ("status", "command", "line"),
    [pytest.param(row[0], row[1], row[3], id=row_id(row)) for row in TABLE],
)
def test_status(status: int, command: str, line: str | None, here: Path) -> None:
    before = {path.name: path.read_bytes() for path in here.iterdir() if path.is_file()}
    result = invoke(*command.format(tiny=" ".join(TINY)).split(), stdin=b"")
    assert result.exit_code == status
    assert "Traceback" not in result.stderr
    if command:
        assert result.stdout == ""
    if line == "":
        assert result.stderr == ""
    elif line is None:
        assert "Usage: " in result.output
    else:
        last = result.stderr.splitlines()[-1]
        assert re.match(f"sinefit: (error: )?{line}", last), last
    if status in (2, 3, 4, 5):
        # A command that fails at once has changed and left nothing.
        assert before == {path.name: path.read_bytes() for path in here.iterdir() if path.is_file()}


# What each command does in the middle, to be replaced by an accident; all are called by name there.
MIDDLES = {
    "fit photo.png -q": "sinefit.jobs.checkpointed.run_plan",
    "render w.safetensors -q -o x.png": "sinefit.jobs.renders.render_pieces",
    "info photo.png": "sinefit.signals.reading.read_signal",
    "eval w.safetensors photo.png -q": "sinefit.scoring.score_field",
    "inits siren": "sinefit.cli.inits.parameters_of",
}


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def accident(*_arguments: object, **_options: object) -> NoReturn:
        raise error

    return accident


def signalling(number: signal.Signals) -> Callable[..., NoReturn]:
    def accident(*_arguments: object, **_options: object) -> NoReturn:
        signal.raise_signal(number)
        raise AssertionError("the signal was lost")

    return accident


ACCIDENTS = [
    (
        1,
        "a defect",
        raising(ZeroDivisionError("so")),
        r"unexpected ZeroDivisionError: so; a defect",
    ),
    (4, "out of memory", raising(MemoryError()), r"out of memory$"),
    (4, "no memory for a process", raising(OSError(12, "Cannot allocate memory")), "out of memory"),
    (
        5,
        "no room for a copy",
        raising(OSError(28, "No space left", "/tmp/x")),
        r"(/tmp/x|x\.png): cannot ",
    ),
    (130, "Ctrl-C", raising(KeyboardInterrupt()), r"stopped$"),
    (143, "SIGTERM", signalling(signal.SIGTERM), r"terminated$"),
    (143, "SIGUSR1", signalling(signal.SIGUSR1), r"terminated$"),
    (143, "SIGHUP", signalling(signal.SIGHUP), r"terminated$"),
]


@pytest.mark.parametrize(
    ("command", "status", "accident", "line"),
    [
        pytest.param(command, row[0], row[2], row[3], id=f"{row[0]}: {row[1]}: {command}")
        for command in MIDDLES
        for row in ACCIDENTS
        # A fit that is asked to end writes a checkpoint first: see test_resume.
        if not (row[0] == 143 and command.startswith("fit"))
    ],
)
def test_accidents(
    command: str,
    status: int,
    accident: Callable[..., NoReturn],
    line: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = sorted(path.name for path in here.iterdir())
    monkeypatch.setattr(MIDDLES[command], accident)
    result = invoke(*command.split())
    assert result.exit_code == status
    assert result.stdout == ""
    assert re.match(f"sinefit: error: {line}", result.stderr.splitlines()[-1])
    assert sorted(path.name for path in here.iterdir()) == before


@pytest.mark.parametrize(
    "command",
    [
        "fit photo.png {tiny} -q -o -",
        "fit photo.png {tiny} -q --json -o x",
        "render w.safetensors -q -o -",
        "info photo.png",
        "info photo.png --json",
        "eval w.safetensors photo.png -q",
        "inits",
        "--help",
        "fit --help",
        "--version",
    ],
)
def test_141_the_reader_has_gone(command: str, here: Path, forked: Commands) -> None:
    words = command.format(tiny=" ".join(TINY)).split()
    done = forked.run(*words, cwd=here, stdout="broken")
    assert (done.status, done.stderr) == (141, b"")


def test_the_table_is_complete() -> None:
    assert {row[0] for row in TABLE} | {row[0] for row in ACCIDENTS} | {141} == set(ExitCode)
