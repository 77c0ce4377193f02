"""The layout of `--help`: one sentence, examples, then options by task."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperCommand, TyperOption

from sinefit.cli.failures import ExitCode
from sinefit.cli.flags import remember_origins
from sinefit.cli.usage import usage_errors
from sinefit.cli.variables import variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Example = tuple[str, str]
"""A command and what it does; the second may be empty."""

FIRST_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit fit photo.png", "writes photo.safetensors"),
    ("sinefit render --scale 4", "writes photo-4x.png"),
    ("sinefit fit song.wav --max-time 60s", "stops after a minute"),
    ("sinefit inits", "the initializers for fit --init"),
    ("sinefit networks", "the networks for fit --network"),
)
FIT_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit fit photo.png", "writes photo.safetensors"),
    ("sinefit fit song.wav --max-time 60s", "stops after a minute"),
    ("sinefit fit photo.png --init lambert -o l.safetensors", ""),
    ("sinefit fit photo.png --preview terminal --force", "watch it"),
    ("sinefit fit *.png --skip-existing --log fits.jsonl", ""),
    ("cat a.png | sinefit fit - -o - | sinefit render --scale 4 -o - > big.png", ""),
)
RENDER_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit render --scale 4", "the newest weights file here"),
    ("sinefit render photo.safetensors --size 300x200", ""),
    ("sinefit render photo.safetensors --region 8,8,24,16 --scale 8", ""),
    ("sinefit render song.safetensors --rate 96000", ""),
    ("sinefit render clip.safetensors --scale 2 --fps 60", ""),
)
UPSCALE_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit upscale photo.png --scale 4", "writes photo-4x.png"),
    ("sinefit upscale *.png --size 3000x -O large --max-time 2m", ""),
    ("sinefit upscale song.wav --rate 96000", "writes song-96000hz.wav"),
    ("cat a.png | sinefit upscale - --scale 4 -o - > big.png", ""),
)
VIEW_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit view photo.safetensors", "writes photo.html"),
    ("sinefit view photo.safetensors --with-original photo.png -o both.html", ""),
    ("sinefit view -o look.html", "the newest weights file here"),
)
EXPORT_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit export photo.safetensors --format numpy", "photo.py, photo.npz"),
    ("sinefit export photo.safetensors -o photo.glsl", "and photo.bin"),
)
INFO_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit info photo.safetensors", ""),
    ("sinefit info photo.png --json", ""),
)
EVAL_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit eval photo.safetensors photo.png", ""),
    ("sinefit eval photo.safetensors photo.png --json", ""),
)
SCORE_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit score photo.png --reduce 4 --footprint box --max-time 60s", ""),
    ("sinefit score song.wav --reduce 4 --json", ""),
    ("sinefit score clip.mp4 --reduce 2", ""),
)
COMPARE_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit compare photo.png --init siren,lambert,ws --depth 4,10", ""),
    ("sinefit compare photo.png --network finer,sine --max-time 60s --holdout 5%", ""),
    ("sinefit compare song.wav --omega auto,3000 --csv cells.csv", ""),
)
INITS_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit inits", ""),
    ("sinefit inits lambert --json", ""),
)
NETWORKS_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit networks", ""),
    ("sinefit networks finer --json", ""),
)
ANALYZE_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit analyze --init lambert:sigma_a=1 --width 512 --depth 8", ""),
    ("sinefit analyze --init custom:c_w=2:c_b=0.3 --figures figures", ""),
    ("sinefit analyze photo.safetensors --signal photo.png", "before, after"),
)
REPRODUCE_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit reproduce", "what there is"),
    ("sinefit reproduce simple-variance", "a second"),
)
SOLVE_EXAMPLES: Final[tuple[Example, ...]] = (
    ("sinefit solve", "what there is"),
    ("sinefit solve burgers", "writes burgers.safetensors, burgers.png"),
    ("sinefit solve poisson:b=8 --init lambert --max-time 60s -o l.safetensors", ""),
)

_MEANINGS: Final = {
    ExitCode.OK: "done",
    ExitCode.FAILURE: "it failed while running: a fit diverged",
    ExitCode.USAGE: "an option or argument is wrong, or the device is not there",
    ExitCode.INPUT: "an input cannot be read, is damaged or is not supported",
    ExitCode.MEMORY: "out of memory",
    ExitCode.OUTPUT: "an output cannot be written, or exists already",
    ExitCode.BATCH: "some of several inputs failed, the others are done",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C",
    ExitCode.PIPE_CLOSED: "the reader of standard output has gone",
    ExitCode.TERMINATED: "stopped by SIGTERM, SIGUSR1 or SIGHUP",
}


class HelpfulCommand(TyperCommand):
    """A command whose help fits a terminal of 80 columns.

    The variable of every option follows from its flag, which one sentence says better than forty
    lines, and a flag without a value needs no type.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, with --help, as help shows them."""
        return plain_parameters(super().get_params(ctx))

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Parse the command's own options."""
        with usage_errors(info_name):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, which can tell where the values of its options come from."""
        remember_origins(ctx)
        return super().invoke(ctx)


def plain_parameters(parameters: list[Any]) -> list[Any]:
    """Take out of parameters what help says once for all of them, or need not say."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption):
            parameter.show_envvar = False
            if parameter.is_flag and parameter.metavar is None:
                parameter.metavar = ""
    return parameters


def help_of(command: Callable[..., None], examples: Sequence[Example]) -> str:
    """Return a command's help: the first paragraph of its docstring, examples, and the rest."""
    first, *rest = (
        " ".join(paragraph.split())
        for paragraph in inspect.cleandoc(command.__doc__ or "").split("\n\n")
    )
    return "\n\n".join([first, example_lines(examples), *rest])


def example_lines(examples: Sequence[Example]) -> str:
    """Return examples as a paragraph in rich's markup, a line each."""
    widest = max((len(command) for command, what in examples if what), default=0)
    lines = ["Examples:"]
    for command, what in examples:
        remark = f"{' ' * (widest - len(command))}  # {_literal(what)}" if what else ""
        # The tag goes before the blanks, which would else be taken for a margin and removed.
        lines.append(f"[not dim]  {_literal(command)}[/]{remark}")
    return "\n".join(lines)


def _literal(text: str) -> str:
    """Return text that rich's markup shows as it is.

    rich has this too, but importing it takes a third of all the time of `sinefit --version`.
    """
    return re.sub(r"(?=\[[a-z#/@])", r"\\", text)


def variables_line(command: str, flag: str) -> str:
    """Return the sentence on the variables that a command's options are taken from."""
    variable = variable_of(command, flag)
    return f"Every option has a variable, its flag in capitals: {variable} for --{flag}."


def exit_status_lines() -> str:
    """Return the exit statuses and their meaning, a line each."""
    return "\n".join(
        ["Exit status:", *(f"  {code:>3}  {meaning}" for code, meaning in _MEANINGS.items())]
    )
