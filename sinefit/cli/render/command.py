"""`sinefit render`: from a weights file to a file of the kind that was fitted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import machine, told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.parsing import (
    parse_rate,
    parse_region,
    parse_scale,
    parse_seconds,
    parse_size,
)
from sinefit.cli.render import options  # noqa: TC001
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.cli.weights import read_weights
from sinefit.cli.words.amounts import duration
from sinefit.cli.words.details import field_details
from sinefit.cli.words.signals import describe_signal
from sinefit.files import check_output, is_standard_output

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field
    from sinefit.fields.weights_file import StoredField
    from sinefit.rendering.plan import RenderPlan, RenderRequest
    from sinefit.signals.signal import Footprint
    from sinefit.signals.writer import Encoding


def render(
    weights: options.Weights = None,
    output: options.Output = None,
    force: options.Force = False,
    what: options.What = "value",
    scale: options.Scale = None,
    size: options.Size = None,
    rate: options.Rate = None,
    fps: options.Fps = None,
    region: options.Region = None,
    footprint: options.FootprintOption = None,
    start: options.Start = "0",
    length: options.Length = None,
    output_format: options.OutputFormat = None,
    bit_depth: options.BitDepth = None,
    quality: options.Quality = None,
    device: machine.Device = "auto",
    threads: machine.Threads = None,
    quiet: told.Quiet = False,
    verbose: told.Verbose = False,
    progress: told.ProgressOption = "auto",
) -> None:
    """Evaluate a fitted field on any grid and write it as a file."""
    with exit_codes() as streams:
        messages = Messages(streams, quiet=quiet, verbose=verbose, progress=progress)

        from sinefit.jobs.renders import target_and_format
        from sinefit.rendering.plan import RenderRequest
        from sinefit.signals.writer import Encoding

        request = RenderRequest(
            scale=None if scale is None else parse_scale(scale),
            size=None if size is None else parse_size(size),
            rate=None if rate is None else parse_rate("--rate", rate),
            fps=None if fps is None else parse_rate("--fps", fps),
            region=None if region is None else parse_region(region),
            start=parse_seconds("--start", start),
            duration=None if length is None else parse_seconds("--duration", length),
            bit_depth=bit_depth,
            what=what,
            footprint=cast("Footprint | None", footprint),  # it refuses any other
        )
        with TaskEvents(messages, "rendering") as events:
            field, plan, path = _load(weights, output, request, messages)
            target, chosen = target_and_format(field, path, request, output, output_format)
            if chosen == "npy":
                plan = plan.as_numbers()
            if target is None:
                target = streams.default_output()
            streams.refuse_terminal(target)
            check_output(target, force=force, source=path)
            for notice in plan.notices:
                messages.warn(notice)
            events.start(file="-" if path is None else str(path), output=target, format=chosen)
            _write(
                field,
                plan,
                target,
                chosen,
                Encoding(quality=quality),
                force=force,
                device=device,
                threads=threads,
                messages=messages,
                events=events,
            )


def _load(
    weights: str | None, output: str | None, request: RenderRequest, messages: Messages
) -> tuple[Field, RenderPlan, Path | None]:
    """Return the field that is meant, what to render of it, and its file if it is one.

    Of its blocks only those are read that the render touches.
    """
    from sinefit.rendering.plan import plan_render

    def read(stored: StoredField) -> tuple[Field, RenderPlan]:
        plan = plan_render(stored.spec, request)
        return stored.field(plan.reach), plan

    (field, plan), path = read_weights(weights, output, messages, read, "rendering")
    return field, plan, path


def _write(
    field: Field,
    plan: RenderPlan,
    target: str,
    chosen: str,
    encoding: Encoding,
    *,
    force: bool,
    device: str,
    threads: int | None,
    messages: Messages,
    events: TaskEvents,
) -> None:
    from sinefit.fitting.devices import resolve_device
    from sinefit.jobs.renders import write_render
    from sinefit.signals.writing import check_writable

    check_writable(plan.spec, chosen)
    used = resolve_device(device)
    field = field.to(used)
    name = "standard output" if is_standard_output(target) else target
    for detail in field_details(field, used, threads):
        messages.detail(
            f"{name}: field {detail}" if detail.startswith("fitted") else f"{name}: {detail}"
        )
    begin = time.perf_counter()
    with ProgressDisplay(messages, name) as display:

        def show(share: float) -> None:
            seconds = time.perf_counter() - begin
            display.update(share, f"{duration(seconds * (1 - share) / share)} left")
            events.progress(share)

        notices = write_render(
            field,
            plan,
            target,
            chosen,
            encoding,
            force=force,
            threads=threads,
            on_share=show,
        )
    for notice in notices:
        messages.warn(notice)
    messages.say(f"{name}: {describe_signal(plan.spec)}, {chosen}; rendered on {used}")
    events.end(seconds=round(time.perf_counter() - begin, 3), device=str(used))
