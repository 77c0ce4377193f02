"""Writing the figures of an analysis to a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

from sinefit.analyzing.figures.style import look
from sinefit.errors import OutputError
from sinefit.files import check_output, whole_output
from sinefit.validation import check_choice

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from sinefit.analyzing.results import Analysis

FigureFormat = Literal["png", "svg", "pdf"]
FIGURE_FORMATS: Final[tuple[FigureFormat, ...]] = get_args(FigureFormat)
RESOLUTION: Final = 200
"""Pixels per inch of a PNG."""


def prepare_figures(format: str) -> None:
    """Raise SettingError, before long work, for what no figure can be drawn with."""
    check_choice("format", format, FIGURE_FORMATS)
    with look():
        pass


def save_figures(
    analysis: Analysis, folder: Path, *, format: str = "png", force: bool = False
) -> list[Path]:
    """Draw every figure of an analysis into a folder, which is made where it is missing.

    Returns the files. Raises SettingError where matplotlib is not installed, OutputExistsError for
    a figure that is there already unless `force`, before any is drawn, and OutputError.
    """
    check_choice("format", format, FIGURE_FORMATS)
    with look():
        figures = draw_figures(analysis)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be made: {error.strerror}") from error
        paths = {name: folder / f"{name}.{format}" for name in figures}
        for path in paths.values():
            check_output(path, force=force)
        # Without its date and version the same analysis gives the same bytes.
        plain = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        for name, figure in figures.items():
            with whole_output(paths[name], force=force, suffix=f".{format}") as temporary:
                figure.savefig(
                    temporary, format=format, dpi=RESOLUTION, metadata=dict(plain[format])
                )
    return list(paths.values())


def draw_figures(analysis: Analysis) -> dict[str, Figure]:
    """Draw every figure that an analysis has something for, by name."""
    from sinefit.analyzing.figures.kernel import draw_eigenvectors, draw_kernel
    from sinefit.analyzing.figures.layers import draw_layers, draw_singular_values
    from sinefit.analyzing.figures.mixing import draw_mixing
    from sinefit.analyzing.figures.plane import draw_plane
    from sinefit.analyzing.figures.spectra import draw_spectra

    networks = {
        name: network
        for name, network in (("start", analysis.start), ("fitted", analysis.fitted))
        if network is not None
    }
    figures = {
        "layers": draw_layers(networks),
        "plane": draw_plane(analysis),
        "spectra": draw_spectra(networks),
        "singular-values": draw_singular_values(analysis, networks),
        "kernel": draw_kernel(analysis, networks),
        "eigenvectors": draw_eigenvectors(networks),
        "mixing": draw_mixing(networks),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}
