"""One file that is rendered larger: its fit, and the render of that."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.cli.fit.job import prepare_fit
from sinefit.cli.render.delivery import deliver
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.cli.words.quoting import command_line
from sinefit.errors import OutputExistsError
from sinefit.files import check_output, is_stream
from sinefit.fitting.report import result_of
from sinefit.jobs.renders import target_and_format
from sinefit.rendering.plan import plan_render
from sinefit.signals.formats import check_quality
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import check_writable

if TYPE_CHECKING:
    from sinefit.cli.fit.log import EventCallback
    from sinefit.cli.stopping import StopRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.cli.upscale.request import UpscaleRequest
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.jobs.job import Job
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.signal import SignalSpec


def upscale_job(
    job: Job,
    request: UpscaleRequest,
    messages: Messages,
    stop: StopRequest,
    *,
    resume: Checkpoint | None = None,
    on_event: EventCallback | None = None,
) -> dict[str, Any]:
    """Fit one file, render it and return what `--json` tells of both.

    The finished weights lie beside the output until that is written; where it cannot be, or when
    the render is stopped, they stay, and a line tells how to go on.
    """
    assert job.render is not None
    with contextlib.ExitStack() as held:
        try:
            fit = prepare_fit(job, request, messages, stop, held, resume=resume)
        except OutputExistsError as error:
            command = command_line(request.render_command(job, Path(job.target)))
            raise OutputExistsError(f"{error}, or render what it holds: {command}") from error
        plan, format = _planned(job, job.render, fit.signal.spec, request)
        for notice in plan.notices:
            messages.warn(notice)
        outcome = fit.complete(stop, on_event)
        try:
            values = fit.tell(outcome)
            result = result_of(outcome)
            assert result is not None  # else it has been told, by an error
            events = TaskEvents(messages, "rendering", on_event=on_event)
            events.begin(file=job.source, output=job.render)
            done = deliver(
                result.field,
                plan,
                job.render,
                format,
                Encoding(quality=request.quality),
                force=request.force,
                device=request.config.device,
                threads=request.config.threads,
                messages=messages,
                on_share=events.progress,
            )
        except BaseException:
            if result_of(outcome) is not None and not is_stream(job.target):
                command = command_line(request.render_command(job, Path(job.target)))
                messages.always(f"the fit is finished and in {job.target}; go on with: {command}")
            raise
        values.update(format=format, render_seconds=done["seconds"], weights=None)
        if request.keep_weights and not is_stream(job.target):
            values["weights"] = job.target
        elif not is_stream(job.target):
            Path(job.target).unlink(missing_ok=True)
    return values


def _planned(
    job: Job, output: str, spec: SignalSpec, request: UpscaleRequest
) -> tuple[RenderPlan, str]:
    """Return what to render and in which format, before any work is spent on the fit.

    Raises SettingError and OutputError for what cannot be rendered or written.
    """
    check_output(output, force=request.force, source=job.source)
    plan = plan_render(spec, request.render)
    _, format = target_and_format(spec, None, request.render, output, request.output_format)
    check_writable(plan.spec, format)
    check_quality(spec.kind, format, request.quality)
    return plan, format
