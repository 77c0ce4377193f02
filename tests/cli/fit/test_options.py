from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from sinefit.initializers.registry import INITIALIZERS
from tests.cli.making import ENVIRONMENT

LINES = {
    "sinefit ": {"fit", "render", "info", "eval", "inits"},
    "sinefit fit --init ": set(INITIALIZERS),
    "sinefit fit --init la": {"lambert"},
    "sinefit fit --preview ": {"terminal"},
    "sinefit fit --progress ": {"auto", "plain", "json", "none"},
    "sinefit render --progress pl": {"plain"},
    "sinefit eval --progress ": {"auto", "plain", "json", "none"},
    "sinefit fit --kind ": {"image", "audio", "video", "array"},
    "sinefit fit --dtype b": {"bfloat16"},
    "sinefit fit --device ": {"auto", "cpu", "cuda", "mps"},
    "sinefit render --device c": {"cpu", "cuda"},
    "sinefit fit --format pn": {"png"},
    "sinefit render --format jp": {"jpeg", "jp2"},
    "sinefit inits ": set(INITIALIZERS),
    "sinefit inits la": {"lambert"},
    "sinefit fit --prev": {"--preview"},
    "sinefit inits --": {"--json", "--help"},
}
"""What is typed when the tabulator is pressed, and what a shell can put there."""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_words(shell: str) -> None:
    # One process for all lines, each asked as the shells' scripts do.
    code = """
import os, sys
from typer.testing import CliRunner
from sinefit.cli.app import app
for line in sys.argv[2:]:
    words = line.split(" ")
    environment = {"_SINEFIT_COMPLETE": "complete_" + sys.argv[1], "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    result = CliRunner().invoke(app, [], env=environment, prog_name="sinefit")
    print(repr(result.stdout))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, shell, *LINES],
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
        text=True,
    )
    answers = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(LINES)
    for (line, expected), answer in zip(LINES.items(), answers, strict=True):
        if shell == "zsh":
            found = {part.strip('"').split(":")[0] for part in answer.split('"')[1::2] if part}
        else:
            found = {part.split("\t")[0] for part in answer.splitlines() if part}
        assert expected <= found, (line, answer)
        if shell != "zsh" and not line.endswith("-") and line != "sinefit ":
            assert found == expected, (line, answer)
