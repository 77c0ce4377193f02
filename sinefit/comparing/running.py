"""Runs the cells of a comparison that are not done yet, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sinefit.comparing.budgets import network_weights, step_operations
from sinefit.comparing.cells import make_cell
from sinefit.comparing.records import Half, Records
from sinefit.comparing.results import CellFailure, CellResult, Comparison
from sinefit.errors import SinefitError
from sinefit.fields.weights_file import read_field
from sinefit.fitting.devices import resolve_device
from sinefit.fitting.gradient_quality import gradient_psnr
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.fitting.measure import measure_quality
from sinefit.fitting.report import FitStoppedError, result_of
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.job import Job
from sinefit.jobs.outcome import is_failure
from sinefit.jobs.running import run_job
from sinefit.jobs.settings import JobSettings
from sinefit.scoring import score_field
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sinefit.comparing.budgets import EqualBudget
    from sinefit.comparing.cells import Cell
    from sinefit.comparing.combinations import Combination
    from sinefit.fields.field import Field
    from sinefit.fitting.report import Progress
    from sinefit.signals.limits import Limits
    from sinefit.signals.signal import Kind, Signal


@dataclass(frozen=True)
class Reading:
    """How the files of a comparison are read."""

    selection: Selection = field(default_factory=Selection)
    kind: Kind | None = None
    limits: Limits = DEFAULT_LIMITS
    read: Callable[..., Signal] = read_signal
    """Reads an input by its name, with the options of `read_signal`."""

    def signal(self, file: str) -> Signal:
        """Read a file; raises InputError for one that is no signal."""
        return self.read(file, kind=self.kind, selection=self.selection, limits=self.limits)


@dataclass(frozen=True)
class CompareHooks:
    """What a caller wants to hear of a comparison, and how it stops one."""

    on_begin: Callable[[Cell, int, int], None] | None = None
    """Called with a cell that begins, its number from 0 and the number of all."""
    on_progress: Callable[[Cell, Progress], None] | None = None
    """Called every few steps of a cell."""
    on_end: Callable[[Cell, CellResult], None] | None = None
    """Called with what became of a cell, of those that were done before too."""
    on_failure: Callable[[Cell, Exception], None] | None = None
    """Called with what a cell failed of; the others go on."""
    on_notice: Callable[[str], None] | None = None
    """Called with a sentence about something lost or changed."""
    should_stop: Callable[[], bool] | None = None
    """Asked several times a second: True ends the comparison, and the fit that runs leaves a
    checkpoint."""


def plan_cells(
    files: Sequence[str],
    combinations: Sequence[Combination],
    seeds: Sequence[int],
    budget: EqualBudget,
    reading: Reading,
) -> list[Cell]:
    """Return all cells, file after file; of each the first seed of all combinations comes first.

    Raises InputError for a file that is no signal, SettingError for settings that do not suit one.
    """
    cells = []
    for file in files:
        signal = reading.signal(file)
        for seed in seeds:
            cells += [make_cell(file, signal, each, seed, budget) for each in combinations]
    return cells


def run_cells(
    cells: Sequence[Cell],
    budget: EqualBudget,
    folder: Path,
    reading: Reading,
    hooks: CompareHooks | None = None,
    *,
    checkpoint_every: float = CHECKPOINT_EVERY,
) -> Comparison:
    """Run the cells that have no record in a folder yet; return what all of them came to.

    A cell that fails does not stop the rest. One that is stopped, or whose process is killed, goes
    on from its last checkpoint when it is run again.
    """
    hooks = hooks or CompareHooks()
    runner = _Runner(Records(folder), reading, hooks, checkpoint_every)
    results: dict[str, CellResult] = {}
    failures = []
    for number, cell in enumerate(cells):
        if hooks.should_stop is not None and hooks.should_stop():
            break
        if hooks.on_begin is not None:
            hooks.on_begin(cell, number, len(cells))
        try:
            result = runner.run(cell)
        except FitStoppedError:
            break
        except Exception as error:
            if not is_failure(error):
                raise
            failures.append(CellFailure(cell.file, cell.label, error))
            if hooks.on_failure is not None:
                hooks.on_failure(cell, error)
        else:
            results[cell.name] = result
            if hooks.on_end is not None:
                hooks.on_end(cell, result)
    done = tuple(results[cell.name] for cell in cells if cell.name in results)
    return Comparison(done, budget.words, tuple(failures), len(cells))


def run_cell(
    cell: Cell, folder: Path, reading: Reading, hooks: CompareHooks, checkpoint_every: float
) -> CellResult:
    """Return the result of a cell, from its record in a folder or by a fit.

    Raises FitStoppedError for one that is stopped, and what it failed of.
    """
    return _Runner(Records(folder), reading, hooks, checkpoint_every).run(cell)


class _Runner:
    """Runs cells with the files of a folder."""

    def __init__(
        self, records: Records, reading: Reading, hooks: CompareHooks, checkpoint_every: float
    ) -> None:
        self._records = records
        self._reading = reading
        self._hooks = hooks
        self._checkpoint_every = checkpoint_every
        self._signal: tuple[str, Signal] | None = None

    def run(self, cell: Cell) -> CellResult:
        """Return the result of a cell, from its record or by a fit."""
        kept = self._records.read(cell)
        if kept is not None:
            return kept
        half, weights = self._records.read_half(cell), self._records.weights(cell)
        if half.report is None or not weights.is_file():
            weights.unlink(missing_ok=True)  # whose report the process did not live to write
            half = self._fit(cell, half)
        result = self._score(cell, half)
        self._records.write(cell, result)
        return result

    def _read(self, file: str, **_options: object) -> Signal:
        """Return the signal of a file, which follows upon itself many times."""
        if self._signal is None or self._signal[0] != file:
            self._signal = None  # before there is another
            self._signal = file, self._reading.signal(file)
        return self._signal[1]

    def _fit(self, cell: Cell, half: Half) -> Half:
        """Fit a cell and write its weights; return what is to be kept of how it went."""
        hooks = _CellHooks(cell, list(half.curve), self._records, self._hooks, self._read)
        settings = JobSettings(
            cell.config,
            self._reading.selection,
            kind=self._reading.kind,
            sound=False,
            limits=self._reading.limits,
            checkpoint_every=self._checkpoint_every,
        )
        job = Job(cell.file, str(self._records.weights(cell)), makes_folder=True)
        try:
            result = run_job(job, settings, hooks)
        except FitStoppedError:
            hooks.keep()
            raise
        except SinefitError as error:
            diverged = result_of(error)
            if diverged is None:
                raise
            result = diverged
        report = result.report
        told = {
            "seconds": report.seconds,
            "samples_per_second": report.samples_per_second,
            "ended_by": report.ended_by,
        }
        done = Half(tuple(hooks.curve), told)
        self._records.write_half(cell, done)
        return done

    def _score(self, cell: Cell, half: Half) -> CellResult:
        """Measure what of a field its record does not tell yet."""
        assert half.report is not None
        signal = self._read(cell.file)
        weights = self._records.weights(cell)
        device = resolve_device(cell.config.device)
        field = read_field(weights).to(device)
        record, config, spec = field.record, cell.config, signal.spec
        psnr, psnr_holdout = record.psnr, record.psnr_holdout
        if psnr is None:  # stopped while it was measured
            quality = measure_quality(field, signal, holdout=config.holdout)
            psnr, psnr_holdout = quality.psnr, quality.psnr_holdout
        gradient = record.psnr_gradient
        if gradient is None:
            gradient = gradient_psnr(field, signal, config.holdout)
        return CellResult(
            file=cell.file,
            network=cell.combination.network,
            init=cell.combination.init,
            omega=cell.combination.omega,
            width=field.network.size.width,
            depth=field.network.size.depth,
            settings=cell.combination.settings,
            seed=config.seed,
            psnr=psnr,
            psnr_holdout=psnr_holdout,
            psnr_gradient=gradient,
            ssim=_similarity(field, signal),
            samples_per_second=half.report["samples_per_second"],
            seconds=half.report["seconds"],
            parameters=field.blocks.count * network_weights(config, spec),
            steps=record.steps,
            batch=record.batch,
            operations=record.steps * step_operations(config, spec),
            learning_rates=record.learning_rates,
            holdout=record.holdout,
            ended_by=half.report["ended_by"],
            weights=str(weights),
            curve=half.curve,
        )


class _CellHooks(JobHooks):
    """Keeps the curve of a cell's fit, with each of its checkpoints, and tells what it hears."""

    def __init__(
        self,
        cell: Cell,
        curve: list[tuple[int, float, float]],
        records: Records,
        hooks: CompareHooks,
        read: Callable[..., Signal],
    ) -> None:
        self.curve = curve
        self._cell = cell
        self._records = records
        self._hooks = hooks
        self._read = read

    def keep(self) -> None:
        """Write the curve as far as it is."""
        self._records.write_half(self._cell, Half(tuple(self.curve)))

    def should_stop(self) -> bool:
        return self._hooks.should_stop is not None and self._hooks.should_stop()

    def read(self, source: str, **options: Any) -> Signal:
        return self._read(source, **options)

    def on_checkpoint(self, *_: object) -> None:
        self.keep()

    def on_notice(self, _job: Job, sentence: str) -> None:
        if self._hooks.on_notice is not None:
            self._hooks.on_notice(sentence)

    def on_progress(self, _job: Job, progress: Progress) -> None:
        if progress.phase == "fitting" and progress.blocks is None:
            while self.curve and self.curve[-1][0] >= progress.step:  # beyond the last checkpoint
                self.curve.pop()
            self.curve.append((progress.step, progress.seconds, progress.psnr))
        if self._hooks.on_progress is not None:
            self._hooks.on_progress(self._cell, progress)


def _similarity(field: Field, signal: Signal) -> float | None:
    if signal.spec.kind not in ("image", "video"):
        return None
    return score_field(field, signal, field.network.device)["ssim"]
