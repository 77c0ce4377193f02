"""Commands that a person can paste into a shell."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def command_line(words: list[str]) -> str:
    """Return words as one line that a shell takes apart into the same words."""
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """Return a word as a shell reads it, without any byte that a terminal would not show.

    What cannot be printed, bytes that are not UTF-8 among it, takes the form $'...', which bash,
    zsh and ksh know.
    """
    if word.isprintable():
        return shlex.quote(word)
    letters = []
    for letter in word:
        if letter in "\\'":
            letters.append(f"\\{letter}")
        elif letter.isprintable():
            letters.append(letter)
        else:
            letters += [f"\\x{byte:02x}" for byte in os.fsencode(letter)]
    return f"$'{''.join(letters)}'"


def option_words(options: Mapping[str, object]) -> tuple[str, ...]:
    """Return options that are set as words of a command line; True stands for a flag alone."""
    words = []
    for flag, value in options.items():
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words += [flag, str(value)]
    return tuple(words)
