from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sinefit.api.files import write
from sinefit.cli.failures import ExitCode
from sinefit.cli.help_text import example_lines, exit_status_lines, help_of
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection

from .making import TINY, invoke, make_picture, make_sound, succeed

if TYPE_CHECKING:
    from .forked import Commands

COMMANDS = (
    "fit",
    "render",
    "view",
    "export",
    "info",
    "eval",
    "inits",
    "analyze",
    "reproduce",
    "solve",
)
CLIP = Path(__file__).parents[2] / "samples" / "clip.mp4"


def examples_of(*command: str) -> list[str]:
    """Return the examples in a command's help, as they stand there."""
    lines = [line.strip() for line in succeed(*command, "--help").stdout.splitlines()]
    lines = lines[lines.index("Examples:") + 1 :]
    return [re.sub(r"\s+#.*", "", line) for line in lines[: lines.index("")]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the files that examples name."""
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png", size=(40, 32))
    make_picture(tmp_path / "a.png")
    make_sound(tmp_path / "song.wav")
    clip = read_signal(CLIP, selection=Selection(duration=0.2, downsample=8))
    write(clip, tmp_path / "clip.mp4")
    return tmp_path


def run_example(line: str, forked: Commands) -> bytes:
    """Run a line as a shell would, but for the budgets of its fits."""
    content: bytes | None = None
    for part in line.partition(" > ")[0].split(" | "):
        name, *words = shlex.split(part)
        if name == "cat":
            content = b"".join(Path(word).read_bytes() for word in words)
            continue
        assert name == "sinefit"
        words = [
            str(found)
            for word in words
            for found in (sorted(Path().glob(word)) if "*" in word else [word])
        ]
        if words[0] == "fit":
            words += [*TINY, "--max-time", "60s"]
        if content is None:
            content = succeed(*words).stdout_bytes
        else:
            # In this process the command could not know that it is piped into.
            Path("piped").write_bytes(content)
            done = forked.run(*words, cwd=Path.cwd(), stdin="piped")
            assert done.status == 0, done.stderr
            content = done.stdout
    assert content is not None
    return content


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_the_examples_of_help_run(command: tuple[str, ...], folder: Path, forked: Commands) -> None:
    examples = examples_of(*command)
    assert len(examples) >= 2
    if command and command[0] in ("render", "view", "export", "eval", "info", "analyze"):
        succeed("fit", "photo.png", "song.wav", "clip.mp4", *TINY, "-q")
    if command == ("solve",):
        examples = [f"{example} --steps 2 --points 16" for example in examples[1:]]
    for example in examples:
        # All examples of a command are its own, those of the command above all are anyone's.
        assert not command or f"sinefit {command[0]} " in f"{example} "
        run_example(example, forked)


def test_the_example_of_a_pipe_ends_in_a_picture(folder: Path, forked: Commands) -> None:
    (line,) = [line for line in examples_of("fit") if "|" in line]
    assert run_example(line, forked).startswith(b"\x89PNG")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
@pytest.mark.parametrize("columns", [80, 100])
def test_help_begins_with_usage_a_sentence_and_examples(
    command: tuple[str, ...], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = succeed(*command, "--help").stdout
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    assert lines[0].startswith(f"Usage: {' '.join(['sinefit', *command])} [OPTIONS]")
    before = " ".join(lines[1 : lines.index("Examples:")])
    assert before.endswith(".")
    assert len(re.findall(r"\.( |$)", before)) == 1
    assert lines.index("Examples:") < next(i for i, line in enumerate(lines) if "─ " in line)
    assert max(map(len, shown.splitlines())) <= columns


def test_examples_are_not_broken_and_remarks_line_up() -> None:
    text = example_lines([("sinefit a[b]", "does this"), ("sinefit", ""), ("s", "that [x]")])
    assert text.splitlines() == [
        "Examples:",
        r"[not dim]  sinefit a\[b][/]  # does this",
        "[not dim]  sinefit[/]",
        r"[not dim]  s[/]             # that \[x]",
    ]


def test_the_rest_of_a_docstring_comes_after_the_examples() -> None:
    def command() -> None:
        """Do a thing.

        It is done
        at once.
        """

    assert help_of(command, [("x", "")]) == (
        "Do a thing.\n\nExamples:\n[not dim]  x[/]\n\nIt is done at once."
    )


def test_every_exit_status_has_a_line() -> None:
    first, *lines = exit_status_lines().splitlines()
    assert first == "Exit status:"
    assert [int(line.split()[0]) for line in lines] == [int(code) for code in ExitCode]
    shown = invoke("--help").stdout
    for line in lines:
        assert line.strip() in shown


def test_no_type_is_told_of_what_takes_no_value() -> None:
    for command in COMMANDS:
        shown = succeed(command, "--help").stdout
        assert "<bool>" not in shown
        assert "[env var:" not in shown
        assert f"SINEFIT_{command.upper()}_" in shown
