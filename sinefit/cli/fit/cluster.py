"""What `sinefit fit --cluster` says of files fitted by workers on this and other machines."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sinefit.cli.fit.telling import Telling
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.words.progress import cluster_words
from sinefit.fitting.report import PartsStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sinefit.cli.fit.outcomes import Outcomes
    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.stopping import StopRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.cluster.tasks import ClusterProgress
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import Progress
    from sinefit.jobs.job import Job
    from sinefit.jobs.outcome import JobOutcome, Left


class ClusterTelling(Telling):
    """Says what becomes of fits on workers, many at once: all of them go on by one command."""

    def __init__(
        self,
        request: FitRequest,
        messages: Messages,
        stop: StopRequest,
        outcomes: Outcomes,
        jobs: Sequence[Job],
    ) -> None:
        super().__init__(request, messages, stop, outcomes)
        self._starts_over = request.force
        self._jobs = jobs
        self._display: ProgressDisplay | None = None

    @contextlib.contextmanager
    def watch(self) -> Iterator[Callable[[ClusterProgress], None]]:
        """Show how far all are."""
        jobs = self._jobs
        title = jobs[0].source if len(jobs) == 1 else f"{len(jobs)} files"
        with ProgressDisplay(self.messages, title) as self._display:
            display = self._display
            yield lambda progress: display.update(progress.share, cluster_words(progress))

    def on_notice(self, job: Job, sentence: str) -> None:
        """Say what is lost or changed, and of which file."""
        named = sentence if job.source in sentence else f"{job.source}: {sentence}"
        super().on_notice(job, named)

    def on_progress(self, job: Job, progress: Progress) -> None:
        """Tell how far a fit is."""
        super().on_progress(job, progress)
        if progress.phase == "measuring" and len(self._jobs) == 1 and self._display is not None:
            self._display.show_fit(progress)

    def on_end(self, job: Job, outcome: JobOutcome) -> None:
        """Tell what became of a job."""
        if isinstance(outcome.error, PartsStoppedError):
            self.messages.always(str(outcome.error))
        super().on_end(job, outcome)

    def say_left(self, job: Job, _checkpoint: Checkpoint, left: Left) -> None:
        """Say where the checkpoint of a stopped fit is that is not where it belongs."""
        if left.refusal is not None:
            self.on_notice(job, f"{left.refusal}; the checkpoint is in {left.place}")

    def say_not_measured(self, job: Job) -> None:
        """Say that a fit was stopped while it was measured."""
        self.messages.always(f"{job.target}: finished and saved, but stopped while it was measured")

    def say_stopped(self, left: int, not_begun: Sequence[Job]) -> None:
        """Say how all fits of a batch go on that was stopped."""
        if left:
            count = len(self._jobs)
            self.messages.always(f"stopped: {left} of {count} left what they have reached")
        cure = "the same command goes on"
        if self._starts_over:
            cure += " without --force, once what it is to replace is moved"
        self.messages.always(cure)
        if not_begun:
            self.messages.always(f"not begun: {len(not_begun)} more")
