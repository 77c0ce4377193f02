"""What a command line asks for of each of its files."""

from __future__ import annotations

from dataclasses import dataclass

from sinefit.jobs.settings import JobSettings


@dataclass(frozen=True)
class FitRequest(JobSettings):
    """What a command line asks for of each of its files."""

    preview: str | None = None
    """"terminal" or the name of a PNG."""
    preview_every: float | None = None
    """Seconds between two pictures; None for as often as suits where they are shown."""
    command: str = "fit"
    """The subcommand that is asked."""
    outer: tuple[str, ...] = ()
    """Words of the command line that change what is told or rendered and not what is fitted."""
