"""Fits and starts held against each other and against theory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sinefit.analyzing.analysis import analyze_field, analyze_initializer
from sinefit.analyzing.settings import AnalysisSettings
from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.connecting import connected
from sinefit.comparing.budgets import EqualBudget
from sinefit.comparing.cluster import run_cells_on_cluster
from sinefit.comparing.combinations import combinations
from sinefit.comparing.outputs import Outputs
from sinefit.comparing.running import CompareHooks, Reading, plan_cells, run_cells
from sinefit.fields.field import Field
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.objects import as_signal
from sinefit.signals.selection import Selection
from sinefit.validation import (
    check_callbacks,
    check_type,
    file_name,
    truth,
    whole_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sinefit.analyzing.results import Analysis
    from sinefit.comparing.cells import Cell
    from sinefit.comparing.results import CellResult, Comparison
    from sinefit.fitting.report import Progress
    from sinefit.fitting.words import Omega
    from sinefit.signals.objects import Source
    from sinefit.signals.signal import Kind


def compare(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    seeds: int | Sequence[int] = 3,
    steps: int | None = None,
    max_time: float | None = None,
    operations: float | None = None,
    folder: str | os.PathLike[str] = "comparison",
    csv: str | os.PathLike[str] | None = None,
    sheet: str | os.PathLike[str] | None = None,
    curves: str | os.PathLike[str] | None = None,
    tensorboard: str | os.PathLike[str] | None = None,
    force: bool = False,
    kind: Kind | None = None,
    selection: Selection | None = None,
    cluster: str | None = None,
    checkpoint_every: float = CHECKPOINT_EVERY,
    on_progress: Callable[[Cell, Progress], None] | None = None,
    on_end: Callable[[Cell, CellResult], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    **settings: Any,
) -> Comparison:
    """Fit every combination of settings at an equal budget, and return what each came to.

    `sources` are names of files. Of the `settings` of `fit`, `init`, `network`, `omega`, `width`,
    `depth`, `learning_rate` and others can be lists, of which every combination is fitted: networks
    of papers with neither `init` nor `omega`. Fits are one network (`blocks` 1) of `width` 256
    unless it is said. `seeds` is how many fits each combination has, with seeds from 0, or which
    seeds. All have the same budget: `steps` (2000 unless another is given), `max_time` in seconds
    of training, or `operations`, multiplications and additions in the products of training, about 6
    per weight, sample and step.

    Weights and a record of every cell are kept in a `folder`, which is made where it is missing:
    what is done there is not fitted again, also after a process was killed. Of a comparison that is
    not stopped, `csv` is a file with a line per cell, `sheet` a PNG with the originals, the fields,
    their errors, spectra and details, `curves` a figure (.svg, .png, .pdf) of PSNR over steps, time
    and operations, and `tensorboard` a folder of logs; `force` replaces files. On a `cluster`, see
    `fit_many`, workers run the cells, whose files come back to the folder; `on_progress` hears
    nothing then.

    `kind` and `selection` say how the files are read; `on_progress` is called every few steps,
    `on_end` with what became of each cell, `on_notice` with sentences about what is lost or
    changed; `should_stop` is asked several times a second: True ends the call, with a checkpoint of
    the fit that runs.

    A cell that fails does not stop the rest: it is among the `failures` of what is returned. Raises
    SettingError for settings that no fit can have and InputError for a file that is no signal,
    before anything is fitted.
    """
    check_callbacks(
        on_progress=on_progress, on_end=on_end, on_notice=on_notice, should_stop=should_stop
    )
    names = [sources] if isinstance(sources, str | os.PathLike) else sources
    budget = EqualBudget(steps, max_time, operations)
    reading = Reading(Selection() if selection is None else selection, kind)
    asked = {"csv": csv, "sheet": sheet, "curves": curves, "tensorboard": tensorboard}
    places = {word: None if name is None else file_name(word, name) for word, name in asked.items()}
    outputs = Outputs(**places, force=truth("force", force))
    outputs.check()
    several = whole_numbers("seeds", seeds)
    numbers = range(several[0]) if isinstance(seeds, int) else several
    cells = plan_cells(
        [str(file_name("sources", name)) for name in names],
        combinations(settings),
        numbers,
        budget,
        reading,
    )
    place = file_name("folder", folder)
    hooks = CompareHooks(
        on_progress=on_progress, on_end=on_end, on_notice=on_notice, should_stop=should_stop
    )
    if cluster is None:
        found = run_cells(cells, budget, place, reading, hooks, checkpoint_every=checkpoint_every)
    else:
        with connected(ClusterAddress.of(cluster)) as client:
            found = run_cells_on_cluster(
                client, cells, budget, place, reading, hooks, checkpoint_every=checkpoint_every
            )
    if found.is_whole:
        for _ in outputs.write(found, cells, reading):
            pass
    return found


def analyze(
    subject: str | Field = DEFAULT_INITIALIZER,
    *,
    signal: Source | None = None,
    omega: Omega | None = None,
    width: int | None = None,
    depth: int | None = None,
    axes: int = AnalysisSettings.axes,
    samples: int | None = None,
    seed: int | None = None,
    points: int | None = None,
    block: int | None = None,
) -> Analysis:
    """Measure what theory says of a network: an initializer's start, or a fit beside its start.

    `subject` is an initializer as the command line takes it, "lambert:sigma_a=1", or a field, whose
    start is drawn again from its record. `signal` is what was fitted, or what a start is for;
    without it a start is on a grid of `axes` axes of `samples` each, and `omega`, as `fit` takes
    it, is an eighth of Nyquist. `points` are those of the tangent kernel, `block` one of a field's,
    counted from 0. All are fields of `AnalysisSettings`, the findings those of `Analysis`.

    Raises SettingError for what does not fit, InputError for a signal that cannot be read, and
    MemoryLimitError for too many points.
    """
    settings = AnalysisSettings(
        omega=omega,  # type: ignore[arg-type]
        width=width,
        depth=depth,
        axes=axes,
        samples=samples,
        seed=seed,
        points=points,
        block=block,
    )
    if isinstance(subject, str):
        found = None if signal is None else as_signal(signal)
        return analyze_initializer(parse_initializer(subject), settings, found)
    check_type("subject", subject, Field, "an initializer's name or a field")
    spec = subject.spec
    if signal is not None:
        signal = as_signal(signal, channels_last=spec.channels_last, domain=spec.domain)
    return analyze_field(subject, settings, signal)


def save_figures(
    analysis: Analysis,
    folder: str | os.PathLike[str],
    *,
    format: str = "png",
    force: bool = False,
) -> list[Path]:
    """Draw the figures of an analysis into a folder, which is made where it is missing.

    `format` is png, svg or pdf; `force` replaces figures that are there. Returns the files. Raises
    SettingError where matplotlib is not installed (pip install 'sinefit[plot]'), OutputExistsError
    and OutputError.
    """
    from sinefit.analyzing.figures.saving import save_figures as save

    return save(analysis, file_name("folder", folder), format=format, force=truth("force", force))
