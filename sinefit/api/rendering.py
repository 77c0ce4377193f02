"""Fields on the grid of a signal, and on the workers of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.bands import render_pieces_on
from sinefit.cluster.connecting import connected
from sinefit.fields.field import Field
from sinefit.fitting.devices import resolve_device
from sinefit.scoring import score_field
from sinefit.validation import (
    check_callback,
    check_type,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.objects import Source


def evaluate(
    field: Field,
    signal: Source,
    *,
    device: str = "auto",
    on_share: Callable[[float], None] | None = None,
) -> dict[str, float]:
    """Render a field on the grid of a signal and score it against that.

    `signal` is anything that `fit` takes; it may have another size than the field was fitted to.
    Returns `psnr` (of values rounded to the signal's sample type) and `psnr_float`, both in dB over
    the signal's value range `psnr_range`; for sound `snr` in dB; for images and video `ssim`, at
    most 1, of video the mean over its frames. `on_share` is called with the share that is done, 0
    to 1.

    Raises SettingError for a signal of another kind or other channels than the field's, InputError
    for one that cannot be read or has no samples, DeviceError for a `device` that is not there.
    """
    check_type("field", field, Field, "a field")
    check_callback("on_share", on_share)
    return score_field(field, signal, resolve_device(device), on_share)


def render_on_cluster(
    field: Field,
    plan: RenderPlan,
    cluster: str,
    *,
    device: str = "auto",
    threads: int | None = None,
) -> Iterator[NDArray[Any]]:
    """Yield what `render_pieces` does, rendered in bands by workers of Dask.

    `cluster` is as in `fit_many`, `device` and `threads` are those of each worker. Memory is that
    of some bands. Raises ClusterError for workers that cannot be reached or die.
    """
    with connected(ClusterAddress.of(cluster)) as client:
        yield from render_pieces_on(client, field, plan, device=device, threads=threads)
