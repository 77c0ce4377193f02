"""Commands that a person can paste into a shell."""

from __future__ import annotations

import os
import shlex


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
