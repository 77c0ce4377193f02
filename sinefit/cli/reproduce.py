"""`sinefit reproduce`: the founding results of the papers, run again."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import machine, told  # noqa: TC001 (the command line reads it)
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.streams import read_input
from sinefit.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

    from sinefit.reproducing.study import Findings, Study

_MATERIALS = "What it is run on"


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="What to run; without any, the list of them."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="At the paper's size: hours on a CPU. Else minutes."),
    ] = False,
    image: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A picture in place of the drawn one.",
            show_default=False,
            rich_help_panel=_MATERIALS,
        ),
    ] = None,
    sound: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A sound in place of the drawn one.",
            show_default=False,
            rich_help_panel=_MATERIALS,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of all draws.", rich_help_panel=_MATERIALS)
    ] = 0,
    threads: machine.Threads = None,
    as_json: told.AsJson = False,
    quiet: told.Quiet = False,
) -> None:
    """List the founding results of the papers, or run them and tell whether their claims hold.

    Each is scaled down to end in minutes on two cores, unless --full is given: figures are then not
    the paper's, and it is the claims that can be compared.
    """
    with exit_codes() as streams:
        from sinefit.reproducing.registry import STUDIES, study_of

        chosen = [study_of(name) for name in names or ()]
        if not chosen:
            if as_json:
                streams.write_json({"studies": [_told(study) for study in STUDIES.values()]})
            else:
                _list(streams.text_console(), list(STUDIES.values()))
            return
        from sinefit.reproducing.registry import reproduce as run

        messages = Messages(streams, quiet=quiet)
        if (image or sound) and image == sound:
            raise SettingError("--image and --sound are the same file: name two")
        materials = {
            "image": None if image is None else read_input(image, kind="image"),
            "sound": None if sound is None else read_input(sound, kind="audio"),
        }
        for study in chosen:
            begin = time.monotonic()
            findings = run(
                study.name,
                scale="full" if full else "reduced",
                seed=seed,
                threads=threads,
                tell=lambda text, study=study: messages.say(f"{study.name}: {text}"),  # type: ignore[misc]
                **materials,
            )
            seconds = time.monotonic() - begin
            if as_json:
                values = dataclasses.asdict(findings)
                streams.write_json(
                    {**_told(study), "full": full, "seconds": seconds, "run": values}
                )
            else:
                _show(streams.text_console(), study, findings, seconds, full=full)


def _told(study: Study) -> dict[str, Any]:
    return {
        "name": study.name,
        "paper": study.paper,
        "shows": study.shows,
        "paper_setting": study.setting,
    }


def _list(console: Console, studies: list[Study]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.soft_wrap = False
    for study in studies:
        console.print(Text(study.name, style="bold"))
        console.print(Padding(Text(study.shows), (0, 0, 0, 4)))
        console.print(Padding(Text(study.paper, style="dim"), (0, 0, 1, 4)))


def _show(
    console: Console, study: Study, findings: Findings, seconds: float, *, full: bool
) -> None:
    from rich.table import Table
    from rich.text import Text

    console.soft_wrap = False
    console.print(Text(f"{study.name}: {study.shows}", style="bold"))
    console.print(Text(study.paper, style="dim"))
    console.print(Text(f"The paper: {study.setting}"))
    how = "at the paper's size" if full else "scaled down"
    console.print(Text(f"Here, {how}: {findings.setting}; {seconds:.0f} s"))
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    has_paper = [
        any(len(row.paper) > place and row.paper[place] is not None for row in findings.rows)
        for place in range(len(findings.measures))
    ]
    for measure, also in zip(findings.measures, has_paper, strict=True):
        table.add_column(measure, justify="right")
        if also:
            table.add_column("paper", justify="right", style="dim")
    for row in findings.rows:
        cells = []
        for place, also in enumerate(has_paper):
            cells.append(_figure(row.ours[place]))
            if also:
                cells.append(_figure(row.paper[place] if len(row.paper) > place else None))
        table.add_row(row.name, *cells)
    console.print(table)
    for claim in findings.claims:
        verdict = Text("holds here: " if claim.holds else "does not hold here: ", style="bold")
        console.print(
            verdict + Text(f"{claim.sentence} {claim.measured[:1].upper()}{claim.measured[1:]}.")
        )
    console.print()


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
