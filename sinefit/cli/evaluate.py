"""`sinefit eval`: how close a field is to an original."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import machine, told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.parsing import parse_pixel_region, parse_seconds
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.streams import (
    STANDARD_INPUT,
    read_input,
)
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.cli.words.details import field_details, signal_details
from sinefit.errors import SettingError
from sinefit.files import is_standard_input

if TYPE_CHECKING:
    from sinefit.cli.terminal.streams import Streams
    from sinefit.fields.field import Field
    from sinefit.signals.selection import Selection
    from sinefit.signals.signal import Signal


_PART = "Which part of the original"


def evaluate(
    weights: Annotated[
        str, typer.Argument(metavar="WEIGHTS", help="A weights file, - for a pipe.")
    ],
    original: Annotated[
        str, typer.Argument(metavar="ORIGINAL", help="The file to compare with, - for a pipe.")
    ],
    as_json: told.AsJson = False,
    start: Annotated[
        str, typer.Option(metavar="TIME", help="The --start of the fit.", rich_help_panel=_PART)
    ] = "0",
    length: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="TIME",
            help="The --duration of the fit.",
            rich_help_panel=_PART,
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="The --region of the fit.", rich_help_panel=_PART),
    ] = None,
    downsample: Annotated[
        int, typer.Option(metavar="N", help="The --downsample of the fit.", rich_help_panel=_PART)
    ] = 1,
    grey: Annotated[
        bool, typer.Option("--grey", help="The --grey of the fit.", rich_help_panel=_PART)
    ] = False,
    device: machine.Device = "auto",
    quiet: told.Quiet = False,
    verbose: told.Verbose = False,
    progress: told.ProgressOption = "auto",
) -> None:
    """Compare a field with an original: PSNR, SSIM of images and video, SNR of sound.

    The field is rendered on the original's own grid, so a field fitted to a reduced picture can be
    held against the full one.
    """
    with exit_codes() as streams:
        from sinefit.fields.weights_file import decode_field, read_field
        from sinefit.fitting.devices import resolve_device
        from sinefit.scoring import score_field
        from sinefit.signals.selection import Selection

        messages = Messages(streams, quiet=quiet, verbose=verbose, progress=progress)
        if is_standard_input(weights) and is_standard_input(original):
            raise SettingError("WEIGHTS and ORIGINAL both claim standard input: name one of them")
        with TaskEvents(messages, "comparing") as events:
            events.start(file=weights, original=original)
            if is_standard_input(weights):
                field = decode_field(streams.input_bytes(), STANDARD_INPUT)
            else:
                field = read_field(Path(weights))
            selection = Selection(
                start=parse_seconds("--start", start),
                duration=None if length is None else parse_seconds("--duration", length),
                region=None if region is None else parse_pixel_region(region),
                downsample=downsample,
                grey=grey,
                channels_last=field.spec.channels_last,
                domain=field.spec.domain,
            )
            signal = _read_original(original, field, selection, streams)
            chosen = resolve_device(device)
            messages.say(f"{weights}: comparing with {original} on {chosen}")
            for detail in field_details(field, chosen, None):
                messages.detail(f"{weights}: {detail}")
            messages.detail(f"{original}: recognised {signal_details(signal.spec)}")
            with ProgressDisplay(messages, weights) as display:

                def show(share: float) -> None:
                    display.update(share, "")
                    events.progress(share)

                scores = score_field(field, signal, chosen, show)
            events.end(**scores)
        if as_json:
            streams.write_json(dict(scores))
            return
        console = streams.text_console()
        units = {"psnr": " dB", "psnr_float": " dB", "snr": " dB"}
        for key, value in scores.items():
            shown = f"{value:.6g}" if key == "psnr_range" else f"{value:.4f}"
            console.print(f"{key:<12} {shown}{units.get(key, '')}")


def _read_original(original: str, field: Field, selection: Selection, streams: Streams) -> Signal:
    """Read the original, as the field's kind where its format holds several, as GIF does."""
    from sinefit.signals.formats import FORMATS

    content = streams.input_bytes() if is_standard_input(original) else original
    signal = read_input(content, selection=selection)
    kind = field.spec.kind
    if signal.spec.kind != kind and signal.spec.format in FORMATS[kind]:
        return read_input(content, kind=kind, selection=selection)
    return signal
