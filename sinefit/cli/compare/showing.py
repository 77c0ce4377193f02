"""How far a comparison is: its cells, and the fit that runs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sinefit.cli.failures import describe_failure
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.cli.words.amounts import duration
from sinefit.cli.words.progress import cluster_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sinefit.cli.terminal.messages import Messages
    from sinefit.cluster.tasks import ClusterProgress
    from sinefit.comparing.cells import Cell
    from sinefit.comparing.results import CellResult
    from sinefit.fitting.report import Progress


class Showing:
    """Shows the progress over all cells while it is entered."""

    def __init__(self, messages: Messages, should_stop: Callable[[], bool]) -> None:
        """Prepare; `should_stop` tells whether a signal has asked the command to stop."""
        from sinefit.comparing.running import CompareHooks

        self._messages = messages
        self._display = ProgressDisplay(messages, "compare")
        self._events = TaskEvents(messages, "comparing")
        self._held = contextlib.ExitStack()
        self._number, self._count = 0, 1
        self._is_on_cluster = False
        self.hooks = CompareHooks(
            on_begin=self._begins,
            on_progress=self._goes_on,
            on_end=self._ends,
            on_failure=self._fails,
            on_notice=messages.detail,
            should_stop=should_stop,
        )

    def __enter__(self) -> Showing:
        self._held.enter_context(self._display)
        self._held.enter_context(self._events)
        self._events.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.__exit__(kind, error, trace)

    def on_cluster(self, progress: ClusterProgress) -> None:
        """Show how far all cells are that run on a cluster."""
        self._is_on_cluster = True
        self._display.update(progress.share, cluster_words(progress))
        self._events.progress(progress.share)

    def _begins(self, cell: Cell, number: int, count: int) -> None:
        self._number, self._count = number, count
        self._show(cell, 0.0, "")

    def _goes_on(self, cell: Cell, progress: Progress) -> None:
        share = progress.share or 0.0
        is_measuring = progress.phase == "measuring"
        words = "measuring" if is_measuring else f"step {progress.step}  {progress.psnr:.2f} dB"
        self._show(cell, 1.0 if is_measuring else share, words)

    def _ends(self, cell: Cell, result: CellResult) -> None:
        quality = "not measured" if result.psnr is None else f"{result.psnr:.2f} dB"
        self._messages.detail(
            f"{cell.file}: {cell.label}: {quality} after {result.steps} steps, "
            f"{duration(result.seconds)}"
        )
        self._show(cell, 1.0, quality)

    def _fails(self, cell: Cell, error: Exception) -> None:
        failure = describe_failure(error)
        if failure is None:
            raise error
        self._messages.warn(f"{cell.file}: {cell.label}: {failure[0]}")

    def _show(self, cell: Cell, part: float, words: str) -> None:
        if self._is_on_cluster:
            return
        share = (self._number + part) / self._count
        told = f"cell {self._number + 1} of {self._count}  {cell.label}  {words}".rstrip()
        self._display.update(share, told)
        self._events.progress(share)
