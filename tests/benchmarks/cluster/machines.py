"""A scheduler and workers of Dask as separate processes, each as on a machine of its own.

Where this process may make network namespaces (Linux, root, `ip`), the scheduler, the client and
every worker have one each, joined by a bridge in the scheduler's: they share no loopback, no port
and no file but those of the disk. Elsewhere they are plain processes that meet at the loopback.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence
    from typing import Self

ROOT: Final = Path(__file__).parents[3]
PORT: Final = 8786
NETWORK: Final = "10.213.7"
"""Of the namespaces alone: nothing of it is to be seen outside."""
START_SECONDS: Final = 300.0


class Network:
    """Namespaces of one scheduler, one client and some workers."""

    def __init__(self, count: int) -> None:
        self._names = [f"sinefit-{os.getpid()}-{place}" for place in range(count)]

    def __enter__(self) -> Self:
        hub = self._names[0]
        for name in self._names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "addr", "add", f"{self.address(0)}/24", "dev", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for place, name in enumerate(self._names[1:], 1):
            ends = ("type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("-n", hub, "link", "add", f"port{place}", *ends)
            _ip("-n", hub, "link", "set", f"port{place}", "master", "bridge", "up")
            _ip("-n", name, "addr", "add", f"{self.address(place)}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
        return self

    def __exit__(self, *_error: object) -> None:
        for name in self._names:
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", name)

    def address(self, place: int) -> str:
        """Return the address of a namespace: 0 is the scheduler's, 1 the client's."""
        return f"{NETWORK}.{place + 1}"

    def within(self, place: int, command: Sequence[str]) -> list[str]:
        """Return a command that runs another one in a namespace."""
        return ["ip", "netns", "exec", self._names[place], *command]


class Loopback:
    """What stands for namespaces where there are none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def address(self, _place: int) -> str:
        """Return the address of all."""
        return "127.0.0.1"

    def within(self, _place: int, command: Sequence[str]) -> list[str]:
        """Return the command."""
        return list(command)


def has_namespaces() -> bool:
    """Tell whether this process may make network namespaces."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"sinefit-{os.getpid()}-try"
    try:
        _ip("netns", "add", name)
        _ip("netns", "delete", name)
    except subprocess.CalledProcessError:
        return False
    return True


class Machines:
    """A scheduler and so many workers that run until the `with` block is left."""

    def __init__(self, workers: int, *, threads: int = 1, namespaces: bool | None = None) -> None:
        """Take the workers and the threads of each; `namespaces` None where there are some."""
        separate = has_namespaces() if namespaces is None else namespaces
        self.network: Network | Loopback = Network(workers + 2) if separate else Loopback()
        self.workers = workers
        self._threads = threads
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # which ends all of them, too
        with contextlib.ExitStack() as held:
            held.enter_context(self.network)
            self._folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
            host = self.network.address(0)
            self.scheduler = self._begin(
                held, 0, "distributed.cli.dask_scheduler", "--host", host, "--port", str(PORT),
                "--no-dashboard",
            )  # fmt: skip
            self.processes = [
                self._begin(
                    held, place + 2, "distributed.cli.dask_worker", self.address,
                    "--nthreads", str(self._threads), "--memory-limit", "0", "--no-dashboard",
                    "--host", self.network.address(place + 2), "--name", f"worker-{place}",
                )
                for place in range(self.workers)
            ]  # fmt: skip
            self._wait()
            self._held = held.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._held.close()

    @property
    def address(self) -> str:
        """What `--cluster` is to be."""
        return f"tcp://{self.network.address(0)}:{PORT}"

    def client(self, command: Sequence[str], **others: Any) -> subprocess.Popen[Any]:
        """Begin a command where the client is."""
        return subprocess.Popen(self.network.within(1, command), env=environment(), **others)

    def kill_one(self, draw: random.Random) -> bool:
        """Kill what computes of one of the workers by SIGKILL; its nanny begins another one.

        False where none was there to be killed.
        """
        found = [pid for process in self.processes for pid in _computing(process.pid)]
        if not found:
            return False
        try:
            os.kill(draw.choice(found), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def seconds(self) -> dict[str, float]:
        """Return the seconds of processor time that the scheduler and all workers have taken."""
        workers = sum(processor_seconds(process.pid) for process in self.processes)
        return {"scheduler": processor_seconds(self.scheduler.pid), "workers": workers}

    def _begin(
        self, held: contextlib.ExitStack, place: int, module: str, *words: str
    ) -> subprocess.Popen[bytes]:
        log = held.enter_context((self._folder / f"{place}.log").open("wb"))
        command = self.network.within(place, [sys.executable, "-m", module, *words])
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(self._threads),
            cwd=self._folder,
            start_new_session=True,
        )
        held.callback(_end, process)
        return process

    def _wait(self) -> None:
        """Wait until all workers are there; the log of who is not is shown."""
        script = (
            "from distributed import Client\n"
            f"with Client({self.address!r}, timeout={START_SECONDS}) as client:\n"
            f"    {self.workers} and client.wait_for_workers({self.workers}, {START_SECONDS})\n"
            # The first task of each has it import what all tasks do.
            "    client.run(lambda: __import__('sinefit.cluster.blocks'))\n"
        )
        if self.client([sys.executable, "-c", script]).wait() != 0:
            for log in sorted(self._folder.glob("*.log")):
                print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
            sys.exit("the workers do not start")


def environment(threads: int = 1) -> dict[str, str]:
    """Return the environment of processes that share a machine, with so many threads each."""
    count = str(threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    given = {**dict.fromkeys(names, count), "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": path}
    return {**os.environ, **given}


def processor() -> str:
    """Return what the machine is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    load = os.getloadavg()[0]
    return f"{name}, {os.cpu_count()} cores, load {load:.1f}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has begun."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _children(pid: int) -> list[int]:
    """Return the processes that one has begun, and those that these have."""
    found = []
    for task in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            behind = task.read_text().rpartition(")")[2].split()
            if int(behind[1]) == pid:
                child = int(task.parent.name)
                found += [child, *_children(child)]
    return found


def _computing(nanny: int) -> Iterator[int]:
    """Yield the processes of a nanny that compute: those with most threads of what it began."""
    for pid in _children(nanny):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"spawn_main" in words:
                yield pid


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process and of all that it has begun."""
    total = 0
    for each in (pid, *_children(pid)):
        with contextlib.suppress(OSError):
            behind = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += int(behind[11]) + int(behind[12])
    return total / os.sysconf("SC_CLK_TCK")


def wait_for(process: subprocess.Popen[Any], seconds: float) -> int:
    """Return how a process ended, which is killed if it takes longer."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()
        sys.exit(f"{process.args!r} took longer than {seconds:g} s")
    return process.returncode
