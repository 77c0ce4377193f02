"""The cells of a comparison on a cluster: a cell is a task, its files come back to the folder."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.cluster.carried import CarriedFile, NotSharedError, placed
from sinefit.cluster.file_fits import tell
from sinefit.cluster.tasks import Run, Task
from sinefit.comparing.records import Records
from sinefit.comparing.results import CellFailure, CellResult, Comparison
from sinefit.comparing.running import CompareHooks, Reading, run_cell
from sinefit.errors import SettingError, SinefitError
from sinefit.files import is_stream, write_bytes
from sinefit.fitting.report import FitStoppedError
from sinefit.jobs.outcome import is_failure
from sinefit.signals.selection import ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from distributed import Client

    from sinefit.cluster.tasks import ClusterProgress
    from sinefit.cluster.worker import TaskContext
    from sinefit.comparing.budgets import EqualBudget
    from sinefit.comparing.cells import Cell


@dataclass(frozen=True)
class CellTask:
    """A cell to run, with all that a worker needs for it."""

    cell: Cell
    reading: Reading
    """How files are read, by a function that workers have too."""
    checkpoint_every: float
    files: Mapping[str, CarriedFile]
    """The `source`, and the `mask` where there is one."""
    begun: Mapping[str, bytes]
    """What the folder has of the cell, by the files' names."""


@dataclass(frozen=True)
class CellRun:
    """What became of a cell on a worker."""

    result: CellResult | None
    error: Exception | None
    files: Mapping[str, bytes]
    notices: tuple[str, ...]


def run_task(task: CellTask, context: TaskContext) -> CellRun | None:
    """Run a cell in a folder of its own; None where the worker does not see what it reads."""
    notices: list[str] = []
    with tempfile.TemporaryDirectory(prefix="sinefit-cell-") as name:
        folder = Path(name) / "records"
        folder.mkdir()
        try:
            places = placed(task.files, Path(name) / "files")
        except NotSharedError:
            return None
        for file, content in task.begun.items():
            (folder / file).write_bytes(content)
        config, reading = task.cell.config, task.reading
        if config.threads is None:
            config = replace(config, threads=context.threads)
        if "mask" in places:
            selection = replace(reading.selection, mask=str(places["mask"]))
            reading = replace(reading, selection=selection)
        cell = replace(task.cell, file=str(places["source"]), config=config)
        hooks = CompareHooks(
            on_progress=lambda _cell, progress: tell(context, progress),
            on_notice=notices.append,
            should_stop=context.should_stop,
        )
        result: CellResult | None = None
        failure: Exception | None = None
        try:
            result = run_cell(cell, folder, reading, hooks, task.checkpoint_every)
        except FitStoppedError as error:
            failure = SinefitError(str(error))
        except SinefitError as error:
            failure = type(error)(str(error).replace(cell.file, task.cell.file))
        except Exception as error:
            if not is_failure(error):
                raise
            failure = error
        # The records are written where the client keeps them, which tells where the weights are.
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return CellRun(result, failure, files, tuple(notices))


def run_cells_on_cluster(
    client: Client,
    cells: Sequence[Cell],
    budget: EqualBudget,
    folder: Path,
    reading: Reading,
    hooks: CompareHooks | None = None,
    *,
    checkpoint_every: float,
    on_cluster: Callable[[ClusterProgress], None] | None = None,
) -> Comparison:
    """Do as `run_cells` does on the workers of a client, which need not see the folder.

    `on_cluster` is called several times a second with the state of all. Raises SettingError for a
    file that is a stream.
    """
    for cell in cells:
        if is_stream(cell.file):
            raise SettingError(f"{cell.file} is a stream: `cluster` takes files, which have names")
    hooks = hooks or CompareHooks()
    records, results = Records(folder), dict[str, CellResult]()
    failures: list[CellFailure] = []
    again: list[Task] = []

    def fail(cell: Cell, error: Exception) -> None:
        failures.append(CellFailure(cell.file, cell.label, error))
        if hooks.on_failure is not None:
            hooks.on_failure(cell, error)

    def end(cell: Cell, result: CellResult) -> None:
        results[cell.name] = result
        if hooks.on_end is not None:
            hooks.on_end(cell, result)

    def tasks() -> Iterator[Task]:
        for number, cell in enumerate(cells):
            if hooks.on_begin is not None:
                hooks.on_begin(cell, number, len(cells))
            try:
                kept = records.read(cell)
                task = None if kept is not None else _task(cell, records, reading, checkpoint_every)
            except Exception as error:
                if not is_failure(error):
                    raise
                fail(cell, error)
                continue
            if kept is not None:
                end(cell, kept)
            elif task is not None:
                yield task

    def all_tasks() -> Iterator[Task]:
        waiting = tasks()
        while True:
            task = again.pop() if again else next(waiting, None)
            if task is None:
                return
            yield task

    with Run(client, len(cells), should_stop=hooks.should_stop, on_progress=on_cluster) as run:
        while True:
            for ended in run.results(all_tasks()):
                one: Cell = ended.task.origin
                if ended.error is not None:
                    if not is_failure(ended.error):
                        raise ended.error
                    fail(one, ended.error)
                elif ended.begun and ended.value is None:  # the worker did not see its files
                    files = ended.task.argument.files.items()
                    loaded = {word: file.loaded() for word, file in files}
                    argument = replace(ended.task.argument, files=loaded)
                    again.append(replace(ended.task, argument=argument))
                elif ended.begun:
                    found: CellRun = ended.value
                    for notice in found.notices:
                        if hooks.on_notice is not None:
                            hooks.on_notice(notice)
                    result = _kept(one, found, records)
                    if result is not None:
                        end(one, result)
                    elif not run.is_stopping and found.error is not None:
                        fail(one, found.error)
            if run.is_stopping or not again:
                break
    done = tuple(results[cell.name] for cell in cells if cell.name in results)
    return Comparison(done, budget.words, tuple(failures), len(cells))


def _task(cell: Cell, records: Records, reading: Reading, checkpoint_every: float) -> Task:
    mask = reading.selection.mask
    named = {"source": cell.file, "mask": None if mask == ALPHA else mask}
    plain = Reading(reading.selection, reading.kind, reading.limits)
    argument = CellTask(
        cell,
        plain,
        checkpoint_every,
        {word: CarriedFile.of(name) for word, name in named.items() if name is not None},
        {path.name: path.read_bytes() for path in _files(cell, records)},
    )
    return Task(f"{cell.file}: {cell.label}", run_task, argument, origin=cell)


def _kept(cell: Cell, found: CellRun, records: Records) -> CellResult | None:
    """Write what a worker has of a cell to the folder; return its result if it is done."""
    record = f"{cell.name}.json"
    records.folder.mkdir(parents=True, exist_ok=True)
    for name, content in found.files.items():
        if name != record:
            write_bytes(records.folder / name, content, force=True)
    for path in _files(cell, records):
        if path.name not in found.files:
            with contextlib.suppress(OSError):
                path.unlink()
    if found.result is None:
        return None
    result = replace(found.result, file=cell.file, weights=str(records.weights(cell)))
    records.write(cell, result)
    return result


def _files(cell: Cell, records: Records) -> list[Path]:
    """Return what the folder has of a cell."""
    if not records.folder.is_dir():
        return []
    found = records.folder.glob(f"{cell.name}.*")
    return sorted(path for path in found if path.is_file())
