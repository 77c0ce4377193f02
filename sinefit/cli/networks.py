"""`sinefit networks`: the kinds of networks, their settings and what they are good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.completion import complete_family
from sinefit.fitting.config import FitConfig
from sinefit.networks.family import Published
from sinefit.networks.registry import FAMILIES, family_of
from sinefit.parameters import parameter_values, parameters_of

if TYPE_CHECKING:
    from sinefit.networks.family import Family


def networks(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this network only.", show_default=False, autocompletion=complete_family
        ),
    ] = None,
    as_json: told.AsJson = False,
) -> None:
    """List the networks: formula, start, settings, usual rate, reference."""
    with exit_codes() as streams:
        chosen = [family_of(name)] if name is not None else list(FAMILIES.values())
        if as_json:
            streams.write_json({"networks": [_values(family) for family in chosen]})
            return
        from rich.console import Group
        from rich.padding import Padding
        from rich.text import Text

        console = streams.text_console()
        console.soft_wrap = False
        for family in chosen:
            title = Text(family.name, style="bold")
            if family == FitConfig.network:
                title.append(" (default)", style="dim")
            lines = [Text(family.formula)]
            if isinstance(family, Published):
                lines.append(Text(family.start))
            lines.append(Text(family.advice))
            for parameter in parameters_of(type(family)):
                line = Text(f"{parameter.name}={parameter.default}", style="cyan")
                lines.append(line.append(f"  {parameter.help}; {parameter.range}", style="default"))
            if isinstance(family, Published):
                lines.append(Text(f"learning rate {family.usual_rate:g}: {family.rate_source}"))
            lines.append(Text(family.reference, style="dim"))
            console.print(Group(title, Padding(Group(*lines), (0, 0, 1, 4))))


def _values(family: Family) -> dict[str, Any]:
    """Return what is listed of a network, for machines."""
    own = family if isinstance(family, Published) else None
    return {
        "name": family.name,
        "formula": family.formula,
        "start": own.start if own else None,
        "settings": [parameter_values(parameter) for parameter in parameters_of(type(family))],
        "learning_rate": own.usual_rate if own else None,
        "rate_source": own.rate_source if own else None,
        "advice": family.advice,
        "reference": family.reference,
    }
