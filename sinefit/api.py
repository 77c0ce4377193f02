"""The calls that do a whole job: fit a file, load a field, save one, write a signal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, SupportsFloat

import numpy as np
import torch

from sinefit.errors import OutputError
from sinefit.fields.weights_file import decode_field, encode_field, read_field
from sinefit.files import whole_output, write_bytes
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.defaults import DEFAULT_DEPTH, DEFAULT_INITIALIZER
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.omega_choice import parse_omega
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.array import array_signal
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection
from sinefit.signals.signal import Signal
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import format_of_name, formats_of, open_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.fitting.config import StorageType
    from sinefit.fitting.omega_choice import OmegaChoice
    from sinefit.fitting.report import Progress
    from sinefit.signals.signal import Domain


def fit(
    source: str | Path | bytes | Signal | NDArray[np.generic],
    *,
    init: str = DEFAULT_INITIALIZER,
    omega: float | Sequence[float] | str = "auto",
    width: int | None = None,
    depth: int = DEFAULT_DEPTH,
    steps: int | None = None,
    max_time: float | None = None,
    target_psnr: float | None = None,
    learning_rate: float | None = None,
    batch: int = 4096,
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
    dtype: StorageType = "float32",
    channels_last: bool = False,
    domain: Domain = "grid",
    start_from: Field | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Field:
    """Fit a sine network to a file, a file's bytes, a signal or an array, and return the field.

    `init` is an initializer as the command line takes it, "lambert:sigma_a=1". `omega` scales the
    first layer's frequencies, in radians per unit of the domain [-1, 1], one number or one per
    axis; a text is what the command line takes: "auto", "nyquist", "0.5nyquist". `steps`,
    `max_time` (seconds) and `target_psnr` (dB) bound the fit, whichever comes first; without any, a
    number of steps that suits the signal. `learning_rate` is Adam's, on effective weights.
    `channels_last` and `domain` say how to read arrays. `start_from` continues from a field: its
    initializer, omega and network size hold. `on_progress` is called every few steps.

    Raises SettingError, InputError, DeviceError or FitDivergedError, each with one line on what to
    do. Same settings, same machine: same weights, unless `max_time` ends the fit.
    """
    if isinstance(source, Signal):
        signal = source
    elif isinstance(source, np.ndarray):
        signal = array_signal(source, channels_last=channels_last, domain=domain)
    else:
        signal = read_signal(
            source, selection=Selection(channels_last=channels_last, domain=domain)
        )
    budget = None
    if not (steps is None and max_time is None and target_psnr is None):
        budget = Budget(steps, max_time, target_psnr)
    factors: OmegaChoice
    if isinstance(omega, str):
        factors = parse_omega("omega", omega)
    else:
        factors = (float(omega),) if isinstance(omega, SupportsFloat) else tuple(omega)
    config = FitConfig(
        initializer=parse_initializer(init),
        omega=factors,
        width=width,
        depth=depth,
        budget=budget,
        learning_rate=learning_rate,
        batch=batch,
        seed=seed,
        device=device,
        threads=threads,
        storage=dtype,
    )
    return fit_signal(signal, config, start_from=start_from, on_progress=on_progress).field


def load(source: str | Path | bytes) -> Field:
    """Load a field from a weights file or from the bytes of one.

    Raises InputError for anything that is not a sound weights file.
    """
    if isinstance(source, bytes):
        return decode_field(source, "weights")
    return read_field(Path(source))


def save(
    field: Field, target: str | Path, *, dtype: StorageType = "float32", force: bool = False
) -> None:
    """Write a field's weights file; it appears whole or not at all.

    Raises OutputExistsError if the file exists and `force` is false. A `dtype` coarser than the
    fit's changes the weights, so that the PSNR on record no longer holds.
    """
    write_bytes(target, encode_field(field, getattr(torch, dtype)), force=force)


def write(
    signal: Signal,
    target: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    force: bool = False,
) -> None:
    """Write a signal to a file; the format follows the name unless given.

    Raises OutputError for a format that cannot hold the signal, naming those that can.
    """
    chosen = format or format_of_name(signal.spec.kind, str(target))
    if chosen is None:
        known = ", ".join(formats_of(signal.spec.kind))
        raise OutputError(f"{target}: no format is known by this name; give one of {known}")
    with whole_output(target, force=force) as temporary:
        writer = open_writer(temporary, signal.spec, chosen, Encoding(quality=quality))
        try:
            writer.write(signal.samples)
            writer.close()
        except BaseException:
            writer.abort()
            raise
