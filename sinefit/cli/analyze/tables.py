"""The tables of an analysis, for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.table import Table

from sinefit.cli.terminal.console import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from sinefit.analyzing.results import Analysis, NetworkResult

_SHARES: Final = (1, 4, 16, 64, 256, 1024)
"""Numbers of eigenvectors whose share in a signal is told."""
_LINES: Final = 8
"""Frequencies of the small neuron that are told."""


def show_analysis(analysis: Analysis, console: Console) -> None:
    """Print everything that an analysis found."""
    console.soft_wrap = False
    networks = {
        name: network
        for name, network in (("start", analysis.start), ("fitted", analysis.fitted))
        if network is not None
    }
    omega = ", ".join(f"{each:.4g}" for each in analysis.omega)
    console.print(
        printable(
            f"{analysis.name}: {analysis.init}, omega {omega}, {analysis.depth} sine layers of "
            f"{analysis.width}, seed {analysis.seed}"
        ),
        style="bold",
    )
    for note in analysis.notes:
        console.print(printable(note), style="dim")
    for name, network in networks.items():
        console.print(_layers(name, network))
    console.print(_spectra(networks))
    for table in (_jacobians(networks), _kernels(analysis, networks), _modes(networks)):
        console.print(table)
    for name, network in networks.items():
        if network.mixing is not None:
            console.print(_mixing(name, network))
    console.print(_schemes(analysis))


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right")
    return table


def _layers(name: str, network: NetworkResult) -> Table:
    has_loss = network.layers[0].loss_gradient_norm is not None
    table = _table(
        f"\nLayers of the {name}: measured, and (by the variance map)",
        [
            *("layer", "c_w", "c_b", "std z", "rms dz/dx", "gain", "|df/dW|"),
            *(["|dE/dW|"] if has_loss else []),
        ],
    )
    for row in network.layers:
        pairs = (
            (row.std, row.std_by_map),
            (row.jacobian_std, row.jacobian_std_by_map),
            (row.gain, row.gain_by_map),
        )
        cells = [f"{row.layer}", f"{row.c_w:.4g}", f"{row.c_b:.3g}"]
        for measured, by_map in pairs:
            cells.append(f"{measured:.4g}" + (f" ({by_map:.4g})" if row.layer else ""))
        cells.append(f"{row.gradient_norm:.3g}")
        if row.loss_gradient_norm is not None:
            cells.append(f"{row.loss_gradient_norm:.3g}")
        table.add_row(*cells)
    return table


def _spectra(networks: dict[str, NetworkResult]) -> Table:
    depth = len(next(iter(networks.values())).layers) - 1
    shown = _spread(depth)
    table = _table(
        "\nSpectra: share of the energy beyond the first layer's highest frequency / beyond Nyquist"
        ", after so many sine layers",
        ["network", "axis", "omega", "first layer", "Nyquist", *map(str, shown)],
    )
    for name, network in networks.items():
        for spectrum in network.spectra:
            table.add_row(
                name,
                f"{spectrum.layers[0].axis}",
                f"{spectrum.omega:.4g}",
                f"{spectrum.first_layer:.4g}",
                f"{spectrum.nyquist:.4g}",
                *(
                    f"{layer.beyond_first:.1%} / {layer.beyond_nyquist:.1%}"
                    for layer in (spectrum.layers[n] for n in shown)
                ),
            )
    return table


def _jacobians(networks: dict[str, NetworkResult]) -> Table:
    table = _table(
        "\nSingular values of the Jacobian from the first to the last sine layer, and of df/dx",
        ["network", "largest", "median", "smallest", "mean square", "(by the map)", "of df/dx"],
    )
    for name, network in networks.items():
        values = network.singular_values
        table.add_row(
            name,
            f"{values.hidden[0]:.3g}",
            f"{values.hidden[len(values.hidden) // 2]:.3g}",
            f"{values.hidden[-1]:.3g}",
            f"{values.hidden_mean_square:.4g}",
            f"({values.hidden_mean_square_by_map:.4g})",
            ", ".join(f"{each:.4g}" for each in values.output),
        )
    return table


def _kernels(analysis: Analysis, networks: dict[str, NetworkResult]) -> Table:
    kernels = {name: network.kernel for name, network in networks.items()}
    most = max(len(kernel.alignment) for kernel in kernels.values())
    counts = [count for count in _SHARES if count <= most]
    points = "x".join(map(str, next(iter(kernels.values())).points))
    means = (f"{row.depth}: {row.mean_eigenvalue:.4g}" for row in analysis.mean_eigenvalues)
    by_depth = f"; mean eigenvalue of starts by depth: {', '.join(means)}"
    table = _table(
        f"\nTangent kernel on {points} points{by_depth if analysis.mean_eigenvalues else ''}",
        [
            *("network", "largest", "10th", "100th", "mean", "of"),
            *(f"in {count}" for count in counts),
        ],
    )
    for name, kernel in kernels.items():
        values = kernel.eigenvalues
        table.add_row(
            name,
            f"{values[0]:.4g}",
            *(f"{values[n]:.4g}" if n < len(values) else "" for n in (9, 99)),
            f"{kernel.mean_eigenvalue:.4g}",
            f"{'signal' if kernel.aligned_with == 'signal' else 'output'}:",
            *(
                f"{kernel.alignment[n - 1]:.1%}" if n <= len(kernel.alignment) else ""
                for n in counts
            ),
        )
    return table


def _modes(networks: dict[str, NetworkResult]) -> Table:
    table = _table(
        "\nLeading eigenvectors: the nearest Fourier mode (radians per unit) and its share; the "
        "share of their energy beyond the first layer's highest frequency",
        ["network", *map(str, range(1, 9))],
    )
    for name, network in networks.items():
        modes = network.kernel.modes
        if modes is not None:
            cells = (
                f"{','.join(f'{each:.3g}' for each in mode.frequency)}: {mode.share:.0%}"
                for mode in modes
            )
            table.add_row(name, *cells)
        beyond = network.kernel.beyond_first
        if beyond is not None:
            table.add_row("  beyond", *(f"{each:.1%}" for each in beyond))
    return table


def _mixing(name: str, network: NetworkResult) -> Table:
    mixing = network.mixing
    assert mixing is not None
    words = " + ".join(
        f"{weight:.3f} sin({number} t)"
        for weight, number in zip(mixing.weights, mixing.numbers, strict=True)
    )
    worst = max(line.amplitude / line.bound for line in mixing.frequencies)
    table = _table(
        f"\nFrequencies that sin({words}) makes in the {name}, phases left out here, t of period "
        f"{mixing.period:g}. In whole neurons no frequency of the first layer exceeds {worst:.0%} "
        "of its largest |a|/2",
        ["turns", "frequency", "leading k", "amplitude", "(Bessel series)", "bound"],
    )
    for line in mixing.lines[:_LINES]:
        table.add_row(
            f"{line.number}",
            f"{line.frequency:.4g}",
            " ".join(f"{each:+d}" for each in line.leading_k),
            f"{line.amplitude:.4f}",
            f"({line.amplitude_by_series:.4f})",
            f"{line.bound:.4f}",
        )
    return table


def _schemes(analysis: Analysis) -> Table:
    table = _table(
        f"\nThe plane: fixed points of hidden layers at width {analysis.width}",
        ["initializer", "c_w", "c_b", "sigma_a", "sigma_g"],
    )
    for scheme in analysis.schemes:
        table.add_row(
            scheme.init,
            *(f"{v:.4g}" for v in (scheme.c_w, scheme.c_b, scheme.sigma_a, scheme.sigma_g)),
        )
    return table


def _spread(depth: int) -> Sequence[int]:
    """Return up to five layers from 1 to `depth`, spread evenly by their logarithm."""
    most = min(5, depth)
    if most == 1:
        return [1]
    steps = (round(math.exp(math.log(depth) * n / (most - 1))) for n in range(most))
    return sorted(set(steps))
