"""Figures of what passes through the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from sinefit.analyzing.figures.style import COLOURS, REFERENCE_COLOUR, panels, scale_by_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sinefit.analyzing.results import Analysis, NetworkResult


def draw_layers(networks: Mapping[str, NetworkResult]) -> Figure:
    """Draw variances, gains and gradients layer by layer, measured and by the variance map."""
    figure, (activations, jacobians, gains, gradients) = panels(2, 2, 2.2)
    for name, network in networks.items():
        colour = COLOURS[name]
        numbers = [row.layer for row in network.layers]
        for axes, measured, by_map in (
            (
                activations,
                [row.std for row in network.layers],
                [row.std_by_map for row in network.layers],
            ),
            (
                jacobians,
                [row.jacobian_std for row in network.layers],
                [row.jacobian_std_by_map for row in network.layers],
            ),
        ):
            axes.plot(numbers, measured, "o-", color=colour, label=f"{name}, measured")
            axes.plot(numbers, by_map, "--", color=colour, alpha=0.6, label="variance map")
        rows = network.layers[1:]
        gains.plot(numbers[1:], [row.gain for row in rows], "o-", color=colour, label=name)
        gains.plot(numbers[1:], [row.gain_by_map for row in rows], "--", color=colour, alpha=0.6)
        norms = [row.gradient_norm for row in network.layers]
        gradients.plot(numbers, norms, "o-", color=colour, label=f"{name}, of the output")
        losses = [
            row.loss_gradient_norm for row in network.layers if row.loss_gradient_norm is not None
        ]
        if losses:
            gradients.plot(numbers, losses, "s:", color=colour, label="of the squared error")
    gains.axhline(1.0, color=REFERENCE_COLOUR, linewidth=0.8)
    for axes, title in (
        (activations, "standard deviation of pre-activations"),
        (jacobians, "root mean square of ∂z/∂x"),
        (gains, "gain σ_g² of the Jacobian, layer to layer"),
        (gradients, "norm of the gradient by a layer's weights"),
    ):
        _by_layer(axes, title)
    return figure


def draw_singular_values(analysis: Analysis, networks: Mapping[str, NetworkResult]) -> Figure:
    """Draw the singular values of the Jacobian through the hidden layers, and through all."""
    figure, (hidden, output) = panels(1, 2, 2.4)
    for name, network in networks.items():
        values = network.singular_values
        places = [(place + 0.5) / len(values.hidden) for place in range(len(values.hidden))]
        hidden.plot(places, values.hidden, color=COLOURS[name], label=name)
        numbers = range(1, len(values.output) + 1)
        output.plot(numbers, values.output, "o", color=COLOURS[name], label=name)
    hidden.axhline(1.0, color=REFERENCE_COLOUR, linewidth=0.8)
    hidden.set_title(f"singular values from sine layer 1 to {analysis.depth}")
    hidden.set_xlabel("share of them that are larger")
    output.set_title("singular values of ∂f/∂x, root mean square")
    output.set_xlabel("number")
    output.set_ylim(bottom=0.0)
    output.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (hidden, output):
        axes.legend()
    return figure


def _by_layer(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("layer")
    scale_by_range(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
