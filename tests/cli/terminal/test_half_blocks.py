from __future__ import annotations

import io
from typing import Any

import numpy as np
from rich.console import Console

from sinefit.cli.terminal.half_blocks import half_blocks


def test_two_pixels_are_a_character() -> None:
    picture = np.arange(3 * 2 * 3, dtype=np.uint8).reshape(3, 2, 3)
    stream = io.StringIO()
    Console(file=stream, force_terminal=True, color_system="truecolor", width=10).print(
        half_blocks(picture), end=""
    )
    upper, lower, rest = stream.getvalue().split("\n")
    assert rest == ""

    def cell(above: Any, below: Any) -> str:
        fore, back = ";".join(map(str, above)), ";".join(map(str, below))
        return f"\x1b[38;2;{fore};48;2;{back}m▀\x1b[0m"

    assert upper == cell(picture[0, 0], picture[1, 0]) + cell(picture[0, 1], picture[1, 1])
    # A last odd row stands for both halves.
    assert lower == cell(picture[2, 0], picture[2, 0]) + cell(picture[2, 1], picture[2, 1])
