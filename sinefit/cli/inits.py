"""`sinefit inits`: the initializers, their formulas and when to choose which."""

from __future__ import annotations

from typing import Annotated

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.completion import complete_scheme
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.initializers.registry import INITIALIZERS, scheme_of
from sinefit.parameters import parameter_values, parameters_of


def inits(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this initializer only.", show_default=False, autocompletion=complete_scheme
        ),
    ] = None,
    as_json: told.AsJson = False,
) -> None:
    """List the initializers: formula, parameters, when to choose, reference."""
    with exit_codes() as streams:
        chosen = [scheme_of(name)] if name is not None else list(INITIALIZERS.values())
        if as_json:
            rows = [
                {
                    "name": scheme.name,
                    "formula": scheme.formula,
                    "parameters": [
                        parameter_values(parameter) for parameter in parameters_of(scheme)
                    ],
                    "advice": scheme.advice,
                    "reference": scheme.reference,
                }
                for scheme in chosen
            ]
            streams.write_json({"initializers": rows})
            return
        from rich.console import Group
        from rich.padding import Padding
        from rich.text import Text

        console = streams.text_console()
        console.soft_wrap = False
        for scheme in chosen:
            title = Text(scheme.name, style="bold")
            if scheme.name == DEFAULT_INITIALIZER:
                title.append(" (default)", style="dim")
            lines = [Text(scheme.formula), Text(scheme.advice)]
            for parameter in parameters_of(scheme):
                line = Text(f"{parameter.name}={parameter.default}", style="cyan")
                lines.append(line.append(f"  {parameter.help}; {parameter.range}", style="default"))
            lines.append(Text(scheme.reference, style="dim"))
            console.print(Group(title, Padding(Group(*lines), (0, 0, 1, 4))))
