"""One signal of many blocks on a cluster: groups of blocks are the tasks."""

from __future__ import annotations

import contextlib
import dataclasses
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.cluster.block_fits import BlocksFit, Stopped, fit_blocks, look_at_worker
from sinefit.cluster.journal import Journal, PartKey, gathered, journal_path
from sinefit.cluster.measuring import ClusterErrors
from sinefit.cluster.tasks import Run, Task
from sinefit.errors import SettingError
from sinefit.fitting.checkpoint import fingerprint, settings_values
from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.fit import told_of_guessed
from sinefit.fitting.gathering import GatheredFit, first_end
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.parts import HowTrained, SentParts, Stretch
from sinefit.fitting.report import PartsStoppedError
from sinefit.forks import begin_threads
from sinefit.networks.network import Network
from sinefit.signals.storage import allocate_samples, let_go
from sinefit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client
    from torch import Tensor

    from sinefit.cluster.tasks import ClusterProgress
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.gathering import Judgement
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.jobs.checkpointed import CheckpointedFit
    from sinefit.signals.signal import Signal

TASK_SAMPLES: Final = 2**22
"""Samples trained on in a task, about, at least: half a second of one thread to some seconds, which
is all that is lost with a worker, and beside which the three milliseconds of a scheduler and the
two of a client that it takes are little."""
TASKS: Final = 4096
"""Tasks of a signal, about, at most: a scheduler is through with so many in a quarter of a minute,
while those of large fits, which take longer each, keep a thousand workers busy."""
GRAIN: Final = 32
"""Blocks of a task are a multiple of this: as many as are trained at once, so that they are in the
same groups as on one machine."""
TASK_BYTES: Final = 2**26
"""Bytes of samples that a task carries, about, at most."""
TASK_WEIGHTS: Final = 2**22
"""Bytes of weights whose blocks make a task at most: it comes back with two to five times as many,
of which the client has a copy or two on their way to the journal."""


def obstacle(config: FitConfig) -> str | None:
    """Return the setting that keeps blocks from being trained apart from each other, if any."""
    budget = config.budget
    settings = {
        "max_time": None if budget is None else budget.max_time,
        "target_psnr": None if budget is None else budget.target_psnr,
        "stop_on": config.stop_on,
    }
    return next((word for word, value in settings.items() if value is not None), None)


def check_in_blocks(config: FitConfig, count: int) -> None:
    """Raise SettingError for a fit whose blocks, so many, cannot be trained apart."""
    word = obstacle(config)
    if word is not None:
        setting = f"`{word}`"
        raise SettingError(
            f"{setting} and `cluster` exclude each other for one signal of {count} blocks: they "
            "are trained apart, by a clock each, until all have their `steps`: give those"
        )


def fit_blocks_on_cluster(
    client: Client,
    fit: CheckpointedFit,
    plan: FitPlan,
    *,
    force: bool = False,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Callable[[ClusterProgress], None] | None = None,
    on_measuring: Callable[[Progress], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> FitResult:
    """Fit a signal of several blocks on the workers of a client; the caller writes its weights.

    What is done lies in a journal beside the output, from where the same call goes on; it is
    removed when all is. Raises what `check_in_blocks` and `Fit.finish` do, PartsStoppedError for a
    fit that is stopped, ClusterError for workers that die, and what a part of it failed of.
    """
    check_in_blocks(plan.config, plan.blocks.count)
    signal = plan.mapped(fit.signal)
    hooks = FitHooks(on_progress=on_measuring, should_stop=should_stop, on_notice=on_notice)
    decides = {
        "version": __version__,
        "settings": settings_values(plan.config),
        "steps": plan.steps,
        "fingerprint": fingerprint(fit.signal),
    }
    with contextlib.ExitStack() as held:
        path = journal_path(Path(fit.job.target))
        journal = held.enter_context(Journal.opened(path, decides, force=force))
        gathering = _Gathering(client, signal, plan, journal, should_stop, on_progress)
        for sentence in told_of_guessed(signal, plan):
            if on_notice is not None:
                on_notice(sentence)
        result = gathering.result(hooks)
        for sentence in gathering.notices:
            if on_notice is not None:
                on_notice(sentence)
        journal.remove()
        return result


class _Gathering:
    def __init__(
        self,
        client: Client,
        signal: Signal,
        plan: FitPlan,
        journal: Journal,
        should_stop: Callable[[], bool] | None,
        on_progress: Callable[[ClusterProgress], None] | None,
    ) -> None:
        self.notices: list[str] = []
        self._client = client
        self._signal = signal
        self._met = plan.trained_on(signal)
        """What the blocks are trained on: the signal, or derivatives of it."""
        self._plan = plan
        self._journal = journal
        self._should_stop = should_stop
        self._on_progress = on_progress
        self._choice = SampleChoice.of(self._met, plan.config.holdout)
        spec = dataclasses.replace(plan.spec, icc_profile=None, soundtrack=None)
        self._sent_plan = dataclasses.replace(plan, spec=spec)
        self._name = signal.spec.source or "the signal"
        self._errors = ClusterErrors(client, self._name, plan.config, should_stop)

    def result(self, hooks: FitHooks) -> FitResult:
        """Train all parts and return the field that they make."""
        plan, parts = self._plan, self._parts()
        with cpu_threads(plan.machine.threads):
            fit = GatheredFit(self._signal, plan, hooks, self._errors)
        how = self._look_at_worker()
        if not how.changes_precision:
            keys = self._train(parts, 0, plan.steps)
            judgement = fit.judge(self._losses(keys), how.every)
            begun: list[PartKey] = []
        else:
            begun, keys, judgement = self._in_two(fit, how, parts)
        told = [self._journal.told(key) for key in (*begun, *keys)]
        kinds = sorted({each["computed_by"] for each in told})
        if len(kinds) > 1:
            self.notices.append(
                f"{self._name}: workers differ ({'; '.join(kinds)}): the bytes are those of no "
                "single machine"
            )
        with cpu_threads(plan.machine.threads):
            begin_threads(plan.machine.threads)
            return fit.complete(
                self._network(keys, "weights"),
                partial(self._network, keys, "best"),
                judgement,
                sum(float(each["seconds"]) for each in told),
            )

    def _in_two(
        self, fit: GatheredFit, how: HowTrained, parts: Sequence[range]
    ) -> tuple[list[PartKey], list[PartKey], Judgement]:
        """Train up to where the precision may change, then on; once more if it changes later."""
        steps, middle = self._plan.steps, first_end(self._plan, how.every)
        if middle == steps:
            keys = self._train(parts, 0, steps)
            return [], keys, fit.judge(self._losses(keys), how.every)
        begun = self._train(parts, 0, middle)
        before = self._losses(begun)
        refine_at = fit.judge(before, how.every).refine_at
        while True:
            keys = self._train(parts, middle, steps, refine_at, begun)
            judgement = fit.judge(torch.cat([before, self._losses(keys)]), how.every)
            if judgement.refine_at == refine_at:
                return begun, keys, judgement
            refine_at = judgement.refine_at

    def _parts(self) -> list[range]:
        """Return the groups of blocks; they follow from the plan alone."""
        plan = self._plan
        each = plan.steps * plan.batch
        samples = max(plan.blocks.samples_in(number) for number in (0, plan.blocks.count - 1))
        size = samples * self._met.samples.itemsize * self._met.spec.channels
        wanted = max(TASK_SAMPLES // each, plan.blocks.count // TASKS)
        wanted = min(wanted, TASK_BYTES // size, TASK_WEIGHTS // (4 * plan.work.parameter_count))
        count = max(GRAIN, wanted // GRAIN * GRAIN)
        return [
            range(first, min(first + count, plan.blocks.count))
            for first in range(0, plan.blocks.count, count)
        ]

    def _task(self, numbers: range, stretch: Stretch) -> BlocksFit:
        """Return what a worker needs to train some blocks, and no more."""
        blocks = self._plan.blocks
        places = dict.fromkeys(map(blocks.in_first_covering, numbers))
        signals = {number: blocks.part(self._met, number) for number in places}
        chosen = None
        if not self._choice.is_all:
            found = {number: self._choice.fitted_in(blocks, number) for number in places}
            chosen = {
                number: np.arange(blocks.samples_in(number)) if each is None else each
                for number, each in found.items()
            }
        return BlocksFit(self._sent_plan.part(numbers), SentParts(signals, chosen), stretch)

    def _look_at_worker(self) -> HowTrained:
        argument = self._task(range(1), Stretch(0, 0))
        with self._run(1) as run:
            for ended in run.results(iter([Task(self._name, look_at_worker, argument)])):
                if isinstance(ended.value, HowTrained):
                    return ended.value
                if ended.error is not None or isinstance(ended.value, Exception):
                    raise ended.error or ended.value
        raise PartsStoppedError(f"{self._name}: stopped before it began")

    def _train(
        self,
        parts: Sequence[range],
        begin: int,
        end: int,
        refine_at: int | None = None,
        earlier: Sequence[PartKey] | None = None,
    ) -> list[PartKey]:
        """Train a stretch of all parts that are not done; return their keys in order."""
        keys = [PartKey(part.start, part.stop, begin, end, refine_at) for part in parts]
        waiting = [place for place, key in enumerate(keys) if key not in self._journal]

        def tasks() -> Iterator[Task]:
            for place in waiting:
                state = None if earlier is None else self._journal.read(earlier[place]).state
                argument = self._task(parts[place], Stretch(begin, end, refine_at, state))
                yield Task(self._name, fit_blocks, argument, origin=keys[place])
                let_go(self._met.samples)

        failure: Exception | None = None
        lost = 0
        with self._run(len(waiting), lambda: failure is not None) as run:
            for ended in run.results(tasks()):
                found = ended.error or ended.value
                if isinstance(found, Exception):
                    failure = failure or found
                elif isinstance(found, Stopped):
                    lost += 1
                elif ended.begun:
                    self._journal.add(ended.task.origin, found)
        if failure is not None:
            raise failure
        done = sum(key in self._journal for key in keys)
        if done < len(keys):
            left = f", {lost} others were under way and will begin again" if lost else ""
            raise PartsStoppedError(
                f"{self._name}: stopped when {done} of {len(keys)} groups of blocks were done{left}"
            )
        return keys

    def _run(self, count: int, has_failed: Callable[[], bool] = lambda: False) -> Run:
        def should_stop() -> bool:
            asked = self._should_stop is not None and self._should_stop()
            return asked or has_failed()

        return Run(self._client, count, should_stop=should_stop, on_progress=self._on_progress)

    def _losses(self, keys: Sequence[PartKey]) -> Tensor:
        """Return the losses of all blocks (reports, blocks)."""
        return torch.cat([self._journal.read(key).losses for key in keys], dim=1)

    def _network(self, keys: Sequence[PartKey], name: str) -> Network:
        """Return the weights of all blocks, a large stack in a temporary file."""
        plan = self._plan
        shape = (plan.blocks.count, plan.work.parameter_count)
        values = allocate_samples(shape, np.float32)
        for rows, weights in gathered(self._journal, keys, name):
            values[rows] = weights.numpy()
            let_go(values)
        return Network(plan.work.family, plan.work.size, torch.from_numpy(values))
