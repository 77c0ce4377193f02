"""The calls that do a whole job: fit files, load a field, save one, evaluate it, write a signal."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch

from sinefit.analyzing.analysis import analyze_field, analyze_initializer
from sinefit.analyzing.settings import AnalysisSettings
from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.bands import render_pieces_on
from sinefit.cluster.batches import run_on_cluster
from sinefit.cluster.connecting import connected
from sinefit.comparing.budgets import EqualBudget
from sinefit.comparing.cluster import run_cells_on_cluster
from sinefit.comparing.combinations import combinations
from sinefit.comparing.outputs import Outputs
from sinefit.comparing.running import CompareHooks, Reading, plan_cells, run_cells
from sinefit.errors import InputError, OutputError, SettingError
from sinefit.exporting.writing import export_format, write_export
from sinefit.fields.field import Field
from sinefit.fields.stack_file import read_stack, stack_pieces
from sinefit.fields.weights_file import decode_field, field_pieces, read_field
from sinefit.files import is_standard_input, write_bytes
from sinefit.fitting.config import STORAGE_TYPES, FitConfig
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.fitting.devices import resolve_device
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.words import config_of
from sinefit.initializers.registry import parse_initializer
from sinefit.jobs.batch import run_batch, run_in_turn
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.job import Job
from sinefit.jobs.origin import read_checkpoint, settings_again
from sinefit.jobs.planning import plan_jobs
from sinefit.jobs.running import run_job
from sinefit.jobs.settings import JobSettings
from sinefit.jobs.shards import Shard
from sinefit.jobs.stacking import plan_stack, run_stack
from sinefit.jobs.together import run_together
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.scoring import score_field
from sinefit.signals.formats import agreed_format, check_quality, formats_of
from sinefit.signals.masks import by_mask
from sinefit.signals.objects import as_signal
from sinefit.signals.reading import masked
from sinefit.signals.selection import Selection
from sinefit.signals.signal import Signal
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import written
from sinefit.validation import (
    check_callback,
    check_choice,
    check_type,
    file_name,
    truth,
    whole_numbers,
)
from sinefit.view.writing import write_page_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction
    from pathlib import Path
    from typing import Unpack

    from numpy.typing import ArrayLike, NDArray

    from sinefit.analyzing.results import Analysis
    from sinefit.comparing.cells import Cell
    from sinefit.comparing.results import CellResult, Comparison
    from sinefit.fields.field import Factors
    from sinefit.fitting.config import (
        FittedFootprint,
        StopOn,
        StorageType,
        Supervised,
        TrainingPrecision,
    )
    from sinefit.fitting.recipes import RecipeName
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.fitting.schedule import Schedule
    from sinefit.fitting.words import FitSettings, Omega
    from sinefit.jobs.batch import Runner
    from sinefit.jobs.outcome import JobOutcome
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.objects import Source
    from sinefit.signals.signal import Coordinates, Domain, Kind, Targets


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
    margin: int | Sequence[int] | None = None,
    weights_per_value: float | None = None,
    seed: int = FitConfig.seed,
    device: str = FitConfig.device,
    threads: int | None = None,
    holdout: str | float | None = None,
    stop_on: StopOn | None = None,
    supervise: Supervised = FitConfig.supervise,
    footprint: FittedFootprint | None = None,
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


def fit_many(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str] | None = None,
    *,
    recursive: bool = False,
    together: bool = False,
    stack: str | os.PathLike[str] | None = None,
    skip_existing: bool = False,
    shard: str | tuple[int, int] | None = None,
    cluster: str | None = None,
    force: bool = False,
    kind: Kind | None = None,
    selection: Selection | None = None,
    sound: bool = True,
    start_from: str | os.PathLike[str] | None = None,
    checkpoint_every: float = CHECKPOINT_EVERY,
    on_progress: Callable[[str, Progress], None] | None = None,
    on_end: Callable[[JobOutcome], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    **settings: Unpack[FitSettings],
) -> list[JobOutcome]:
    """Fit each of many files to a weights file; return what became of each.

    `sources` are names of files, with `recursive` of folders too, in which every file with the
    name of a signal is fitted. Weights go to files of the same names with the ending .safetensors,
    beside the inputs or in `folder`, which is made where it is missing. A checkpoint lies beside
    them, written every `checkpoint_every` seconds, until they are done; the same call goes on with
    what an earlier one has left. `skip_existing` leaves out what has its weights file, `force`
    replaces that, and without either it is a failure of its file. `shard` "3/16", or (3, 16), does
    the third of 16 equal parts of the files, and other calls of the same files, on any machines,
    the others: each file is in one of them.

    The files are fitted one after the other, or `together`: small signals of one kind, all read
    before the first fit and fitted side by side or as one stacked network, whichever this machine
    does faster, on `threads` threads in all. Weights are written as soon as their fit is done.

    On a `cluster` of Dask they are fitted by workers: "local" or "local:4" starts those on this
    machine (in a script below `if __name__ == "__main__":`, which they load), "slurm:20" as many
    jobs as dask-jobqueue's configuration has them, "tcp://scheduler:8786" is one that runs. Files
    go by their paths where a worker sees them too, else with their content. One whose worker dies
    is fitted by another. It needs the extra "cluster".

    With `stack` the fits are made together and the fields of all that do not fail go to that one
    file by the inputs' names, see `load_stack`. Until then they lie in a folder of its name with
    the ending .parts, from where the same call goes on.

    `kind` ("image", "audio", "video", "array") and `selection` say how to read the files, `sound`
    whether a video's sound track is kept; `start_from` is a weights file to begin with; all other
    settings are those of `fit`. `on_progress` is called every few steps with the file's name,
    `on_end` with the outcome of each file, `on_notice` with sentences about what is lost or
    changed, each by one thread at a time, which need not be the caller's where fits are made
    together. `should_stop` is asked several times a second: True ends the call, and every fit that
    runs leaves a checkpoint.

    A file that fails does not stop the rest: its outcome holds the error, for a fit that diverged
    with the result of its best weights. Files that were not begun have no outcome. Raises, before
    anything is fitted, SettingError for a setting that cannot be, InputError for a folder without
    signals, OutputError for two files that would have the same output and, of fits `together`,
    SettingError for those that are not alike and InputError for a `start_from` that cannot be read.
    """
    _check_callbacks(
        on_progress=on_progress, on_end=on_end, on_notice=on_notice, should_stop=should_stop
    )
    together, skip_existing = truth("together", together), truth("skip_existing", skip_existing)
    config = config_of(**settings)
    given = [sources] if isinstance(sources, str | os.PathLike) else sources
    names = [str(file_name("sources", name)) for name in given]
    recursive = truth("recursive", recursive)
    job_settings = JobSettings(
        config,
        Selection() if selection is None else selection,
        kind=kind,
        sound=sound,
        start_from=None if start_from is None else str(file_name("start_from", start_from)),
        force=force,
        checkpoint_every=checkpoint_every,
    )

    hooks = _Callbacks(on_progress, on_end, on_notice, should_stop)
    if stack is not None:
        if folder is not None or skip_existing or shard is not None or cluster is not None:
            raise SettingError(
                "`stack` excludes `folder`, `skip_existing`, `shard` and `cluster`: it is one file"
            )
        stack_job = plan_stack(names, str(file_name("stack", stack)), recursive=recursive)
        return run_stack(stack_job, job_settings, hooks)
    jobs = plan_jobs(
        names, None if folder is None else str(file_name("folder", folder)), recursive=recursive
    )
    if shard is not None:
        jobs = Shard.of(shard).of_all(jobs)
    runner: Runner = run_together if together else run_in_turn
    if cluster is not None:
        if together:
            raise SettingError("`together` and `cluster` exclude each other: leave one of them out")
        runner = partial(run_on_cluster, address=ClusterAddress.of(cluster))
    return run_batch(jobs, job_settings, runner, hooks, skip_existing=skip_existing)


def resume(
    path: str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    device: str = "auto",
    threads: int | None = None,
    checkpoint_every: float = CHECKPOINT_EVERY,
    on_progress: Callable[[Progress], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FitResult:
    """Go on with the fit of a checkpoint's file; write its weights file and return the result.

    `path` is a checkpoint that `fit_many` or the command line has left. It remembers its input and
    how that was read: `source` names the same input where it is neither there nor beside the
    checkpoint. The weights, the same as if the fit had never been stopped, go to where they were
    to go, beside a checkpoint that was moved, or to `output`; then the checkpoint that lies there
    is removed. `force` replaces a weights file. `device` and `threads` are those of this machine.
    `checkpoint_every` (seconds) and the callbacks are as in `fit_many`; a fit that `should_stop`
    ends leaves its checkpoint and raises FitStoppedError, or FitNotMeasuredError once its weights
    are written.

    Raises InputError for what is no sound checkpoint or an input that is not found, SettingError
    for another input than the checkpoint's, OutputExistsError, OutputError, and FitDivergedError
    once the best weights of a fit that diverges are written.
    """
    _check_callbacks(on_progress=on_progress, on_notice=on_notice, should_stop=should_stop)
    force = truth("force", force)
    name = str(file_name("path", path))
    checkpoint = read_checkpoint(name)
    settings, origin = settings_again(
        JobSettings(
            replace(checkpoint.config, device=device, threads=threads),
            force=force,
            checkpoint_every=checkpoint_every,
        ),
        checkpoint,
        name,
    )
    if source is not None:
        found: str | None = str(file_name("source", source))
    elif is_standard_input(origin.source):
        raise SettingError(f"{name} was made of standard input: name the same as `source`")
    else:
        found = origin.place_of_source(name)
    if found is None:
        raise InputError(
            f"{name}: its input is neither beside it nor at {origin.source}: name it as `source`"
        )
    target = origin.place_of_target(name) if output is None else str(file_name("output", output))
    hooks = _Callbacks(
        None if on_progress is None else lambda _file, progress: on_progress(progress),
        None,
        on_notice,
        should_stop,
    )
    return run_job(Job(found, target), settings, hooks, resume=checkpoint)


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
    _check_callbacks(
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


def load(source: str | Path | bytes) -> Field:
    """Load a field from a weights file or from the bytes of one.

    Raises InputError for anything that is not a sound weights file.
    """
    if isinstance(source, bytes):
        return decode_field(source, "weights")
    return read_field(file_name("source", source))


def load_stack(source: str | Path) -> dict[str, Field]:
    """Load the fields of a stack's file by their names, in the order of its tensors' rows.

    Raises InputError for anything that is not the sound file of a stack.
    """
    return read_stack(file_name("source", source))


def save(
    field: Field, target: str | Path, *, dtype: StorageType | None = None, force: bool = False
) -> None:
    """Write a field's weights file; it appears whole or not at all.

    Without a `dtype` it is float16 for weights that this holds exactly, as a fit that stores them
    so leaves them, else float32. Raises OutputExistsError if the file exists and `force` is false.
    A `dtype` coarser than the fit's changes the weights: the PSNR on record no longer holds.
    """
    check_type("field", field, Field, "a field")
    force = truth("force", force)
    content = field_pieces(field, _storage(dtype, [field]))
    write_bytes(file_name("target", target), content, force=force)


def save_stack(
    fields: Mapping[str, Field],
    target: str | Path,
    *,
    dtype: StorageType | None = None,
    force: bool = False,
) -> None:
    """Write fields of alike networks by name into one file with a tensor per parameter.

    Each tensor has the fields as its first axis: `safetensors.torch.load_file` gives them. `dtype`
    and `force` are as in `save`; colour profiles and sound tracks are left out.

    Raises SettingError for fields of several blocks, for unlike networks, and for none or more
    than 8192 of them.
    """
    for field in fields.values():
        check_type("fields", field, Field, "fields by name")
    force = truth("force", force)
    content = stack_pieces(fields, _storage(dtype, fields.values()))
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

    `quality` is 0 (worst) to 100 (best), for formats that lose something; None takes a good one of
    the format's own. Raises OutputError for a format that cannot hold the signal, naming those that
    can, SettingError for one that the name contradicts or that has no quality to choose, and
    OutputExistsError if the file exists and `force` is false.
    """
    check_type("signal", signal, Signal, "a signal")
    force = truth("force", force)
    encoding = Encoding(quality=quality)
    target = file_name("target", target)
    chosen = agreed_format(signal.spec.kind, str(target), format)
    if chosen is None:
        known = ", ".join(formats_of(signal.spec.kind))
        raise OutputError(f"{target}: no format is known by this name; give one of {known}")
    check_quality(signal.spec.kind, chosen, encoding.quality)
    with written(target, signal.spec, chosen, encoding, force=force) as writer:
        writer.write(signal.samples)


def write_page(
    field: Field,
    target: str | Path,
    *,
    original: Source | None = None,
    name: str | None = None,
    force: bool = False,
) -> None:
    """Write a web page that holds a field and evaluates it where it is opened.

    One file, which asks nothing of the network. `original`, anything that `fit` takes, is the
    picture that was fitted, to be held against the field; one of more than two megapixels is
    reduced. `name` is the page's title, else that of the fitted file. Raises SettingError for a
    field that a page cannot show or an original of another shape, InputError for one that cannot be
    read, and OutputExistsError if the file exists and `force` is false.
    """
    check_type("field", field, Field, "a field")
    force = truth("force", force)
    if name is not None:
        check_type("name", name, str, "a text")
    signal = None
    if original is not None:
        spec = field.spec
        signal = as_signal(original, channels_last=spec.channels_last, domain=spec.domain)
    write_page_file(field, file_name("target", target), original=signal, name=name, force=force)


def export(
    field: Field, target: str | Path, *, format: str | None = None, force: bool = False
) -> None:
    """Write a field in a format that other programs evaluate; it follows the name unless given.

    "onnx" is an ONNX model, for which the extra `onnx` is needed, and "torch" a program for
    `torch.export.load`, .pt2: both map positions (count, axes), float64, in samples of what was
    fitted, the first sample's centre at 0.5, to values (count, channels) in the signal's units.
    "numpy" is a Python file with the function `field`, which does the same with NumPy alone, and an
    .npz beside it; "glsl" a function for shaders with a .bin of texels beside it. sinefit does not
    read them: `save` writes what `load` reads.

    Raises SettingError for a field that the format cannot hold, and OutputExistsError if a file
    exists and `force` is false.
    """
    check_type("field", field, Field, "a field")
    force = truth("force", force)
    target = file_name("target", target)
    write_export(field, target, export_format(target, format), force=force)


def _storage(dtype: StorageType | None, fields: Iterable[Field]) -> torch.dtype:
    """Return the type to store weights in."""
    if dtype is None:
        rows = (field.network.values for field in fields)
        dtype = "float16" if all(bool((row == row.half()).all()) for row in rows) else "float32"
    check_choice("dtype", dtype, STORAGE_TYPES)
    found: torch.dtype = getattr(torch, dtype)
    return found


def _check_callbacks(**callbacks: object) -> None:
    for name, value in callbacks.items():
        check_callback(name, value)


class _Callbacks(JobHooks):
    """The hooks of a caller who has given functions, each of which may be None."""

    def __init__(
        self,
        on_progress: Callable[[str, Progress], None] | None,
        on_end: Callable[[JobOutcome], None] | None,
        on_notice: Callable[[str], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self._on_progress = on_progress
        self._on_end = on_end
        self._on_notice = on_notice
        self._should_stop = should_stop

    def should_stop(self) -> bool:
        return self._should_stop is not None and self._should_stop()

    def on_progress(self, job: Job, progress: Progress) -> None:
        if self._on_progress is not None:
            self._on_progress(job.source, progress)

    def on_notice(self, _job: Job, sentence: str) -> None:
        if self._on_notice is not None:
            self._on_notice(sentence)

    def on_end(self, _job: Job, outcome: JobOutcome) -> None:
        if self._on_end is not None:
            self._on_end(outcome)
