"""Connections to workers: those of this machine, of SLURM, or of a scheduler that runs."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any, Final

from sinefit.cluster.slurm import slurm_workers
from sinefit.errors import ClusterError, SettingError
from sinefit.memory import available_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from sinefit.cluster.address import ClusterAddress

INSTALL: Final = "install it with pip install 'sinefit[cluster]'"
CONNECT_SECONDS: Final = 10.0
"""Seconds in which a scheduler has to answer."""
WORKER_BYTES: Final = 2**30
"""Memory that a worker of this machine is given at least, where their number is not."""
_WARNS_FROM: Final = "distributed.admin.large-graph-warning-threshold"
_SIGNALS: Final = "sinefit.cluster.worker"
"""What workers of this machine load as they begin, see `dask_setup` there."""


@contextlib.contextmanager
def connected(address: ClusterAddress) -> Iterator[Client]:
    """Give a client of the workers; those that were started for it end with the block.

    Raises SettingError where what it takes is not installed, ClusterError for a scheduler that does
    not answer.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise SettingError(f"`cluster` needs Dask: {INSTALL}") from None
    with contextlib.ExitStack() as held:
        held.enter_context(_quiet())
        # Tasks carry samples, of which it would warn from 10 MB on.
        held.enter_context(dask.config.set({_WARNS_FROM: "1GB"}))
        if address.kind == "running":
            target: Any = address.scheduler
        elif address.kind == "slurm":
            target = held.enter_context(slurm_workers(address, INSTALL))
        else:
            target = held.enter_context(_local(address))
        try:
            client = distributed.Client(target, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ClusterError(
                f"`cluster` is {address}: no scheduler answers there ({reason}); see that it runs "
                "and that this machine reaches it"
            ) from error
        with client:
            yield client


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave it to sinefit to say what became of workers, once and with the file's name."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _local(address: ClusterAddress) -> Iterator[Any]:
    """Give workers on this machine, a process each, which share its cores and have a GPU each."""
    import torch
    from distributed import Nanny, Scheduler, SpecCluster

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cores = _cores()
    count = address.count or gpus or _suiting(cores)
    threads = max(1, cores // count)
    # Nothing of it can be reached from elsewhere, and several commands do not meet at one port.
    common = {
        "host": "127.0.0.1",
        "protocol": "tcp://",
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    }
    options = {
        **common,
        "nthreads": threads,
        "memory_limit": 0,
        "silence_logs": logging.CRITICAL,
        "preload": [_SIGNALS],
    }
    workers = {}
    for number in range(count):
        environment = {
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "PASSIVE",  # several processes share the machine
        }
        if gpus > 1:
            environment["CUDA_VISIBLE_DEVICES"] = str(number % gpus)
        workers[number] = {"cls": Nanny, "options": {**options, "env": environment}}
    scheduler = {"cls": Scheduler, "options": {**common, "port": 0}}
    try:
        cluster = SpecCluster(scheduler=scheduler, workers=workers, silence_logs=logging.CRITICAL)
    except RuntimeError as error:  # one of them was killed as it began
        raise ClusterError(
            f"`cluster` is {address}: its workers do not start ({error}): this machine may have "
            "too little memory for so many"
        ) from error
    with cluster:
        yield cluster


def _cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _suiting(cores: int) -> int:
    """Return how many workers suit the cores and the memory of this machine."""
    memory = available_bytes()
    return cores if memory is None else max(1, min(cores, memory // WORKER_BYTES))
