from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.cluster.tasks import ClusterProgress, Run, Task
from sinefit.errors import ClusterError
from tests.cluster.acting import die, die_once, double, refuse, wait_for_a_stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from distributed import Client


def test_what_tasks_return_comes_back_with_them(workers: Client) -> None:
    tasks = [Task(str(number), double, number, origin=number) for number in range(20)]
    with Run(workers, len(tasks)) as run:
        ended = list(run.results(iter(tasks)))
    assert {each.task.origin: each.value for each in ended} == {n: 2 * n for n in range(20)}
    assert all(each.error is None and each.begun for each in ended)


def test_tasks_are_asked_for_when_there_is_room(workers: Client) -> None:
    asked = 0

    def tasks() -> Iterator[Task]:
        nonlocal asked
        for number in range(1000):
            asked += 1
            yield Task(str(number), double, number)

    with Run(workers, 1000) as run:
        next(run.results(tasks()))
        assert asked < 20


def test_a_task_that_raises_does_not_stop_the_others(workers: Client) -> None:
    tasks = [Task("a", refuse, "no"), Task("b", double, 2)]
    with Run(workers, 2) as run:
        found = {each.task.name: each for each in run.results(iter(tasks))}
    assert isinstance(found["a"].error, ValueError)
    assert str(found["a"].error) == "no"
    assert found["b"].value == 4


def test_a_task_whose_worker_dies_runs_again_elsewhere(workers: Client, tmp_path: Path) -> None:
    tasks = [Task("a", die_once, str(tmp_path / "died")), Task("b", double, 2)]
    with Run(workers, 2) as run:
        found = {each.task.name: each for each in run.results(iter(tasks))}
    assert found["a"].error is None
    assert found["a"].value > 0
    assert found["b"].value == 4


def test_a_task_that_kills_its_workers_is_told_by_its_name(workers: Client) -> None:
    with Run(workers, 1) as run:
        (ended,) = run.results(iter([Task("huge.png", die, None)]))
    assert isinstance(ended.error, ClusterError)
    assert str(ended.error).startswith("huge.png: 2 workers died")


def test_a_stop_is_heard_by_tasks_that_run_and_others_never_begin(
    workers: Client, tmp_path: Path
) -> None:
    workers.wait_for_workers(2)  # one may have died
    seen: list[ClusterProgress] = []
    begun = [tmp_path / str(number) for number in range(6)]
    tasks = [Task(path.name, wait_for_a_stop, str(path)) for path in begun]
    with Run(
        workers,
        len(tasks),
        should_stop=lambda: sum(path.exists() for path in begun) == 2 and len(seen) > 5,
        on_progress=seen.append,
    ) as run:
        ended = list(run.results(iter(tasks)))
        assert run.is_stopping
    assert [each.value for each in ended if each.begun] == ["stopped"] * 2
    assert sum(path.exists() for path in begun) == 2
    assert seen[-1].count == 6
    assert seen[0].workers == 2
    assert 2000.0 in [progress.samples_per_second for progress in seen]


def test_the_time_left_follows_from_the_share() -> None:
    progress = ClusterProgress(2, 1, 1, 4, 0.25, 0.0, 10.0)
    assert progress.remaining == pytest.approx(30.0)
