"""Figures of the tangent kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from sinefit.analyzing.figures.style import COLOURS, REFERENCE_COLOUR, panels, scale_by_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sinefit.analyzing.results import Analysis, KernelResult, NetworkResult


def draw_kernel(analysis: Analysis, networks: Mapping[str, NetworkResult]) -> Figure:
    """Draw the eigenvalues, their mean by depth, and the alignment with the signal."""
    figure, (spectrum, depths, alignment) = panels(1, 3, 2.3)
    for name, network in networks.items():
        kernel = network.kernel
        numbers = np.arange(1, len(kernel.eigenvalues) + 1)
        values = np.maximum(kernel.eigenvalues, kernel.eigenvalues[0] * 1e-12)
        spectrum.loglog(numbers, values, color=COLOURS[name], label=name)
        shares = np.asarray(kernel.alignment)
        alignment.semilogx(
            np.arange(1, len(shares) + 1),
            shares,
            color=COLOURS[name],
            label=f"{name}: the {kernel.aligned_with}",
        )
    means = analysis.mean_eigenvalues
    depths.plot(
        [row.depth for row in means],
        [row.mean_eigenvalue for row in means],
        "o-",
        color=COLOURS["start"],
        label="start",
    )
    spectrum.set_title("eigenvalues of the tangent kernel")
    spectrum.set_xlabel("number")
    depths.set_title("mean eigenvalue by depth")
    depths.set_xlabel("sine layers")
    depths.xaxis.set_major_locator(MaxNLocator(integer=True))
    alignment.set_title("share in the first eigenvectors")
    alignment.set_xlabel("eigenvectors")
    alignment.set_ylim(0.0, 1.02)
    scale_by_range(depths)
    for axes in (spectrum, depths, alignment):
        axes.legend(fontsize=6.5)
    return figure


def draw_eigenvectors(networks: Mapping[str, NetworkResult]) -> Figure | None:
    """Draw the leading eigenvectors on one axis or two, None on more."""
    axes_count = len(next(iter(networks.values())).kernel.points)
    if axes_count > 2:
        return None
    shown = min(6, *(len(network.kernel.eigenvectors) for network in networks.values()))
    figure, all_axes = panels(
        shown if axes_count == 1 else len(networks),
        _columns(axes_count, len(networks), shown),
        0.9 if axes_count == 1 else 1.1,
    )
    for place, (name, network) in enumerate(networks.items()):
        for number in range(shown):
            if axes_count == 1:
                axes = all_axes[number * len(networks) + place]
                _draw_line(axes, network.kernel, number, COLOURS[name])
            else:
                axes = all_axes[place * shown + number]
                _draw_picture(axes, network.kernel, number)
            if axes_count == 1 and number < shown - 1:
                axes.set_xticklabels([])
            _title(axes, network.kernel, number, name if number == 0 else "")
    return figure


def _columns(axes_count: int, networks: int, shown: int) -> int:
    return networks if axes_count == 1 else shown


def _draw_line(axes: Axes, kernel: KernelResult, number: int, colour: str) -> None:
    vector = np.asarray(kernel.eigenvectors[number])
    places = np.linspace(-1.0, 1.0, 2 * len(vector) + 1)[1::2]
    axes.plot(places, vector, color=colour, linewidth=0.8)
    if kernel.modes is not None:
        phase = places * kernel.modes[number].frequency[0]
        basis = np.stack([np.cos(phase), np.sin(phase)], axis=1)
        factors = np.linalg.lstsq(basis, vector, rcond=None)[0]
        axes.plot(places, basis @ factors, ":", color=REFERENCE_COLOUR, linewidth=0.8)
    axes.set_yticks([])


def _draw_picture(axes: Axes, kernel: KernelResult, number: int) -> None:
    picture = np.asarray(kernel.eigenvectors[number]).reshape(kernel.points)
    edge = float(np.abs(picture).max()) or 1.0
    axes.imshow(picture, cmap="RdBu", vmin=-edge, vmax=edge, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)


def _title(axes: Axes, kernel: KernelResult, number: int, name: str) -> None:
    words = [f"λ{number + 1} = {kernel.eigenvalues[number]:.3g}"]
    if kernel.modes is not None:
        words.append(f"mode {kernel.modes[number].share:.0%}")
    on_one_axis = len(kernel.points) == 1
    heading = f"{name}: " if on_one_axis and name else f"{name}\n" if not on_one_axis else ""
    axes.set_title(heading + ", ".join(words), fontsize=6.5 if on_one_axis else 5.5)
