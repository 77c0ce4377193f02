"""Going on with a stopped fit: what its checkpoint remembers of the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sinefit.cli.jobs import CHECKPOINT_SUFFIX, Job
from sinefit.cli.quoting import command_line
from sinefit.cli.streams import is_standard_input
from sinefit.errors import InputError, SettingError
from sinefit.fields.metadata import SUFFIX, read_content
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.settings import settings_in
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    import typer

    from sinefit.cli.fit_job import FitRequest
    from sinefit.fitting.checkpoint import Checkpoint

CHECKPOINT_EVERY: Final = 60.0
"""Seconds between two checkpoints where nothing else is said."""

_CONFIG: Final = {
    "sigma_a": "initializer",
    "alpha": "initializer",
    **{each.name: each.name for each in settings_in(FitConfig) if each.decides},
}
"""Options by name, and the fields of FitConfig that they decide."""
_BUDGET: Final = tuple(each.name for each in settings_in(Budget))
"""Options that are fields of Budget."""
_READING: Final = {
    "kind": "--kind",
    "input_format": "--format",
    "sound": "--sound",
    **{each.name: f"--{each.flag}" for each in settings_in(Selection)},
}
"""How an input is read: fields of FitRequest and of its Selection, and their flags."""


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint; raises InputError for anything that is not a sound one."""
    from sinefit.fitting.checkpoint import decode_checkpoint

    return decode_checkpoint(read_content(Path(path)), str(path))


def origin_of(job: Job, request: FitRequest) -> dict[str, Any]:
    """Return what a checkpoint keeps so that its fit can be found and read again."""
    source = job.source if is_standard_input(job.source) else str(Path(job.source).absolute())
    return {
        "source": source,
        "target": str(Path(job.target).absolute()),
        "reading": _reading(request),
        "start_from": _start_from(request),
    }


def check_command(checkpoint: Checkpoint, request: FitRequest) -> None:
    """Raise SettingError, naming the flag, if a command reads its input unlike the checkpoint's."""
    theirs = checkpoint.origin.get("reading")
    if not isinstance(theirs, dict):
        return  # the library made it, which knows of no files
    for name, value in _reading(request).items():
        if name in theirs and theirs[name] != value:
            raise _differs(_READING[name], theirs[name], value)


def check_start(checkpoint: Checkpoint, request: FitRequest) -> None:
    """Raise SettingError if a command begins with other weights than the checkpoint's."""
    theirs = checkpoint.origin.get("start_from")
    if theirs != _start_from(request):
        raise _differs("--from", theirs, _start_from(request))


def resumed(
    context: typer.Context,
    checkpoint: Checkpoint,
    request: FitRequest,
    name: str,
    sources: list[str],
    output: str | None,
) -> tuple[FitRequest, Job]:
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
    reading = _reading(request)
    try:
        origin = dict(checkpoint.origin)
        for field in _READING:
            if not is_given(field):
                reading[field] = origin["reading"][field]
        request = dataclasses.replace(
            request,
            config=_merged(checkpoint.config, request.config, is_given),
            **_from_reading(reading),
        )
        source, target = str(origin["source"]), Path(origin["target"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{name}: damaged checkpoint: it does not tell its input") from error
    is_moved = target.parent.resolve() != Path(name).parent.resolve()
    if sources:
        source = sources[0]
    elif is_standard_input(source):
        raise SettingError(f"{name} was made of standard input: pipe the same in and name it -")
    else:
        source = _found_again(Path(source), name, is_moved=is_moved)
    if is_moved:
        # The weights belong beside the checkpoint.
        target = Path(name.removesuffix(CHECKPOINT_SUFFIX) + SUFFIX)
    return request, Job(source, output or str(target))


def _found_again(source: Path, name: str, *, is_moved: bool) -> str:
    """Return the input of a checkpoint: beside one that was moved, else where it was, or beside.

    Raises InputError, naming both places, where it is in neither.
    """
    beside = Path(name).parent / source.name
    for place in (beside, source) if is_moved else (source, beside):
        if place.exists():
            return str(place)
    command = command_line(["sinefit", "fit", "--resume", name])
    raise InputError(
        f"{name}: its input is neither beside it nor at {source}: name it: {command} FILE"
    )


def resume_command(job: Job, request: FitRequest, checkpoint: Path) -> list[str]:
    """Return the words of the command that goes on with a stopped fit from its checkpoint."""
    words = ["sinefit", "fit", "--resume", str(checkpoint)]
    config = request.config
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


def _reading(request: FitRequest) -> dict[str, Any]:
    """Return how a request reads its input, as JSON has it, by the names of `_READING`."""
    values = {
        "kind": request.kind,
        "input_format": request.input_format,
        "sound": request.sound,
        **dataclasses.asdict(request.selection),
    }
    if values["region"] is not None:
        values["region"] = list(values["region"])
    return values


def _from_reading(reading: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of FitRequest that `_reading` was made of."""
    values = dict(reading)
    own = {name: values.pop(name) for name in ("kind", "input_format", "sound")}
    if values["region"] is not None:
        x, y, width, height = (int(value) for value in values["region"])
        values["region"] = x, y, width, height
    return {**own, "selection": Selection(**values)}


def _merged(kept: FitConfig, wanted: FitConfig, is_given: Any) -> FitConfig:
    fields = {field for option, field in _CONFIG.items() if is_given(option)}
    chosen = {field: getattr(wanted, field) for field in fields}
    limits = [option for option in _BUDGET if is_given(option)]
    if limits:
        chosen["budget"] = _merged_budget(kept.budget, wanted.budget, limits)
    return dataclasses.replace(kept, device=wanted.device, threads=wanted.threads, **chosen)


def _merged_budget(kept: Budget | None, wanted: Budget | None, limits: list[str]) -> Budget | None:
    if kept is None or wanted is None:
        return wanted
    return dataclasses.replace(kept, **{limit: getattr(wanted, limit) for limit in limits})


def _start_from(request: FitRequest) -> str | None:
    return None if request.start_from is None else str(Path(request.start_from).absolute())


def _differs(flag: str, theirs: object, mine: object) -> SettingError:
    return SettingError(
        f"the checkpoint was made with {flag} {_word(theirs)}, not {_word(mine)}: give the "
        "same again, or remove the checkpoint"
    )


def _word(value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return "by default" if value is None else str(value)
