"""`sinefit analyze`: what theory says of a network, and what it measures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.completion import complete_init
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.streams import STANDARD_INPUT, read_input
from sinefit.errors import SettingError
from sinefit.files import is_standard_input
from sinefit.fitting.defaults import DEFAULT_INITIALIZER

if TYPE_CHECKING:
    from sinefit.cli.terminal.streams import Streams
    from sinefit.fields.field import Field
    from sinefit.signals.signal import Signal

_START = "A start, where no weights file is named"
_MEASURED = "What is measured"
_FIGURES = "Figures"


def analyze(
    weights: Annotated[
        str | None,
        typer.Argument(metavar="WEIGHTS", help="A weights file, - for a pipe.", show_default=False),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Initializer, with parameters: custom:c_w=2:c_b=0.3. See: sinefit inits.",
            show_default=DEFAULT_INITIALIZER,
            autocompletion=complete_init,
            rich_help_panel=_START,
        ),
    ] = None,
    omega: Annotated[
        str | None,
        typer.Option(
            metavar="W",
            help="First-layer frequency: a number, nyquist or 0.5nyquist, one per axis; auto with "
            "--signal.",
            show_default="0.125nyquist, auto with --signal",
            rich_help_panel=_START,
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Neurons per layer.", show_default="256", rich_help_panel=_START
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Sine layers; a linear one follows.",
            show_default="4",
            rich_help_panel=_START,
        ),
    ] = None,
    axes: Annotated[
        int,
        typer.Option(metavar="N", help="Coordinates of the network.", rich_help_panel=_START),
    ] = 1,
    samples: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Samples along each axis, for Nyquist.",
            show_default="512; 128 on two axes, 32 on three",
            rich_help_panel=_START,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Seed of the draw.", show_default="0", rich_help_panel=_START
        ),
    ] = None,
    signal: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The signal: what was fitted, or what a start is for.",
            show_default=False,
            rich_help_panel=_MEASURED,
        ),
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Which block of a field, counted from 0.",
            show_default="the middle one",
            rich_help_panel=_MEASURED,
        ),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Points of the tangent kernel; beyond 3000 its leading eigenvalues alone.",
            show_default="512; 1024 on several axes",
            rich_help_panel=_MEASURED,
        ),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Draw figures into this folder; needs the extra 'plot'.",
            show_default=False,
            rich_help_panel=_FIGURES,
        ),
    ] = None,
    format: Annotated[
        str, typer.Option(metavar="NAME", help="png, svg or pdf.", rich_help_panel=_FIGURES)
    ] = "png",
    force: Annotated[
        bool,
        typer.Option("--force", "-f", help="Replace figures.", rich_help_panel=_FIGURES),
    ] = False,
    as_json: told.AsJson = False,
    quiet: told.Quiet = False,
) -> None:
    """Measure what theory says of a network: an initializer's start, or a fit beside it.

    Variances of pre-activations and Jacobians layer by layer beside the variance map, spectra,
    singular values, the tangent kernel and gradients. The start of a fit is drawn again from what
    its weights file has on record.
    """
    with exit_codes() as streams:
        from sinefit.analyzing.analysis import analyze_field, analyze_initializer
        from sinefit.analyzing.settings import AnalysisSettings
        from sinefit.fitting.omega_choice import parse_omega
        from sinefit.initializers.registry import parse_initializer

        messages = Messages(streams, quiet=quiet)
        if weights is not None and init is not None:
            raise SettingError("--init is that of the weights file: leave out either")
        settings = AnalysisSettings(
            omega=None if omega is None else parse_omega(omega),
            width=width,
            depth=depth,
            axes=axes,
            samples=samples,
            seed=seed,
            points=points,
            block=block,
        )
        if figures is not None:
            from sinefit.analyzing.figures.saving import prepare_figures

            prepare_figures(format)
        if weights is None:
            initializer = parse_initializer(init or DEFAULT_INITIALIZER)
            found = None if signal is None else _read_signal(signal, None)
            analysis = analyze_initializer(initializer, settings, found)
        else:
            field = _read_weights(weights, streams)
            found = None if signal is None else _read_signal(signal, field)
            analysis = analyze_field(field, settings, found)
        if as_json:
            streams.write_json(dataclasses.asdict(analysis))
        else:
            from sinefit.cli.analyze.tables import show_analysis

            show_analysis(analysis, streams.text_console())
        if figures is not None:
            from sinefit.analyzing.figures.saving import save_figures

            paths = save_figures(analysis, Path(figures), format=format, force=force)
            messages.say(f"{len(paths)} figures in {figures}")


def _read_weights(weights: str, streams: Streams) -> Field:
    from sinefit.fields.weights_file import decode_field, read_field

    if is_standard_input(weights):
        return decode_field(streams.input_bytes(), STANDARD_INPUT)
    return read_field(Path(weights))


def _read_signal(name: str, field: Field | None) -> Signal:
    from sinefit.signals.selection import Selection

    if field is None:
        return read_input(name)
    fitted = field.spec
    selection = Selection(channels_last=fitted.channels_last, domain=fitted.domain)
    signal = read_input(name, selection=selection)
    # A field that was fitted with --downsample names no such factor: its size tells it.
    if len(signal.spec.shape) == len(fitted.shape) and signal.spec.shape != fitted.shape:
        factor = round(signal.spec.shape[-1] / fitted.shape[-1])
        if factor > 1:
            return read_input(name, selection=dataclasses.replace(selection, downsample=factor))
    return signal
