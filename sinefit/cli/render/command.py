"""`sinefit render`: from a weights file to a file of the kind that was fitted."""

from __future__ import annotations

import contextlib
from pathlib import Path
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
from sinefit.cli.render.delivery import deliver
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.task_events import TaskEvents
from sinefit.cli.weights import open_weights
from sinefit.cluster.address import ClusterAddress
from sinefit.errors import SettingError
from sinefit.files import check_output, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from sinefit.fields.content import Content
    from sinefit.fields.field import Field
    from sinefit.fields.weights_file import StoredField
    from sinefit.rendering.plan import RenderPlan, RenderRequest
    from sinefit.signals.signal import Footprint


def render(
    weights: options.Weights = None,
    output: options.Output = None,
    name: options.Name = None,
    output_folder: options.OutputFolder = None,
    force: options.Force = False,
    cluster: options.Cluster = None,
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
        if output is not None and output_folder is not None:
            raise SettingError("--output and --output-folder exclude each other")
        address = None if cluster is None else ClusterAddress.of(cluster)
        with (
            TaskEvents(messages, "rendering") as events,
            open_weights(weights, output, messages, "rendering") as (content, path),
            _workers(address) as client,
        ):
            for stored, place in _chosen(content, path, name, output_folder):
                field, plan = _read(stored, request)
                target, chosen = target_and_format(
                    field.spec, place, request, output, output_format
                )
                if chosen == "npy":
                    plan = plan.as_numbers()
                if target is None:
                    target = streams.default_output()
                elif output_folder is not None:
                    make_folder(Path(target).parent)
                streams.refuse_terminal(target)
                check_output(target, force=force, source=path)
                for notice in plan.notices:
                    messages.warn(notice)
                events.start(file="-" if path is None else str(path), output=target, format=chosen)
                done = deliver(
                    field,
                    plan,
                    target,
                    chosen,
                    Encoding(quality=quality),
                    force=force,
                    device=device,
                    threads=threads,
                    messages=messages,
                    on_share=events.progress,
                    client=client,
                )
                events.end(**done)


@contextlib.contextmanager
def _workers(address: ClusterAddress | None) -> Iterator[Client | None]:
    """Give a client of the workers where any are asked for."""
    if address is None:
        yield None
        return
    from sinefit.cluster.connecting import connected

    with connected(address) as client:
        yield client


def _chosen(
    content: Content, path: Path | None, name: str | None, folder: str | None
) -> Iterator[tuple[StoredField, Path | None]]:
    """Yield the fields that are meant, each with the weights file that its output is named by.

    Of a stack it is one of them by its name, or with a folder all. Raises SettingError where
    neither is told, InputError for a name that is not in it.
    """
    from sinefit.fields.stack_file import stored_in
    from sinefit.fields.weights_file import StoredField
    from sinefit.jobs.renders import place_of_field

    stack = stored_in(content)
    if isinstance(stack, StoredField):
        if name is not None:
            raise SettingError(f"--name is {name}: {content.name} holds a single field")
        alone = path if folder is None else Path(folder, "field" if path is None else path.name)
        yield stack, alone
        return
    if name is None and folder is None:
        raise SettingError(
            f"{content.name} holds {len(stack.headers)} fields: name one by --name, as "
            f"{next(iter(stack.headers))}, or render all into --output-folder"
        )
    for each in stack.headers if name is None else [name]:
        stored = stack.stored(each)
        is_piped = path is None and folder is None
        yield stored, None if is_piped else place_of_field(each, path or Path(), folder)


def _read(stored: StoredField, request: RenderRequest) -> tuple[Field, RenderPlan]:
    """Return a field and what to render of it; only the blocks are read that the render touches."""
    from sinefit.rendering.plan import plan_render

    plan = plan_render(stored.spec, request)
    return stored.field(plan.reach), plan
