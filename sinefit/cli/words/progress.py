"""How far work on a cluster is, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.cli.words.amounts import duration

if TYPE_CHECKING:
    from sinefit.cluster.tasks import ClusterProgress


def cluster_words(progress: ClusterProgress) -> str:
    """Return workers, tasks, samples per second and the time left, as far as they are known."""
    if not progress.workers:
        return "waiting for workers"
    left = progress.remaining
    pace = progress.samples_per_second
    parts = [
        f"{progress.done} of {progress.count} tasks",
        "1 worker" if progress.workers == 1 else f"{progress.workers} workers",
        f"{pace / 1000:.0f}k samples/s" if pace else "",
        f"{duration(left)} left" if left else "",
    ]
    return "  ".join(filter(None, parts))
