"""Where larger files go, and where the fits for them keep what they have reached."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.errors import SinefitError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import is_stream
from sinefit.jobs.planning import leads_to_stream
from sinefit.jobs.renders import suffix_of
from sinefit.signals.formats import FORMATS, extension_of, format_of_name, formats_of
from sinefit.signals.sniffing import detect

if TYPE_CHECKING:
    from sinefit.cli.upscale.request import UpscaleRequest
    from sinefit.jobs.job import Job


def with_render(job: Job, request: UpscaleRequest, output: str | None) -> Job:
    """Return a fit's job as that of a larger file, by its name or that of its weights file.

    The weights, and a checkpoint of a fit that is stopped, lie beside the output under its name;
    for an output that is a pipe they go nowhere.
    """
    render = output
    if render is None:
        render = job.target if leads_to_stream(job.target) else _named(job, request)
    if leads_to_stream(render):
        return replace(job, target=os.devnull, render=render)
    path = Path(render)
    return replace(
        job, target=str(path.with_suffix(SUFFIX)) if path.name else render, render=render
    )


def _named(job: Job, request: UpscaleRequest) -> str:
    weights = Path(job.target)
    ending = _ending(job.source, request)
    return str(weights.with_name(f"{weights.stem}-{suffix_of(request.render)}{ending}"))


def _ending(source: str, request: UpscaleRequest) -> str:
    """Return the input's own ending where files so named can be written, else a usual one."""
    if request.output_format is not None:
        return extension_of(request.output_format)
    kinds = tuple(FORMATS) if request.kind is None else (request.kind,)
    path = Path(source)
    if any(format_of_name(kind, source) is not None for kind in kinds):
        return path.suffix
    # Whoever reads it next tells what is wrong with it.
    with contextlib.suppress(OSError, SinefitError):
        if request.kind is None and path.is_file() and not is_stream(source):
            with path.open("rb") as file:
                kinds = (detect(file, source)[0],)
    return extension_of(formats_of(kinds[0])[0])
