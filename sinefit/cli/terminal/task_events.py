"""The events of a render or a comparison, which machines are told of."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

from sinefit.cli.failures import describe_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sinefit.cli.terminal.messages import Messages

EVENT_INTERVAL: Final = 0.5
"""Seconds between two events of the progress of a render or a comparison."""


class TaskEvents:
    """The events of a render or a comparison for `--progress json`, from its start to its end.

    A block that fails tells its error and the exit status that it leads to.
    """

    def __init__(
        self,
        messages: Messages,
        phase: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Prepare; `on_event` is who is told, by itself whoever reads the messages."""
        self._on_event = on_event or messages.event
        self._phase = phase
        self._values: dict[str, Any] = {}
        self._clock = clock
        self._begin = self._last = clock()

    def __enter__(self) -> TaskEvents:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failure = describe_failure(error) if isinstance(error, Exception) else None
        if failure is not None:
            message, code = failure
            self._tell("error", error=message, exit=int(code))

    def start(self, **values: Any) -> None:
        """Tell that the work begins, with the files that every later event names too."""
        self.begin(**values)
        self._tell("start")

    def begin(self, **values: Any) -> None:
        """Begin a part of work that has told its start, with what every event of it names."""
        self._values = values
        self._begin = self._clock()
        self._last = -math.inf

    def progress(self, share: float) -> None:
        """Tell the share that is done, 0 to 1, the last one always and others now and then."""
        now = self._clock()
        if share >= 1.0 or now - self._last >= EVENT_INTERVAL:
            self._last = now
            seconds = round(now - self._begin, 3)
            self._tell("progress", phase=self._phase, share=share, seconds=seconds)

    def end(self, **values: Any) -> None:
        """Tell the result."""
        self._tell("end", **values)

    def _tell(self, event: str, **values: Any) -> None:
        self._on_event({"event": event, **self._values, **values})
