"""Stopping a fit: the first signal asks, the second Ctrl-C insists."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from sinefit.cli.exit_codes import Termination
from sinefit.cli.failures import ExitCode

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_ASKING = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP")


class StopRequest:
    """While entered, notes Ctrl-C, SIGTERM, SIGUSR1 and SIGHUP instead of ending the command.

    A batch system sends SIGTERM, or SIGUSR1 when asked to warn, some 30 seconds before it kills; a
    terminal that is closed, or whose connection is lost, sends SIGHUP.
    The second Ctrl-C raises KeyboardInterrupt where it arrives. Outside, where there is nothing to
    keep, these signals end the command at once. It can be entered again and again; what was
    received stays.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        for name in _ASKING:
            number = getattr(signal, name, None)
            # What was ignored when the command began stays so: the Ctrl-C of a background job.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()

    def requested(self) -> bool:
        """Tell whether a signal has asked to stop."""
        return self._received is not None

    def insist(self) -> None:
        """End the command if a signal has asked to stop: for where there is nothing to keep."""
        if self.requested():
            raise KeyboardInterrupt if self._received == signal.SIGINT else Termination

    @property
    def exit_code(self) -> ExitCode:
        """The exit status that the signal calls for."""
        if self._received == signal.SIGINT:
            return ExitCode.INTERRUPTED
        return ExitCode.TERMINATED

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._received = self._received or number
