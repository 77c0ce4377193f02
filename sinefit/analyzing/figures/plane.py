"""The figure of the plane of c_w and c_b."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sinefit.analyzing.figures.style import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sinefit.analyzing.results import Analysis


def draw_plane(analysis: Analysis) -> Figure:
    """Draw both fixed-point surfaces as contours, and mark every scheme; the first one by a star.

    Schemes beyond the edge of the plane stand at it, with an arrow.
    """
    figure, (activations, gains) = panels(1, 2, 3.2)
    plane = analysis.plane
    for axes, surface, title, levels in (
        (
            activations,
            plane.sigma_a,
            "σ_a, pre-activations of deep layers",
            np.arange(0.0, 3.26, 0.25),
        ),
        (gains, plane.sigma_g, "σ_g, gain per layer of Jacobians", np.arange(0.0, 3.01, 0.25)),
    ):
        filled = axes.contourf(
            plane.c_w, plane.c_b, np.asarray(surface), levels=levels, cmap="YlGnBu", extend="max"
        )
        figure.colorbar(filled, ax=axes)
        line = axes.contour(plane.c_w, plane.c_b, np.asarray(surface), levels=[1.0], colors="black")
        axes.clabel(line, fmt="1")
        axes.set_title(title)
        axes.set_xlabel("c_w")
        axes.set_ylabel("c_b")
        axes.grid(visible=False)
        _mark_schemes(axes, analysis)
    return figure


def _mark_schemes(axes: Axes, analysis: Analysis) -> None:
    plane = analysis.plane
    right, top = plane.c_w[-1], plane.c_b[-1]
    places: dict[tuple[int, int], list[tuple[str, float, float]]] = {}
    for number, scheme in enumerate(analysis.schemes):
        x, y = min(scheme.c_w, right), min(scheme.c_b, top)
        is_beyond = x < scheme.c_w or y < scheme.c_b
        # Schemes that lie upon one another share a label.
        key = (round(14.0 * x / right), round(8.0 * y / top))
        name = scheme.init + (f" → {scheme.c_w:.0f}" if is_beyond else "")
        places.setdefault(key, []).append((name, x, y))
        marker = "*" if number == 0 else "o"
        axes.plot(
            x,
            y,
            marker,
            color="#c53030" if number == 0 else "black",
            markersize=9 if number == 0 else 3.5,
            clip_on=False,
            zorder=5 if number == 0 else 4,
        )
    for found in places.values():
        names = [name for name, _, _ in found]
        _, x, y = found[0]
        # Along the bottom, where most schemes have no biases to speak of, words stand on end.
        upright = y < 0.05 * top
        near_edge = x > 0.75 * right and not upright
        axes.annotate(
            (", " if upright else "\n").join(names),
            (x, y),
            xytext=(0 if upright else -5 if near_edge else 5, 6 if upright else 0),
            textcoords="offset points",
            ha="center" if upright else "right" if near_edge else "left",
            va="bottom" if upright else "center",
            rotation=90 if upright else 0,
            fontsize=5.5,
            clip_on=False,
        )
