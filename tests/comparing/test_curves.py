from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sinefit.analyzing.figures.style import look
from sinefit.comparing.curves import check_curves, draw_curves, save_curves
from sinefit.comparing.results import Comparison
from sinefit.errors import OutputExistsError, SettingError

from .making import cell

if TYPE_CHECKING:
    from pathlib import Path
from typing import Any

CURVES = {
    0: ((50, 1.0, 20.0), (100, 2.0, 24.0), (150, 3.0, 25.0)),
    1: ((50, 2.0, 22.0), (100, 4.0, 26.0)),
}
CELLS = tuple(
    cell(init, seed, file, curve=CURVES[seed], steps=100, operations=1e9)
    for file in ("a.png", "b.png")
    for init in ("siren", None)
    for seed in (0, 1)
)
FOUND = Comparison(CELLS, "100 steps")


def test_lines_are_means_over_the_seeds_as_far_as_all_go() -> None:
    with look():
        figure = draw_curves(FOUND)
    assert len(figure.axes) == 6
    for place, across in enumerate([[50.0, 100.0], [1.5, 3.0], [5e8, 1e9]]):
        lines: list[Any] = list(figure.axes[place].get_lines())
        assert [line.get_label() for line in lines] == ["siren", "finer"]
        for line in lines:
            np.testing.assert_allclose(np.asarray(line.get_xdata()), across)
            np.testing.assert_allclose(np.asarray(line.get_ydata()), [21.0, 25.0])


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_format_follows_the_name(suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"curves.{suffix}"
    save_curves(FOUND, target)
    head = target.read_bytes()[:5]
    assert head.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF-"}[suffix])
    before = target.read_bytes()
    save_curves(FOUND, target, force=True)
    assert target.read_bytes() == before
    with pytest.raises(OutputExistsError):
        check_curves(target, force=False)


def test_what_cannot_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match=r"`curves` is .*: its name must end in one of svg"):
        check_curves(tmp_path / "curves.bmp", force=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SettingError, match=r"`curves` needs matplotlib: .*'sinefit\[plot\]'"):
        check_curves(tmp_path / "curves.svg", force=False)


def test_cells_without_points_have_no_line() -> None:
    with look():
        figure = draw_curves(Comparison((cell("siren", 0, curve=()),), "5 steps"))
    assert not figure.axes[0].get_lines()
