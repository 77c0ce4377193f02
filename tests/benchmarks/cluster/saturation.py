"""Where the scheduler saturates: tasks that sleep, on many workers that do nothing else.

    python -m tests.benchmarks.cluster.saturation [--workers 10,100,1000] [--sleeps 0.1,1,4]

A scheduler, a process with all workers in one event loop and this process as the client, all of
Dask, take tasks as `sinefit.cluster.tasks` sends them: so many at a time per worker, each telling
how far it is. Prints a Markdown table with a row per number of workers and length of a task: how
many there were, how many ended per second, the share of the time that workers were busy, and the
processor time that a task takes of the scheduler and of the client. The larger of these bounds the
tasks per second of any cluster; workers over that are the shortest tasks that keep them busy, which
is the last column. What else has the cores changes the shares, and the processor time little.

With `--real 1,2` also what a task that does nothing takes with real workers (see `machines.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import operator
import os
import pickle
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from tests.benchmarks.cluster.machines import Machines, environment, processor, processor_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

QUIET = {
    "distributed.admin.tick.interval": "30s",
    "distributed.admin.tick.limit": "90s",
    "distributed.admin.system-monitor.interval": "30s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.worker.profile.enabled": False,
}
"""What a process with a worker does for itself, many times a second: here it would do so a thousand
times over, and have time for nothing else."""
START = 50
"""Workers that begin together."""
LEAST = 4
"""Tasks per worker at least, so that beginning and end count little."""
FEWEST = 300
"""Tasks of a row at least."""


async def nap(run: str, every: float, content: bytes) -> bytes:
    """Stand for `run_task`: sleep as long as the task's argument says, and tell as tasks do."""
    from distributed import get_worker

    from sinefit.cluster.worker import TOPIC

    worker, topic = get_worker(), TOPIC.format(run)
    _, _, (seconds, _) = pickle.loads(content)
    worker.log_event(topic, {"task": "", "values": None})
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(every, left))
        worker.log_event(topic, {"task": "", "values": {"share": 0.5, "samples_per_second": 1.0}})
    return pickle.dumps(None)


async def serve(address: str, count: int) -> None:
    """Be so many workers until the process is ended."""
    import dask
    from distributed import Worker

    import sinefit.cluster.worker

    dask.config.set(QUIET)
    sinefit.cluster.worker.run_task = nap  # type: ignore[assignment]  # pickles name it
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as held:
            for first in range(0, count, START):
                workers = (
                    Worker(
                        address,
                        nthreads=1,
                        name=f"{number}",
                        memory_limit=0,
                        dashboard=False,
                        local_directory=folder,
                    )
                    for number in range(first, min(first + START, count))
                )
                await asyncio.gather(*map(held.enter_async_context, workers))
            print("ready", flush=True)
            await asyncio.Event().wait()


@contextlib.contextmanager
def sleepers(address: str, count: int) -> Iterator[None]:
    """Have so many workers in a process of their own."""
    command = [sys.executable, "-m", "tests.benchmarks.cluster.saturation", "--serve", address]
    command += ["--workers", str(count)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), text=True
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            sys.exit("the workers do not start")
        yield
    finally:
        process.kill()
        process.wait()


def row(*cells: object) -> None:
    """Print a row of the table."""
    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def measure(client: Client, scheduler: int, workers: int, seconds: float, size: int) -> None:
    """Send tasks that sleep so long and carry so many bytes, and print a row."""
    from sinefit.cluster.tasks import Run, Task

    count = max(FEWEST, LEAST * workers)
    argument = (seconds, bytes(size))
    tasks = (Task("a", operator.is_, argument) for _ in range(count))
    before, mine, begin = processor_seconds(scheduler), time.process_time(), time.monotonic()
    with Run(client, count, on_progress=lambda _told: None) as run:
        for ended in run.results(tasks):
            if ended.error is not None:
                raise ended.error
    wall = time.monotonic() - begin
    theirs = (processor_seconds(scheduler) - before) / count
    mine = (time.process_time() - mine) / count
    row(
        workers,
        f"{seconds:g}",
        count,
        f"{count / wall:.0f}",
        f"{100 * count * seconds / workers / wall:.0f} %",
        f"{1000 * theirs:.2f}",
        f"{1000 * mine:.2f}",
        f"{workers * max(theirs, mine):.2f}",
    )


def idle(count: int, tasks: int) -> None:
    """Print what a task that does nothing takes with real workers."""
    from distributed import Client

    from sinefit.cluster.tasks import Run, Task

    with Machines(count, namespaces=False) as machines, Client(machines.address) as client:
        for _ in range(2):  # the first time has workers import what tasks take
            given = (Task("a", operator.is_, None) for _ in range(tasks))
            before, mine, begin = machines.seconds(), time.process_time(), time.monotonic()
            with Run(client, tasks) as run:
                for ended in run.results(given):
                    if ended.error is not None:
                        raise ended.error
            wall = time.monotonic() - begin
        spent = {name: each - before[name] for name, each in machines.seconds().items()}
        spent["client"] = time.process_time() - mine
        told = ", ".join(f"{name} {1000 * each / tasks:.2f} ms" for name, each in spent.items())
        print(
            f"{count} real workers, {tasks} tasks that do nothing: {1000 * wall / tasks:.2f} ms "
            f"each; of processors: {told}",
            flush=True,
        )


def main() -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", default="10,100,1000")
    parser.add_argument("--sleeps", default="0.1,1,4", help="seconds")
    parser.add_argument("--size", type=int, default=100_000, help="bytes that a task carries")
    parser.add_argument("--real", default="", help="numbers of real workers")
    parser.add_argument("--tasks", type=int, default=200, help="that do nothing")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(serve(arguments.serve, int(arguments.workers)))
        return
    from distributed import Client

    print(f"{dt.datetime.now(dt.UTC).date()}, {processor()}, nice {os.nice(0)}\n")
    for count in filter(None, arguments.real.split(",")):
        idle(int(count), arguments.tasks)
    row(
        "workers", "task, s", "tasks", "per s", "busy", "scheduler, ms", "client, ms", "shortest, s"
    )
    row(*["---"] * 8)
    for count in map(int, filter(None, arguments.workers.split(","))):
        with (
            Machines(0, namespaces=False) as machines,
            sleepers(machines.address, count),
            Client(machines.address) as client,
        ):
            for seconds in map(float, arguments.sleeps.split(",")):
                measure(client, machines.scheduler.pid, count, seconds, arguments.size)


if __name__ == "__main__":
    main()
