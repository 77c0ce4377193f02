"""The whole benchmark: its parts one after the other, each bounded in time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.api.files import write
from sinefit.benchmark.clock import device_clock
from sinefit.benchmark.fits import fit_file
from sinefit.benchmark.machine import describe_machine
from sinefit.benchmark.peak import floor_pace, measure_peak
from sinefit.benchmark.picture import NAME, draw_picture, reduce_picture
from sinefit.benchmark.race import run_race
from sinefit.benchmark.rendering import measure_rendering
from sinefit.benchmark.sets import measure_sets
from sinefit.benchmark.training import measure_pace
from sinefit.errors import SinefitError
from sinefit.fitting.config import FitConfig
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.fitting.devices import resolve_device
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sinefit.benchmark.clock import Clock
    from sinefit.benchmark.fits import FileFit
    from sinefit.benchmark.machine import Machine
    from sinefit.benchmark.peak import Peak
    from sinefit.benchmark.race import Race
    from sinefit.benchmark.rendering import Rendering
    from sinefit.benchmark.sets import SetFigures
    from sinefit.benchmark.settings import BenchSettings
    from sinefit.benchmark.training import Pace
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import Signal


@dataclass(frozen=True)
class Benchmark:
    """Everything that was measured, and on what."""

    machine: Machine
    settings: BenchSettings
    size: NetworkSize
    picture: str
    """Name of the picture that the pace and the race were measured on."""
    shape: tuple[int, ...]
    """Rows and columns of its reduction."""
    peak: Peak
    floor: float
    """Samples per second of a training step of nothing but products and sines."""
    sets: tuple[SetFigures, ...]
    """What training in C makes of a core; nothing for another device, or without C."""
    pace: Pace
    race: Race
    rendering: Rendering
    fits: tuple[FileFit, ...]
    failures: tuple[tuple[str, str], ...]
    """File and reason of each fit that failed."""


def run_benchmark(
    files: Sequence[str],
    settings: BenchSettings,
    *,
    device: str,
    command: Sequence[str],
    tell: Callable[[str], None],
) -> Benchmark:
    """Measure all parts and return the figures; `tell` hears what is being measured.

    The pace, the race and the render are about the first picture among the files, or about one that
    is drawn. `command` is what starts sinefit, for the fits of files. Raises InputError for a file
    that cannot be read and DeviceError for a device that is not there, both before any work.
    """
    chosen = resolve_device(device)
    clock = device_clock(chosen)
    picture = _first_picture(files)
    name = NAME
    if picture is None:
        picture = draw_picture(*settings.picture)
    else:
        name = picture.spec.source or name
    reduced = reduce_picture(picture, settings.reduction, settings.reduction)
    config = FitConfig(
        initializer=parse_initializer(DEFAULT_INITIALIZER),
        width=settings.width,
        depth=settings.depth,
        device=device,
    )
    size = config.size_for(reduced.spec)
    machine = describe_machine(chosen, size)
    rows, columns = reduced.spec.shape
    tell(f"peak: products and sines on {machine.device}")
    peak = measure_peak(size, chosen, clock, settings.peak_seconds)
    sets: tuple[SetFigures, ...] = ()
    if chosen.type == "cpu":
        tell("sets: one core by each instruction set")
        sets = measure_sets(settings.set_seconds)
    tell(f"pace: both methods in turn on {name}, reduced to {columns}x{rows}")
    pace = measure_pace(
        reduced,
        config,
        chosen,
        clock,
        seconds=settings.pace_seconds,
        rounds=settings.pace_rounds,
    )
    tell(f"race: the textbook method, {settings.textbook_limit:g} s at most")
    race, field = run_race(
        reduced,
        config,
        chosen,
        clock,
        tell,
        textbook_limit=settings.textbook_limit,
        sinefit_seconds=settings.race_seconds,
    )
    side = settings.render_side
    tell(f"render: {side}x{side} pixels by both in turn")
    rendering = measure_rendering(
        replace(field, network=field.network.to(chosen)),
        side,
        side,
        clock,
        eager_limit=settings.eager_limit,
        limit=settings.render_limit,
    )
    fits, failures = _fit_all(files, settings, device, command, tell, clock)
    return Benchmark(
        machine=machine,
        settings=settings,
        size=size,
        picture=name,
        shape=reduced.spec.shape,
        peak=peak,
        floor=floor_pace(size, peak),
        sets=sets,
        pace=pace,
        race=race,
        rendering=rendering,
        fits=fits,
        failures=failures,
    )


def _first_picture(files: Sequence[str]) -> Signal | None:
    """Read every file, so that errors come first; return the first that is a picture."""
    found = None
    for file in files:
        signal = read_signal(file)
        if found is None and signal.spec.kind == "image":
            found = signal
    return found


def _fit_all(
    files: Sequence[str],
    settings: BenchSettings,
    device: str,
    command: Sequence[str],
    tell: Callable[[str], None],
    clock: Clock,
) -> tuple[tuple[FileFit, ...], tuple[tuple[str, str], ...]]:
    """Fit every file, or the drawn picture; a fit that fails does not stop the others."""
    fits, failures = [], []
    with tempfile.TemporaryDirectory(prefix="sinefit-bench-") as folder:
        sources = [(file, file) for file in files]
        if not sources:
            drawn = Path(folder) / NAME
            write(draw_picture(*settings.picture), drawn)
            sources = [(NAME, str(drawn))]
        for name, source in sources:
            tell(f"fit: {name}, {settings.fit_seconds:g} s")
            try:
                fit = fit_file(source, command, device, settings.fit_seconds, clock)
            except SinefitError as error:
                failures.append((name, str(error)))
            else:
                fits.append(replace(fit, file=name))
    return tuple(fits), tuple(failures)
