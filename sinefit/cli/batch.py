"""Many fits in a row: one that fails does not stop the rest, and what failed is told last."""

from __future__ import annotations

import contextlib
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from sinefit.cli.console import printable, show_error
from sinefit.cli.exit_codes import ExitCode, describe_failure
from sinefit.cli.fit_job import fit_job, report_values
from sinefit.cli.stopping import StopRequest
from sinefit.cli.streams import finite, is_standard_input, write_json, write_line
from sinefit.errors import OutputError
from sinefit.files import is_standard_output, is_stream
from sinefit.fitting.report import FitDivergedError, FitStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sinefit.cli.console import Messages
    from sinefit.cli.fit_job import FitRequest
    from sinefit.cli.jobs import Job
    from sinefit.fitting.checkpoint import Checkpoint

LOG_VERSION: Final = 1
"""Version of the records of `--log`; grows when a key changes its meaning or goes."""


def run_batch(
    jobs: list[Job],
    request: FitRequest,
    messages: Messages,
    *,
    as_json: bool = False,
    skip_existing: bool = False,
    dry_run: bool = False,
    log: str | None = None,
    resume: Checkpoint | None = None,
) -> None:
    """Run the fits one after the other.

    A failure of the only fit raises its error; failures in a batch are listed at the end, which is
    then BATCH. With `as_json` every fit prints one object, a failed one with its `error`. A stopped
    fit ends the batch.
    """
    waiting = []
    for job in jobs:
        if skip_existing and _exists(job.target):
            messages.say(f"{job.target}: exists, left out")
        else:
            waiting.append(job)
    if dry_run:
        for job in waiting:
            _show_plan(job, as_json=as_json)
        return
    _check_log(log, jobs)
    failures: list[str] = []
    stop = StopRequest()
    with _log_file(log) as record:
        for number, job in enumerate(waiting):
            if stop.requested():
                messages.always(f"stopped before {job.source}")
                raise typer.Exit(stop.exit_code)
            record({"event": "start", "file": job.source, "weights": job.target})
            try:
                report = fit_job(job, request, messages, stop, resume=resume, on_record=record)
            except Exception as error:
                values = _failure_values(error, job, request, stop)
                if values is None:
                    raise
                record({"event": "error", **values})
                if as_json:
                    write_json(values)
                if isinstance(error, FitStoppedError):
                    if number + 1 < len(waiting):
                        messages.always(f"not begun: {len(waiting) - number - 1} more")
                    raise typer.Exit(stop.exit_code) from error
                if len(jobs) == 1:
                    raise
                message = values["error"]
                show_error(message)
                failures.append(message if job.source in message else f"{job.source}: {message}")
            else:
                record({"event": "end", **report})
                if as_json:
                    write_json(report)
    if failures:
        messages.always(f"{len(waiting) - len(failures)} of {len(waiting)} fitted; these failed:")
        for message in failures:
            messages.always(f"  {message}")
        raise typer.Exit(ExitCode.BATCH)


def _exists(target: str) -> bool:
    return not is_standard_output(target) and os.path.isfile(target)  # noqa: PTH113 (any name)


def _failure_values(
    error: Exception, job: Job, request: FitRequest, stop: StopRequest
) -> dict[str, Any] | None:
    """Return what `--json` and the log tell of a failure; None for a bug."""
    failure = describe_failure(error)
    if failure is None:
        return None
    message, code = failure
    values: dict[str, Any] = {"file": job.source}
    if isinstance(error, FitStoppedError):
        code = stop.exit_code
    if isinstance(error, FitDivergedError):
        values = report_values(error.result.report, job, request.config)
    return {**values, "error": message, "exit": int(code)}


def _show_plan(job: Job, *, as_json: bool) -> None:
    if as_json:
        write_json({"file": job.source, "weights": job.target})
    else:
        write_line(f"{printable(job.source)} -> {printable(job.target)}")


def _check_log(name: str | None, jobs: list[Job]) -> None:
    """Raise OutputError for a log that would be written into an input or over an output."""
    if name is None or is_stream(name):
        return
    place = os.path.realpath(name)
    for job in jobs:
        files = [job.target] if is_standard_input(job.source) else [job.source, job.target]
        if place in map(os.path.realpath, files):
            raise OutputError(f"{name}: it is an input or an output; give --log another name")


@contextlib.contextmanager
def _log_file(name: str | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give a function that appends a record to a file of JSON lines, or forgets it."""
    if name is None:
        yield lambda _record: None
        return
    try:
        # Without a buffer every record is whole in the file, and nothing fails when it is closed.
        file = Path(name).open("ab", buffering=0)  # noqa: SIM115 (closed below)
    except OSError as error:
        raise OutputError(f"{name}: cannot write the log: {error.strerror}") from error
    begin = time.monotonic()

    def write(record: dict[str, Any]) -> None:
        stamp = {
            "log_version": LOG_VERSION,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "elapsed": round(time.monotonic() - begin, 3),
        }
        try:
            file.write(json.dumps(finite({**stamp, **record})).encode() + b"\n")
        except OSError as error:
            raise OutputError(f"{name}: cannot write the log: {error.strerror}") from error

    with file:
        yield write
