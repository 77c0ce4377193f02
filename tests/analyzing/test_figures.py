from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import sinefit
from sinefit.analyzing.figures.saving import draw_figures
from sinefit.analyzing.figures.style import look

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.analyzing.results import Analysis

ALL = {"layers", "plane", "spectra", "singular-values", "kernel", "eigenvectors", "mixing"}


@pytest.fixture(scope="module")
def tuner() -> Analysis:
    return sinefit.analyze("tuner", width=24, depth=3, samples=64, points=24)


@pytest.fixture(scope="module")
def fitted() -> Analysis:
    picture = np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    image = Image.fromarray(picture)
    field = sinefit.fit(image, width=12, steps=2, init="siren")
    return sinefit.analyze(field, signal=image, points=30)


def test_every_figure_is_drawn_and_saved(tuner: Analysis, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "figures"
    paths = sinefit.save_figures(tuner, folder)
    assert {path.stem for path in paths} == ALL
    for path in paths:
        with Image.open(path) as picture:
            assert picture.width == 1400  # 7 inches at 200 pixels
            assert len(set(np.asarray(picture.convert("L")).ravel().tolist())) > 10


def test_figures_of_a_fit_as_drawings(fitted: Analysis, tmp_path: Path) -> None:
    paths = sinefit.save_figures(fitted, tmp_path, format="svg")
    assert {path.stem for path in paths} == ALL - {"mixing"}
    assert all(path.read_bytes().startswith(b"<?xml") for path in paths)
    # Figures that are there stay, but for those that are forced: the same, if no file else.
    saved = [path.read_bytes() for path in paths]
    paths[0].unlink()
    paths[1].write_bytes(b"mine")
    with pytest.raises(sinefit.OutputExistsError, match=r"plane\.svg: it exists already"):
        sinefit.save_figures(fitted, tmp_path, format="svg")
    assert not paths[0].exists()
    assert paths[1].read_bytes() == b"mine"
    again = sinefit.save_figures(fitted, tmp_path, format="svg", force=True)
    assert [path.read_bytes() for path in again] == saved


def test_lines_are_what_was_measured(tuner: Analysis) -> None:
    assert tuner.start is not None
    with look():
        figures = draw_figures(tuner)
    measured = figures["layers"].axes[0].get_lines()[0]
    np.testing.assert_allclose(
        np.asarray(measured.get_ydata()), [row.std for row in tuner.start.layers]
    )
    depths = figures["kernel"].axes[1].get_lines()[0]
    np.testing.assert_allclose(
        np.asarray(depths.get_ydata()), [row.mean_eigenvalue for row in tuner.mean_eigenvalues]
    )


def test_both_networks_are_in_a_figure(fitted: Analysis) -> None:
    with look():
        figure = draw_figures(fitted)["kernel"]
    assert len(figure.axes[0].get_lines()) == 2


def test_without_matplotlib_the_cure_is_told(
    tuner: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(sinefit.SettingError, match=r"pip install 'sinefit\[plot\]'"):
        sinefit.save_figures(tuner, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_unknown_formats(tuner: Analysis, tmp_path: Path) -> None:
    with pytest.raises(sinefit.SettingError, match="`format` is bmp: it must be one of png, svg"):
        sinefit.save_figures(tuner, tmp_path, format="bmp")
