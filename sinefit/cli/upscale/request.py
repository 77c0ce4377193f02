"""What a command line asks for of each file that it renders larger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sinefit.cli.fit.request import FitRequest
from sinefit.rendering.plan import RenderRequest

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.jobs.job import Job


@dataclass(frozen=True)
class UpscaleRequest(FitRequest):
    """What a command line asks for of each file that it renders larger."""

    command: str = "upscale"
    render: RenderRequest = field(default_factory=RenderRequest)
    """The grid of the output."""
    render_words: tuple[str, ...] = ()
    """The same and its encoding, as words of a command line."""
    output_format: str | None = None
    """The output's format; None goes by its name."""
    quality: int | None = None
    """That of a lossy format, 0 to 100; None for a good one."""
    keep_weights: bool = False
    """Whether the weights file stays beside the output."""

    def render_command(self, job: Job, weights: Path) -> list[str]:
        """Return the words of the command that renders the output of what is fitted already."""
        force = ("--force",) if self.force else ()
        return ["sinefit", "render", str(weights), *self.render_words, "-o", job.shown, *force]
