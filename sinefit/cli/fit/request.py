"""What a command line asks for of each of its files."""

from __future__ import annotations

from dataclasses import dataclass

from sinefit.cli.words.quoting import option_words
from sinefit.jobs.settings import JobSettings
from sinefit.signals.limits import MAX_BYTES, MAX_PIXELS


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


def outer_words(
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    progress: str,
    log: str | None,
    max_pixels: int,
    max_bytes: int,
    preview: str | None = None,
) -> tuple[str, ...]:
    """Return the options of a command that `FitRequest.outer` is about, as far as they are set."""
    return option_words(
        {
            "--json": as_json,
            "--quiet": quiet,
            "--verbose": verbose,
            "--progress": None if progress == "auto" else progress,
            "--preview": preview,
            "--log": log,
            "--max-pixels": None if max_pixels == MAX_PIXELS else max_pixels,
            "--max-bytes": None if max_bytes == MAX_BYTES else max_bytes,
        }
    )
