from __future__ import annotations

import os
import shlex
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.cli.words.quoting import command_line, quoted

NAMES = [
    "photo.png",
    "a b.png",
    "it's.png",
    "-x",
    "",
    "$HOME",
    "bad\udcff.png",
    "two\nlines",
    "\x1b[31m",
]
NAMES += ["r\udcffsum\u00e9 'x\\n' f.png", "*", "!x", "\udcff0", "\u2028", "~"]

bash = shutil.which("bash")


@pytest.mark.skipif(bash is None, reason="there is no bash here")
def test_a_shell_reads_the_same_words() -> None:
    line = command_line(["printf", r"%s\0", *NAMES])
    assert line.isprintable()
    assert bash is not None
    done = subprocess.run(
        [bash, "-c", line], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert done.stdout.split(b"\0")[:-1] == [os.fsencode(name) for name in NAMES]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_ordinary_words_are_quoted_as_everywhere(word: str) -> None:
    if word.isprintable():
        assert shlex.split(quoted(word)) == [word]
    else:
        assert quoted(word).startswith("$'")
    assert quoted(word).isprintable()
