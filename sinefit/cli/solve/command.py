"""`sinefit solve`: differential equations of the papers, by a network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.failures import ExitCode
from sinefit.cli.options import machine, told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.completion import complete_equation, complete_init
from sinefit.cli.options.parsing import parse_seconds
from sinefit.cli.solve.showing import (
    list_equations,
    plan_sentence,
    progress_words,
    result_sentence,
)
from sinefit.cli.stopping import StopRequest
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.errors import SettingError
from sinefit.fitting.omega_choice import parse_omega

if TYPE_CHECKING:
    from sinefit.solving.results import SolveProgress

_NETWORK: Final = "The network"
_TRAINING: Final = "Training"
_RESULTS: Final = "What comes of it"


def solve(
    equation: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="What to solve, with parameters: burgers:viscosity=0.01; without any, the list.",
            autocompletion=complete_equation,
            show_default=False,
        ),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="At the paper's size: hours on a CPU. Else a minute or two."),
    ] = False,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Initializer, with parameters: lambert:sigma_a=0.5. See: sinefit inits.",
            show_default="siren",
            autocompletion=complete_init,
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    omega: Annotated[
        str | None,
        typer.Option(
            metavar="W",
            help="First-layer frequency in radians per unit of [-1, 1]: a number, or one per axis "
            "with commas between them.",
            show_default="the equation's",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Neurons per layer.",
            show_default="the equation's",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Sine layers; a linear one follows.",
            show_default="the equation's",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Steps of Adam.",
            show_default="the equation's",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Training time at most: 60s.", rich_help_panel=_TRAINING),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Collocation points of each step.",
            show_default="the equation's",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--lr",
            metavar="RATE",
            help="Adam's rate as papers state it, times the initializer's scales.",
            show_default="the equation's, or the initializer's usual one",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of all draws.", rich_help_panel=_TRAINING)
    ] = 0,
    device: machine.Device = "auto",
    threads: machine.Threads = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Weights file, - for a pipe.",
            show_default="NAME.safetensors",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="PNG of the network, the known solution and the error.",
            show_default="NAME.png, none beside a pipe",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", "-f", help="Replace existing files.", rich_help_panel=_RESULTS),
    ] = False,
    as_json: told.AsJson = False,
    quiet: told.Quiet = False,
    progress: told.ProgressOption = "auto",
) -> None:
    """Solve differential equations of the papers by a network, and measure the error.

    The weights file is an array that render and info read. Ctrl-C ends with the best so far.
    """
    with exit_codes() as streams:
        if equation is None:
            list_equations(streams, as_json=as_json)
            return
        from sinefit.files import check_output, is_stream, write_bytes
        from sinefit.solving.settings import plan_solve
        from sinefit.solving.solve import run_plan
        from sinefit.solving.training import Hooks

        messages = Messages(streams, quiet=quiet, progress=progress)
        plan = plan_solve(
            equation,
            init=init,
            omega=None if omega is None else parse_omega(omega),
            width=width,
            depth=depth,
            steps=steps,
            max_time=None if max_time is None else parse_seconds("--max-time", max_time),
            points=points,
            learning_rate=learning_rate,
            seed=seed,
            full=full,
        )
        name = plan.equation.name
        output = f"{name}.safetensors" if output is None else output
        if as_json and is_stream(output):
            raise SettingError("--json prints on standard output: name a file with --output")
        if picture is None and not is_stream(output):
            picture = str(Path(output).with_suffix(".png"))
        targets = [output] if picture is None else [output, picture]
        streams.refuse_terminal(output)
        for target in targets:
            check_output(target, force=force)
        messages.say(plan_sentence(plan))
        with TaskEvents(messages, "solving") as events:
            events.start()
            with StopRequest() as stop, ProgressDisplay(messages, name) as display:

                def show(found: SolveProgress) -> None:
                    display.update(found.share, progress_words(found))
                    events.progress(found.share)

                hooks = Hooks(show, stop.requested)
                solution = run_plan(plan, hooks, device=device, threads=threads)
            from sinefit.fields.weights_file import field_pieces
            from sinefit.solving.picture import picture_bytes

            write_bytes(output, field_pieces(solution.field), force=force)
            if picture is not None:
                write_bytes(picture, picture_bytes(solution), force=force)
            report = solution.report
            values = {"weights": output, "picture": picture, **dataclasses.asdict(report)}
            if as_json:
                streams.write_json(values)
            messages.say(result_sentence(solution))
            messages.say(f"wrote {' and '.join(targets)}")
            events.end(**values)
        if report.ended_by == "divergence":
            messages.always(
                "training diverged; what is written is the best before it: try a lower --lr"
            )
            raise typer.Exit(ExitCode.FAILURE)
        if report.ended_by == "stop":
            raise typer.Exit(stop.exit_code)
