"""The calls that do a whole job: fit a file, load a field, save one, write a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.errors import OutputError
from sinefit.fields.field import Field
from sinefit.fields.weights_file import decode_field, encode_field, read_field
from sinefit.files import whole_output, write_bytes
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import STORAGE_TYPES, FitConfig
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.omega_choice import parse_omega
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.formats import agreed_format, formats_of
from sinefit.signals.objects import as_signal
from sinefit.signals.selection import Selection
from sinefit.signals.signal import Signal
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import open_writer
from sinefit.validation import check_choice, check_type, file_name, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.fitting.config import StorageType
    from sinefit.fitting.report import Progress
    from sinefit.signals.objects import Source
    from sinefit.signals.signal import Domain


def fit(
    source: Source,
    *,
    init: str = DEFAULT_INITIALIZER,
    omega: float | Sequence[float] | NDArray[np.number] | str = "auto",
    width: int | None = None,
    depth: int = FitConfig.depth,
    steps: int | None = None,
    max_time: float | None = None,
    target_psnr: float | None = None,
    learning_rate: float | None = None,
    batch: int = FitConfig.batch,
    seed: int = FitConfig.seed,
    device: str = FitConfig.device,
    threads: int | None = None,
    dtype: StorageType = FitConfig.dtype,
    channels_last: bool = Selection.channels_last,
    domain: Domain = Selection.domain,
    start_from: Field | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Field:
    """Fit a sine network to a file or a signal in any form, and return the field.

    `source` is a file's name, the bytes of a file or a stream of them, a signal, a NumPy array, a
    torch tensor, a list of numbers or a Pillow image. `init` is an initializer as the command line
    takes it, "lambert:sigma_a=1". `omega` scales the first layer's frequencies, in radians per unit
    of the domain [-1, 1], one number or one per axis; a text is what the command line takes:
    "auto", "nyquist", "0.5nyquist". `steps`, `max_time` and `target_psnr` bound the fit, whichever
    comes first; without any, a number of steps that suits the signal. `start_from` continues from a
    field: its initializer, omega and network size hold. `on_progress` is called every few steps.
    All else are fields of `Budget`, `FitConfig` and `Selection`, which tell what each of them is.

    Raises SettingError, InputError, DeviceError or FitDivergedError, each with one line on what to
    do. Same settings, same machine: same weights, unless `max_time` ends the fit.
    """
    signal = as_signal(source, channels_last=channels_last, domain=domain)
    if start_from is not None:
        check_type("start_from", start_from, Field, "a field")
    budget = None
    if not (steps is None and max_time is None and target_psnr is None):
        budget = Budget(steps, max_time, target_psnr)
    factors = parse_omega(omega) if isinstance(omega, str) else numbers("omega", omega)
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
        dtype=dtype,
    )
    return fit_signal(signal, config, start_from=start_from, on_progress=on_progress).field


def load(source: str | Path | bytes) -> Field:
    """Load a field from a weights file or from the bytes of one.

    Raises InputError for anything that is not a sound weights file.
    """
    if isinstance(source, bytes):
        return decode_field(source, "weights")
    return read_field(file_name("source", source))


def save(
    field: Field, target: str | Path, *, dtype: StorageType = FitConfig.dtype, force: bool = False
) -> None:
    """Write a field's weights file; it appears whole or not at all.

    Raises OutputExistsError if the file exists and `force` is false. A `dtype` coarser than the
    fit's changes the weights, so that the PSNR on record no longer holds.
    """
    check_type("field", field, Field, "a field")
    check_choice("dtype", dtype, STORAGE_TYPES)
    content = encode_field(field, getattr(torch, dtype))
    write_bytes(file_name("target", target), content, force=force)


def write(
    signal: Signal,
    target: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    force: bool = False,
) -> None:
    """Write a signal to a file; the format follows the name unless given.

    Raises OutputError for a format that cannot hold the signal, naming those that can, and
    SettingError for one that the name contradicts.
    """
    check_type("signal", signal, Signal, "a signal")
    target = file_name("target", target)
    chosen = agreed_format(signal.spec.kind, str(target), format)
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
