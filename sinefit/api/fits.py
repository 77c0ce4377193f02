"""One signal: fitted, and rendered larger by its fit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from sinefit.fields.field import Field
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.words import config_of
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.signals.masks import by_mask
from sinefit.signals.objects import as_signal
from sinefit.signals.reading import masked
from sinefit.signals.selection import Selection
from sinefit.validation import (
    check_callback,
    check_type,
    file_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction
    from typing import Unpack

    from numpy.typing import ArrayLike

    from sinefit.fields.field import Factors
    from sinefit.fitting.config import (
        StopOn,
        StorageType,
        Supervised,
        TrainingPrecision,
    )
    from sinefit.fitting.recipes import RecipeName
    from sinefit.fitting.report import Progress
    from sinefit.fitting.schedule import Schedule
    from sinefit.fitting.words import FitSettings, Omega
    from sinefit.signals.objects import Source
    from sinefit.signals.signal import Coordinates, Domain, Footprint, Signal, Targets


def fit(
    source: Source,
    *,
    init: str | None = None,
    network: str = FitConfig.network.name,
    omega: Omega | None = None,
    width: int | None = None,
    depth: int = FitConfig.depth,
    steps: int | None = None,
    max_time: float | None = None,
    target_psnr: float | None = None,
    recipe: RecipeName = FitConfig.recipe,
    learning_rate: float | None = None,
    schedule: Schedule | None = None,
    betas: Sequence[float] | str | None = None,
    epsilon: float | None = None,
    batch: int | Literal["full"] | None = None,
    precision: TrainingPrecision | None = None,
    coordinates: Coordinates | None = None,
    targets: Targets | None = None,
    blocks: int | Sequence[int] | str | None = None,
    block_size: int | Sequence[int] | None = None,
    ensemble: int | None = None,
    margin: int | Sequence[int] | None = None,
    weights_per_value: float | None = None,
    seed: int = FitConfig.seed,
    device: str = FitConfig.device,
    threads: int | None = None,
    holdout: str | float | None = None,
    stop_on: StopOn | None = None,
    supervise: Supervised = FitConfig.supervise,
    footprint: Footprint | None = None,
    dtype: StorageType | None = None,
    channels_last: bool = Selection.channels_last,
    domain: Domain = Selection.domain,
    mask: str | os.PathLike[str] | ArrayLike | None = None,
    start_from: Field | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Field:
    """Fit a network to a file or a signal in any form, and return the field.

    `source` is a file's name, the bytes of a file or a stream of them, a signal, a NumPy array, a
    torch tensor, a list of numbers or a Pillow image. `init` is an initializer as the command line
    takes it, "lambert:sigma_a=1", `network` another kind of network, "wire:omega=10", which has a
    start of its own. `omega` scales the first layer's frequencies, in radians per unit
    of the domain [-1, 1], one number or one per axis; a text is what the command line takes:
    "auto", "nyquist", "0.5nyquist"; None is "auto" unless the `recipe` has another. `steps`,
    `max_time` and `target_psnr` bound the fit, whichever comes first; without any, a number of
    steps that suits the signal. `start_from` continues from a field: its initializer, omega and
    network size hold. `on_progress` is called every few steps. `mask` is an array of the signal's
    shape, of a video's that of a frame, or the name of a file: where it is 0 samples are left out,
    as those are that hold a NaN, and the field fills them; "alpha" is an image's own alpha channel.
    All else are fields of `Budget`, `FitConfig` and `Selection`, which tell what each of them is.

    Raises SettingError, InputError, DeviceError or FitDivergedError, each with one line on what to
    do. Same settings, same machine: same weights, unless `max_time` ends the fit.
    """
    check_callback("on_progress", on_progress)
    signal = as_signal(source, channels_last=channels_last, domain=domain)
    if isinstance(mask, str | os.PathLike):
        signal = masked(signal, str(file_name("mask", mask)))
    elif mask is not None:
        signal = by_mask(signal, mask)
    if start_from is not None:
        check_type("start_from", start_from, Field, "a field")
    config = config_of(
        init=init,
        network=network,
        omega=omega,
        width=width,
        depth=depth,
        steps=steps,
        max_time=max_time,
        target_psnr=target_psnr,
        recipe=recipe,
        learning_rate=learning_rate,
        schedule=schedule,
        betas=betas,
        epsilon=epsilon,
        batch=batch,
        precision=precision,
        coordinates=coordinates,
        targets=targets,
        blocks=blocks,
        block_size=block_size,
        ensemble=ensemble,
        margin=margin,
        weights_per_value=weights_per_value,
        seed=seed,
        device=device,
        threads=threads,
        holdout=holdout,
        stop_on=stop_on,
        supervise=supervise,
        footprint=footprint,
        dtype=dtype,
    )
    return fit_signal(signal, config, start_from=start_from, on_progress=on_progress).field


def upscale(
    source: Source,
    scale: Factors | None = None,
    *,
    size: int | Sequence[int | None] | None = None,
    rate: Fraction | float | None = None,
    fps: Fraction | float | None = None,
    bit_depth: int | None = None,
    channels_last: bool = Selection.channels_last,
    domain: Domain = Selection.domain,
    mask: str | os.PathLike[str] | ArrayLike | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Unpack[FitSettings],
) -> Signal:
    """Fit a file or a signal by what is between its samples, and return it rendered larger.

    It is `fit` with the recipe "upscale" unless the settings name another, and `Field.render`:
    `source`, `settings` and the others are as there, `scale`, `size`, `rate`, `fps` and `bit_depth`
    as here; without any of the first four it is twice as large. `write` writes it to a file.
    Raises what these two do; for a grid that cannot be, before anything is fitted.
    """
    signal = as_signal(source, channels_last=channels_last, domain=domain)
    if scale is None and size is None and rate is None and fps is None:
        scale = 2
    grid: dict[str, Any] = {
        "scale": scale,
        "size": size,
        "rate": rate,
        "fps": fps,
        "bit_depth": bit_depth,
    }
    plan_render(signal.spec, RenderRequest(**grid))
    chosen: dict[str, Any] = {"recipe": "upscale", **settings}
    return fit(signal, mask=mask, on_progress=on_progress, **chosen).render(**grid)
