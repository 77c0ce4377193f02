"""Going on with a stopped fit: the options of the command line beside those of its checkpoint."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sinefit.cli.fit.request import FitRequest
from sinefit.cli.words.quoting import command_line
from sinefit.errors import InputError, SettingError
from sinefit.files import is_standard_input
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.jobs.job import Job
from sinefit.jobs.origin import READING, settings_again
from sinefit.networks.family import Published
from sinefit.settings import settings_in

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from sinefit.fitting.checkpoint import Checkpoint

_CONFIG: Final = {
    "sigma_a": "initializer",
    "alpha": "initializer",
    **{each.name: each.name for each in settings_in(FitConfig) if each.decides},
}
"""Options by name, and the fields of FitConfig that they decide."""
_BUDGET: Final = tuple(each.name for each in settings_in(Budget))
"""Options that are fields of Budget."""

Request = TypeVar("Request", bound=FitRequest)


def resumed(
    context: typer.Context,
    checkpoint: Checkpoint,
    request: Request,
    name: str,
    sources: list[str],
    output: str | None,
) -> tuple[Request, Job]:
    """Return the request and the job of a checkpoint that `--resume` names.

    Options that were given on the command line are kept, so that what differs from the checkpoint
    is found; the others are the checkpoint's own. The device and the threads are a matter of the
    machine at hand.
    """

    def is_given(option: str) -> bool:
        return getattr(context.get_parameter_source(option), "name", "") == "COMMANDLINE"

    if request.start_from is not None:
        raise SettingError("--from and --resume exclude each other: the checkpoint has its start")
    if is_given("output_folder"):
        raise SettingError("--output-folder and --resume exclude each other: use --output")
    if len(sources) > 1:
        raise SettingError("--resume goes on with one fit: name its one input, or none")
    given = {field for field in READING if is_given(field)}
    config = _merged(checkpoint.config, request.config, is_given)
    request = dataclasses.replace(request, config=config)
    request, origin = settings_again(request, checkpoint, name, given)
    source: str | None
    if sources:
        source = sources[0]
    elif is_standard_input(origin.source):
        raise SettingError(f"{name} was made of standard input: pipe the same in and name it -")
    else:
        source = origin.place_of_source(name)
    if source is None:
        command = command_line(["sinefit", request.command, "--resume", name])
        raise InputError(
            f"{name}: its input is neither beside it nor at {origin.source}: "
            f"name it: {command} FILE"
        )
    return request, Job(source, output or origin.place_of_target(name))


def resume_command(job: Job, request: FitRequest, checkpoint: Path) -> list[str]:
    """Return the words of the command that goes on with a stopped fit from its checkpoint."""
    words = ["sinefit", request.command, "--resume", str(checkpoint)]
    config = request.config
    if job.render is not None:
        words += ["--output", job.render]
    if request.force:
        words.append("--force")
    if config.device != "auto":
        words += ["--device", config.device]
    if config.threads is not None:
        words += ["--threads", str(config.threads)]
    if request.checkpoint_every != CHECKPOINT_EVERY:
        words += ["--checkpoint-every", f"{request.checkpoint_every:g}s"]
    if is_standard_input(job.source):
        words.append("-")
    return words


def _merged(kept: FitConfig, wanted: FitConfig, is_given: Any) -> FitConfig:
    fields = {field for option, field in _CONFIG.items() if is_given(option)}
    chosen = {field: getattr(wanted, field) for field in fields}
    # What they decide is a number in the checkpoint, which must not stand in their way.
    for wish, decided in (("block_size", "blocks"), ("weights_per_value", "width")):
        if wish in chosen:
            chosen.setdefault(decided, None)
    if isinstance(chosen.get("network"), Published):  # which has neither
        chosen = {"initializer": None, "omega": None, **chosen}
    limits = [option for option in _BUDGET if is_given(option)]
    if limits:
        chosen["budget"] = _merged_budget(kept.budget, wanted.budget, limits)
    return dataclasses.replace(kept, device=wanted.device, threads=wanted.threads, **chosen)


def _merged_budget(kept: Budget | None, wanted: Budget | None, limits: list[str]) -> Budget | None:
    if kept is None or wanted is None:
        return wanted
    return dataclasses.replace(kept, **{limit: getattr(wanted, limit) for limit in limits})
