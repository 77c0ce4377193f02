"""The figure of what a second layer makes of whole frequencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.analyzing.figures.style import COLOURS, REFERENCE_COLOUR, panels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from sinefit.analyzing.results import NetworkResult


def draw_mixing(networks: Mapping[str, NetworkResult]) -> Figure | None:
    """Draw bounds and amplitudes by frequency, None where no network has whole frequencies."""
    shown = [(name, network.mixing) for name, network in networks.items() if network.mixing]
    if not shown:
        return None
    figure, all_axes = panels(len(shown), 2, 2.3)
    for row, (name, mixing) in enumerate(shown):
        small, whole = all_axes[2 * row : 2 * row + 2]
        numbers = [line.number for line in mixing.lines]
        small.vlines(numbers, 1e-6, [line.amplitude for line in mixing.lines], COLOURS[name])
        small.plot(
            numbers,
            [line.amplitude_by_series for line in mixing.lines],
            "o",
            color=COLOURS[name],
            label="Bessel series, on measured lines",
        )
        bounds = [line.bound for line in mixing.lines]
        small.plot(numbers, bounds, "_", color=REFERENCE_COLOUR, label="bound")
        small.set_yscale("log")
        small.set_ylim(1e-3, 2.0)
        words = " + ".join(
            f"{weight:.2f} sin {number}t"
            for weight, number in zip(mixing.weights, mixing.numbers, strict=True)
        ).replace("+ -", "- ")
        small.set_title(f"{name}: sin({words}), no phases shown", fontsize=7)
        places = [line.number for line in mixing.frequencies]
        whole.plot(
            places,
            [line.bound for line in mixing.frequencies],
            color=REFERENCE_COLOUR,
            label="largest |a|/2",
        )
        whole.plot(
            places,
            [line.amplitude for line in mixing.frequencies],
            color=COLOURS[name],
            label="largest amplitude",
        )
        whole.set_ylim(bottom=0.0)
        whole.set_title(f"{name}: frequencies of the first layer after the second", fontsize=7)
        for axes in (small, whole):
            axes.set_xlabel(f"turns per period of {mixing.period:g}")
            axes.legend(fontsize=6.5)
    return figure
