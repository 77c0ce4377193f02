"""The subcommands of `sinefit`: what help tells of each, and where its code is."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer
import typer.main
from typer.core import TyperGroup, TyperOption

from sinefit.cli.flags import flag_of
from sinefit.cli.help_text import (
    ANALYZE_EXAMPLES,
    COMPARE_EXAMPLES,
    EVAL_EXAMPLES,
    EXPORT_EXAMPLES,
    FIT_EXAMPLES,
    INFO_EXAMPLES,
    INITS_EXAMPLES,
    NETWORKS_EXAMPLES,
    RENDER_EXAMPLES,
    REPRODUCE_EXAMPLES,
    SCORE_EXAMPLES,
    SOLVE_EXAMPLES,
    UPSCALE_EXAMPLES,
    VIEW_EXAMPLES,
    HelpfulCommand,
    help_of,
    plain_parameters,
    variables_line,
)
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.usage import usage_errors
from sinefit.cli.variables import unknown_variables, variable_of, variables_of_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sinefit.cli.help_text import Example


@dataclass(frozen=True)
class Subcommand:
    """A subcommand before its module is imported."""

    place: str
    """Module in this room and function, with a colon between them."""
    sentence: str
    """What it does: the first sentence of the function's docstring."""
    examples: Sequence[Example]
    flag: str
    """The option whose variable help shows as an example, without dashes."""


COMMANDS: Final = {
    "fit": Subcommand(
        "fit.command:fit",
        "Fit sine networks to files and write their weights.",
        FIT_EXAMPLES,
        "max-time",
    ),
    "render": Subcommand(
        "render.command:render",
        "Evaluate a fitted field on any grid and write it as a file.",
        RENDER_EXAMPLES,
        "scale",
    ),
    "upscale": Subcommand(
        "upscale.command:upscale",
        "Fit files by what is between their samples, and render them larger.",
        UPSCALE_EXAMPLES,
        "scale",
    ),
    "view": Subcommand(
        "view:view",
        "Write a web page that holds a field and evaluates it on the visitor's GPU.",
        VIEW_EXAMPLES,
        "output",
    ),
    "export": Subcommand(
        "export:export",
        "Write a field in a format that other programs evaluate.",
        EXPORT_EXAMPLES,
        "format",
    ),
    "info": Subcommand(
        "info.command:info",
        "Show what is known of a weights file, or of a file that could be fitted.",
        INFO_EXAMPLES,
        "json",
    ),
    "eval": Subcommand(
        "evaluate:evaluate",
        "Compare a field with an original: PSNR, SSIM of images and video, SNR of sound.",
        EVAL_EXAMPLES,
        "device",
    ),
    "score": Subcommand(
        "score:score",
        "Reduce a file, fit what is left, and hold its render against the original.",
        SCORE_EXAMPLES,
        "max-time",
    ),
    "compare": Subcommand(
        "compare.command:compare",
        "Fit every combination of settings with some seeds at an equal budget, and compare.",
        COMPARE_EXAMPLES,
        "max-time",
    ),
    "inits": Subcommand(
        "inits:inits",
        "List the initializers: formula, parameters, when to choose, reference.",
        INITS_EXAMPLES,
        "json",
    ),
    "networks": Subcommand(
        "networks:networks",
        "List the networks: formula, start, settings, usual rate, reference.",
        NETWORKS_EXAMPLES,
        "json",
    ),
    "analyze": Subcommand(
        "analyze.command:analyze",
        "Measure what theory says of a network: an initializer's start, or a fit beside it.",
        ANALYZE_EXAMPLES,
        "width",
    ),
    "reproduce": Subcommand(
        "reproduce:reproduce",
        "List the founding results of the papers, or run them and tell whether their claims hold.",
        REPRODUCE_EXAMPLES,
        "full",
    ),
    "solve": Subcommand(
        "solve.command:solve",
        "Solve differential equations of the papers by a network, and measure the error.",
        SOLVE_EXAMPLES,
        "init",
    ),
    "bench": Subcommand(
        "bench:bench",
        "Measure training, fits and rendering on this machine beside the textbook method.",
        (
            ("sinefit bench", "about five minutes"),
            ("sinefit bench --quick", "half a minute"),
            ("sinefit bench photo.png song.wav --max-time 60s --json", ""),
        ),
        "quick",
    ),
}
"""Every subcommand by its name, in the order of help."""


def load_command(name: str) -> Any:
    """Import a subcommand; return it as typer runs it."""
    known = COMMANDS[name]
    module, function = known.place.split(":")
    command = getattr(importlib.import_module(f"sinefit.cli.{module}"), function)
    alone = typer.Typer(add_completion=False)
    alone.command(
        name=name,
        cls=_LoadedCommand,
        help=help_of(command, known.examples),
        epilog=variables_line(name, known.flag),
    )(command)
    loaded: Any = typer.main.get_command(alone)
    for parameter in loaded.params:
        if isinstance(parameter, TyperOption):
            # By itself it would follow from the function's parameter, which is not always the flag.
            parameter.envvar = variable_of(name, flag_of(parameter))
    return loaded


class _LoadedCommand(HelpfulCommand):
    """A subcommand whose module has been imported."""

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand, after a note on each variable that means nothing to any of them."""
        _tell_unknown_variables(ctx.params)
        return super().invoke(ctx)


def _tell_unknown_variables(parameters: Mapping[str, Any]) -> None:
    """Print a note for each variable of sinefit's that no option of any subcommand has.

    `parameters` are those of the subcommand that runs: a quiet one prints none.
    """
    # The modules of all subcommands are worth their time only if there is something to look up.
    if parameters.get("quiet") or not variables_of_options():
        return
    flags = [
        (command, flag)
        for command in COMMANDS
        for parameter in load_command(command).params
        for flag in parameter.opts
        if flag.startswith("--")
    ]
    messages = Messages(progress=parameters.get("progress", "auto"))
    for sentence in unknown_variables(flags):
        messages.warn(sentence)


class CommandGroup(TyperGroup):
    """The command that has the others, and imports the one that is asked for.

    For the list of them, in help and in a shell's completion, names and sentences are enough.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, known in COMMANDS.items():
            self.add_command(HelpfulCommand(name, help=known.sentence))

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, with --help, as help shows them."""
        return plain_parameters(super().get_params(ctx))

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the options that go before a subcommand."""
        with usage_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand that is asked for."""
        with usage_errors():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, subcommand and the arguments left for it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load_command(name), rest
