"""`sinefit score`: how true fields are between the samples of a file, beside usual methods."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.settings import budget_from, settings_from, with_settings_last
from sinefit.cli.stopping import StopRequest
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.streams import read_input
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.files import is_standard_input
from sinefit.fitting.config import FitConfig
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from rich.table import Table

    from sinefit.fields.field import Field
    from sinefit.fitting.report import Progress
    from sinefit.signals.signal import Signal
    from sinefit.upscaling.scores import MethodScore


@with_settings_last
def score(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="An image, a sound or a video, - for a pipe.")
    ],
    reduce: Annotated[
        int,
        typer.Option(metavar="N", help="Samples of the original, along an axis, per sample kept."),
    ] = 4,
    as_json: told.AsJson = False,
    quiet: told.Quiet = False,
    verbose: told.Verbose = False,
    progress: told.ProgressOption = "auto",
    **settings: Any,
) -> None:
    """Reduce a file, fit what is left, and hold its render against the original.

    Beside it stand the methods that everybody has: of pictures, reduced to means over areas,
    nearest, bicubic and Lanczos; of sounds at a lower rate, straight lines and a sinc; of videos
    with frames left out, the nearest frame and a blend of two. Values of settings are those of fit.
    """
    with exit_codes() as streams:
        from sinefit.fitting.hooks import FitHooks
        from sinefit.fitting.loop import fit_signal
        from sinefit.upscaling.scores import score_upscaling

        messages = Messages(streams, quiet=quiet, verbose=verbose, progress=progress)
        initializer = settings["initializer"]
        config = settings_from(
            FitConfig,
            settings,
            initializer=None if initializer is None else parse_initializer(initializer),
            budget=budget_from(settings),
        )
        content = streams.input_bytes() if is_standard_input(source) else source
        signal = read_input(content, selection=settings_from(Selection, settings))
        for notice in signal.notices:
            messages.warn(notice)
        with (
            TaskEvents(messages, "scoring") as events,
            ProgressDisplay(messages, source) as display,
            StopRequest() as stop,
        ):
            events.start(file=source, reduce=reduce)

            def show(progress: Progress) -> None:
                stop.insist()
                share = progress.share or 0.0
                display.update(share, f"step {progress.step}  {progress.psnr:.2f} dB")
                events.progress(share)

            def fit(fewer: Signal) -> Field:
                hooks = FitHooks(on_progress=show, on_notice=messages.warn)
                return fit_signal(fewer, config, hooks=hooks).field

            scores = score_upscaling(signal, reduce, fit)
            events.end(scores=[dataclasses.asdict(each) for each in scores])
        if as_json:
            values = {"file": source, "reduce": reduce}
            streams.write_json({**values, "scores": [dataclasses.asdict(one) for one in scores]})
            return
        streams.text_console().print(_table(scores))


def _table(scores: list[MethodScore]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    shown = {"psnr": "PSNR, dB", "ssim": "SSIM", "above": "above the band, dB"}
    names = [name for name in shown if getattr(scores[-1], name) is not None]
    table.add_column("method")
    for name in names:
        table.add_column(shown[name], justify="right")
    for each in scores:
        digits = {"psnr": ".2f", "ssim": ".4f", "above": ".1f"}
        table.add_row(each.method, *(format(getattr(each, name), digits[name]) for name in names))
    return table
