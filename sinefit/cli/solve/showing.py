"""What `sinefit solve` says: the list of equations, a plan, progress, a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sinefit.cli.words.amounts import duration
from sinefit.initializers.registry import describe
from sinefit.parameters import parameter_values, parameters_of

if TYPE_CHECKING:
    from sinefit.cli.terminal.streams import Streams
    from sinefit.solving.equation import Equation
    from sinefit.solving.results import Solution, SolveProgress
    from sinefit.solving.settings import SolvePlan


def list_equations(streams: Streams, *, as_json: bool) -> None:
    """Print what can be solved, for people or for machines."""
    from sinefit.solving.registry import EQUATIONS

    if as_json:
        streams.write_json({"equations": [_told(each) for each in EQUATIONS.values()]})
        return
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    console = streams.text_console()
    console.soft_wrap = False
    for equation in EQUATIONS.values():
        lines = [Text(equation.formula)]
        for parameter in parameters_of(equation):
            default = f"{parameter.default:.6g}"
            line = Text(f"{parameter.name}={default}", style="cyan")
            lines.append(line.append(f"  {parameter.help}; {parameter.range}", style="default"))
        lines.append(Text(f"Compared with: {equation.truth}"))
        size = equation.reduced
        lines.append(
            Text(
                f"Scaled down: {size.depth} sine layers of {size.width}, {size.steps} steps; siren "
                f"reaches a relative L2 error of about {size.reached:g}."
            )
        )
        lines.append(Text(equation.reference, style="dim"))
        title = Text(equation.name, style="bold")
        console.print(Group(title, Padding(Group(*lines), (0, 0, 1, 4))))


def plan_sentence(plan: SolvePlan) -> str:
    """Say what is about to be solved, and how."""
    size = plan.size
    how = "at the paper's size" if plan.full else "scaled down, see --full"
    omega = ",".join(f"{factor:.4g}" for factor in dict.fromkeys(plan.omega))
    return (
        f"{plan.equation.name} ({how}): {describe(plan.initializer)}, omega {omega}, {size.depth} "
        f"sine layers of {size.width}, {plan.steps} steps of {plan.points} points"
    )


def progress_words(found: SolveProgress) -> str:
    """Say how far a solve is."""
    left = found.seconds * (1.0 - found.share) / found.share if found.share else None
    words = [f"step {found.step}", f"loss {found.loss:.2e}", f"error {found.relative_error:.2e}"]
    return "  ".join([*words, f"{duration(left)} left"] if left else words)


def result_sentence(solution: Solution) -> str:
    """Say how good a solution is."""
    report = solution.report
    parts = ", ".join(f"{each.channel} {each.relative_error:.2e}" for each in report.channel_errors)
    several = f" ({parts})" if len(report.channel_errors) > 1 else ""
    return (
        f"{report.equation}: relative L2 error {report.relative_error:.2e}{several}, at most "
        f"{report.largest_error:.2g}, loss {report.loss:.2e}; weights of step {report.best_step} "
        f"of {report.steps}, {duration(report.seconds)}"
    )


def _told(equation: type[Equation]) -> dict[str, Any]:
    return {
        "name": equation.name,
        "formula": equation.formula,
        "parameters": [parameter_values(each) for each in parameters_of(equation)],
        "truth": equation.truth,
        "reached": equation.reduced.reached,
        "reference": equation.reference,
    }
