"""One file that is rendered larger: its fit, and the render of that."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.cli.render.delivery import deliver
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.cli.words.quoting import command_line
from sinefit.errors import OutputExistsError
from sinefit.files import check_output, is_stream
from sinefit.fitting.report import FitDivergedError, FitNotMeasuredError
from sinefit.jobs.renders import target_and_format
from sinefit.jobs.running import claimed, complete
from sinefit.rendering.plan import plan_render
from sinefit.signals.formats import check_quality
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import check_writable

if TYPE_CHECKING:
    from sinefit.cli.fit.telling import Telling
    from sinefit.cli.upscale.request import UpscaleRequest
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.job import Job
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.signal import SignalSpec


def upscale_job(
    job: Job, request: UpscaleRequest, telling: Telling, *, resume: Checkpoint | None = None
) -> FitResult:
    """Do as `run_job` does and render what was fitted.

    The finished weights lie beside the output until that is written; where it cannot be, or when
    the render is stopped, they stay, and a line tells how to go on.
    """
    assert job.render is not None
    messages, has_file = telling.messages, not is_stream(job.target)
    go_on = command_line(request.render_command(job, Path(job.target)))
    with contextlib.ExitStack() as held:
        try:
            fit = held.enter_context(claimed(job, request, telling, resume))
        except OutputExistsError as error:
            raise OutputExistsError(f"{error}, or render what it holds: {go_on}") from error
        plan, format = _planned(job, job.render, fit.signal.spec, request)
        for notice in plan.notices:
            messages.warn(notice)
        result = None
        try:
            result = complete(fit, telling)
            events = TaskEvents(messages, "rendering", on_event=telling.outcomes.on_event)
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
        except BaseException as error:
            if has_file and (result or isinstance(error, FitDivergedError | FitNotMeasuredError)):
                messages.always(f"the fit is finished and in {job.target}; go on with: {go_on}")
            raise
        told = {"format": format, "render_seconds": done["seconds"], "weights": None}
        if request.keep_weights and has_file:
            told["weights"] = job.target
        elif has_file:
            Path(job.target).unlink(missing_ok=True)
        telling.more[job] = told
    return result


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
