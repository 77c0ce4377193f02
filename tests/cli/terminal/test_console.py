from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinefit.cli.terminal.console import printable


def test_names_are_printable_without_a_loss() -> None:
    assert printable("photo.png") == "photo.png"
    assert printable("résumé.png") == "résumé.png"
    assert printable("bad\udcff.png") == "bad\\xff.png"
    assert printable("two\nlines\x1b[31m\u2028.png") == "two\\nlines\\x1b[31m\\u2028.png"


@given(st.text())
def test_what_is_printable_is_one_line_without_commands_to_the_terminal(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
