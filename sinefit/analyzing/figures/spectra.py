"""The figure of spectra by depth and omega."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sinefit.analyzing.figures.style import REFERENCE_COLOUR, panels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from sinefit.analyzing.results import NetworkResult


def draw_spectra(networks: Mapping[str, NetworkResult]) -> Figure:
    """Draw the spectra of all layers along the first axis, a panel for each omega."""
    import matplotlib as mpl

    shown = [
        (name, spectrum)
        for name, network in networks.items()
        for spectrum in network.spectra
        if spectrum.layers[0].axis == 0
    ]
    columns = min(2, len(shown))
    figure, all_axes = panels(-(-len(shown) // columns), columns, 2.3)
    for axes in all_axes[len(shown) :]:
        axes.set_axis_off()
    colours = mpl.colormaps["viridis"]
    for axes, (name, spectrum) in zip(all_axes, shown, strict=False):
        # Those that a sine has made, but for the output, of which there is one draw.
        hidden = spectrum.layers[1:-1] or spectrum.layers[-1:]
        for layer in hidden:
            # Beside its own maximum, so that layers of all sizes can be compared.
            power = np.asarray(layer.power)
            level = 10.0 * np.log10(np.maximum(power / max(power.max(), 1e-300), 1e-12))
            axes.plot(
                layer.frequencies,
                level,
                color=colours(0.9 * layer.layer / (len(hidden) + 1)),
                linewidth=0.9,
                label=f"{layer.layer}",
            )
        for place, word in ((spectrum.first_layer, "first layer"), (spectrum.nyquist, "Nyquist")):
            axes.axvline(place, color=REFERENCE_COLOUR, linewidth=0.8, linestyle="--")
            side = "right" if word == "first layer" else "left"
            axes.text(place, 3.0, word, fontsize=6, ha=side, va="bottom")
        axes.set_xscale("log")
        axes.set_xlim(spectrum.layers[0].frequencies[1], spectrum.layers[0].frequencies[-1])
        axes.set_ylim(-90.0, 2.0)
        axes.set_title(f"{name}, ω = {spectrum.omega:.4g}", pad=12.0)
        axes.set_xlabel("frequency (radians per unit)")
        axes.set_ylabel("power (dB)")
        axes.legend(title="sine layers", fontsize=5.5, title_fontsize=6, loc="lower left", ncols=2)
    return figure
