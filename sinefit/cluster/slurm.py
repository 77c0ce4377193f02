"""Workers in jobs of SLURM, as the configuration of dask-jobqueue has them."""

from __future__ import annotations

import contextlib
import shutil
import threading
from typing import TYPE_CHECKING, Any, Final

from sinefit.errors import ClusterError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.cluster.address import ClusterAddress

SCHEDULER_OPTIONS: Final = "jobqueue.slurm.scheduler-options"
"""What of the configuration is for the scheduler."""
SUBMIT_SECONDS: Final = 120.0
"""Seconds in which the first job has to be taken: a controller that does not answer has sbatch ask
again for about a minute."""


class Submissions:
    """What becomes of the jobs of one command as they are handed to the batch system."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._changed = threading.Condition()
        self._taken = 0
        self._refusals: list[str] = []

    def note(self, refusal: str | None) -> None:
        """Take note of a job that was taken, or of why one was not."""
        with self._changed:
            if refusal is None:
                self._taken += 1
            else:
                self._refusals.append(refusal)
            self._changed.notify_all()

    def wait(self, seconds: float = SUBMIT_SECONDS) -> str | None:
        """Wait until a job is taken; return why none is, None where one is or may still be."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._taken or len(self._refusals) >= self._count, seconds
            )
            return None if self._taken or not self._refusals else self._refusals[0]


@contextlib.contextmanager
def slurm_workers(address: ClusterAddress, install: str) -> Iterator[Any]:
    """Give a cluster of jobs that were taken; `install` tells how to get what it takes.

    Raises SettingError where that is not installed, ClusterError where no job is taken.
    """
    try:
        import dask
        import dask_jobqueue
        from dask_jobqueue.slurm import SLURMJob
        from distributed.deploy.spec import ProcessInterface
    except ImportError:
        raise SettingError(f"`cluster` slurm needs dask-jobqueue: {install}") from None
    if shutil.which("sbatch") is None:
        raise ClusterError(
            f"`cluster` is {address}: there is no sbatch here: run it where jobs start"
        )
    assert address.count is not None
    submissions = Submissions(address.count)

    async def start(job: Any) -> None:
        try:
            await SLURMJob.start(job)
        except Exception as error:  # what is raised here nobody hears
            submissions.note(_reason(error))
            await ProcessInterface.start(job)
        else:
            submissions.note(None)

    async def close(job: Any) -> None:
        await SLURMJob.close(job)
        await ProcessInterface.close(job)  # the cluster sees to it that all of them are

    kind = type("Job", (SLURMJob,), {"start": start, "close": close})
    try:
        # A port of its own for each: the usual one can be another command's on this machine.
        options = {"dashboard_address": ":0"} | dask.config.get(SCHEDULER_OPTIONS, {})
        cluster = dask_jobqueue.SLURMCluster(job_cls=kind, scheduler_options=options)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ClusterError(
            f"`cluster` is {address}: dask-jobqueue says {reason}; set cores and memory under "
            "jobqueue.slurm in ~/.config/dask/jobqueue.yaml"
        ) from error
    with cluster:
        cluster.scale(jobs=address.count)
        refusal = submissions.wait()
        if refusal is not None:
            raise ClusterError(
                f"`cluster` is {address}: sbatch takes no job: {refusal}; see jobqueue.slurm in "
                "~/.config/dask/jobqueue.yaml"
            )
        yield cluster


def _reason(refusal: Exception) -> str:
    """Return the last thing that sbatch has said, as dask-jobqueue's errors quote it."""
    said = [line.strip() for line in str(refusal).splitlines()]
    said = [line for line in said if line and line not in ("stdout:", "stderr:")]
    return said[-1].removeprefix("sbatch: ").removeprefix("error: ") if said else repr(refusal)
