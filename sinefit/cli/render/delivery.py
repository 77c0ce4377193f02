"""A render on its way to its file: what is said of it, from its first piece to its last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.words.amounts import duration
from sinefit.cli.words.details import field_details
from sinefit.cli.words.progress import cluster_words
from sinefit.cli.words.signals import describe_signal
from sinefit.files import is_standard_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

    from sinefit.cli.terminal.messages import Messages
    from sinefit.fields.field import Field
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.writer import Encoding


def deliver(
    field: Field,
    plan: RenderPlan,
    target: str,
    format: str,
    encoding: Encoding,
    *,
    force: bool,
    device: str,
    threads: int | None,
    messages: Messages,
    on_share: Callable[[float], None],
    client: Client | None = None,
) -> dict[str, Any]:
    """Render a field into a file, say so, and return what machines are told of it.

    With a `client` its workers do it. `on_share` is called with the share that is done, 0 to 1.
    Raises what `write_render` does and OutputError for a format that cannot hold the render.
    """
    from sinefit.fitting.devices import resolve_device
    from sinefit.jobs.renders import write_pieces, write_render
    from sinefit.signals.writing import check_writable

    check_writable(plan.spec, format)
    if client is not None:
        from sinefit.cluster.bands import render_pieces_on
    used = resolve_device(device if client is None else "cpu")
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
            on_share(share)

        if client is None:
            notices = write_render(
                field, plan, target, format, encoding, force=force, threads=threads, on_share=show
            )
        else:
            pieces = render_pieces_on(
                client,
                field,
                plan,
                device=device,
                threads=threads,
                on_progress=lambda told: display.update(told.share, cluster_words(told)),
            )
            notices = write_pieces(
                pieces, plan, target, format, encoding, force=force, on_share=on_share
            )
    for notice in notices:
        messages.warn(notice)
    where = str(used) if client is None else "workers"
    messages.say(f"{name}: {describe_signal(plan.spec)}, {format}; rendered on {where}")
    return {"seconds": round(time.perf_counter() - begin, 3), "device": where}
