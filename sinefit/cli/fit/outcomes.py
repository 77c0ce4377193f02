"""What became of each fit of a batch: events, JSON objects, and what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import typer

from sinefit.cli.failures import ExitCode, describe_failure
from sinefit.cli.fit.values import fit_values, progress_values
from sinefit.fitting.report import FitDivergedError, FitNotMeasuredError, Stopped

if TYPE_CHECKING:
    from sinefit.cli.fit.log import EventCallback
    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.stopping import StopRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.fitting.report import Progress
    from sinefit.jobs.job import Job


class Outcomes:
    """Tells of every fit of a batch as it ends, and in the end of those that failed."""

    def __init__(
        self,
        request: FitRequest,
        messages: Messages,
        stop: StopRequest,
        on_event: EventCallback | None,
        *,
        as_json: bool,
        is_only: bool,
        stack: str | None = None,
    ) -> None:
        """Prepare; the failure of an only fit is not listed but raised.

        `on_event` is None where nobody hears of events. `stack` is the file that the fields of all
        fits end in.
        """
        self.on_event = on_event
        self._is_only = is_only
        self._request = request
        self._messages = messages
        self._stop = stop
        self._as_json = as_json
        self._stack = stack
        self._failures: list[str] = []

    def begin(self, job: Job) -> None:
        """Tell that a fit begins."""
        if self.on_event is not None:
            self.on_event({"event": "start", "file": job.source, **job.names})

    def progressed(self, job: Job, progress: Progress) -> None:
        """Tell how far a fit is."""
        if self.on_event is not None:
            self.on_event(progress_values(progress, job))

    def done(self, values: dict[str, Any]) -> None:
        """Tell what has become of a fit that is done."""
        self._tell("end", values)

    def failed(self, job: Job, error: Exception) -> None:
        """Tell of an error, which a bug and the failure of the only fit raise again."""
        failure = describe_failure(error)
        if failure is None:
            raise error
        message, code = failure
        values: dict[str, Any] = {"file": job.source}
        if isinstance(error, Stopped):
            code = self._stop.exit_code
        if isinstance(error, FitDivergedError | FitNotMeasuredError):
            values = fit_values(error.result.report, job)
        self._tell("error", {**values, "error": message, "exit": int(code)})
        if isinstance(error, Stopped):
            return
        if self._is_only:
            raise error
        self._messages.streams.show_error(message)
        self._failures.append(message if job.source in message else f"{job.source}: {message}")

    def stopped(self) -> NoReturn:
        """End a batch that was asked to stop."""
        if self._stack is not None:
            self._messages.always(f"{self._stack}: stopped; the same command goes on")
        raise typer.Exit(self._stop.exit_code)

    def close(self, count: int) -> None:
        """List what failed of `count` fits; if anything did, that is the exit status."""
        if not self._failures:
            return
        failed = len(self._failures)
        self._messages.always(f"{count - failed} of {count} fitted; these failed:")
        for message in self._failures:
            self._messages.always(f"  {message}")
        raise typer.Exit(ExitCode.BATCH)

    def _tell(self, event: str, values: dict[str, Any]) -> None:
        if self.on_event is not None:
            self.on_event({"event": event, **values})
        if self._as_json:
            self._messages.streams.write_json(values)
