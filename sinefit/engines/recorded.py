"""Training steps that the device repeats from a recording, without a launch per operation."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import torch

from sinefit.engines.graphics import sent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.engines.engine import Engine
    from sinefit.engines.objective import Batch

    Replay = Callable[[], None]

REHEARSALS: Final = 3
"""Steps taken launch by launch before they are recorded: the first ones compile and allocate."""
AT_ONCE: Final = 16
"""Steps of a recording: to begin one takes the host about as long as a step takes the device."""


class Recorder(Protocol):
    """Runs and records work on a device."""

    def rehearse(self, work: Callable[[], None]) -> None:
        """Do the work now, as it will be recorded."""

    def record(self, work: Callable[[], None]) -> Replay:
        """Return what repeats the work; nothing is done yet. Raises RuntimeError if it cannot."""


class Captures:
    """What has become of a process's attempts to capture: after one that failed there is no other.

    A capture that breaks off can leave streams and allocator of a process as if it went on.
    """

    def __init__(self) -> None:
        self.failure: str | None = None
        """Why the one that failed did, None as long as none has."""
        self._turn = threading.Lock()

    def attempt(self, capture: Callable[[], Replay], restore: Callable[[], None]) -> Replay:
        """Return what a capture returns, and put back what it changed, whatever comes of it.

        Raises RuntimeError where it fails, and at once where one has failed before.
        """
        with self._turn:  # a process can capture one thing at a time
            if self.failure is not None:
                raise RuntimeError(self.failure)
            try:
                return capture()
            except RuntimeError as error:
                self.failure = reason_of(error)
                raise
            finally:
                restore()


CAPTURES: Final = Captures()
"""Those of this process."""


def reason_of(error: Exception) -> str:
    """Return what an error says in one line."""
    return " ".join(str(error).split()) or type(error).__name__


class CudaRecorder:
    """Records into a CUDA graph."""

    def __init__(self, device: torch.device, captures: Captures = CAPTURES) -> None:
        self._device = device
        self._captures = captures
        with torch.cuda.device(device):
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def rehearse(self, work: Callable[[], None]) -> None:
        """Do the work on a stream of its own, in order with the present one."""
        with torch.cuda.device(self._device):
            present = torch.cuda.current_stream()
            self._stream.wait_stream(present)
            with torch.cuda.stream(self._stream):
                work()
            present.wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Replay:
        """Return the replay of a graph of the work."""
        with torch.cuda.device(self._device):
            present = torch.cuda.current_stream()
            pool = torch.cuda.graph_pool_handle()
            done = False

            def capture() -> Replay:
                nonlocal done
                graph = torch.cuda.CUDAGraph()
                # What other threads of the caller do on the device is no part of it.
                with torch.cuda.graph(
                    graph, pool=pool, stream=self._stream, capture_error_mode="thread_local"
                ):
                    work()
                done = True
                return graph.replay

            def restore() -> None:
                torch.cuda.set_stream(present)
                if not done:
                    self._leave_pool(pool)

            return self._captures.attempt(capture, restore)

    def _leave_pool(self, pool: tuple[int, int]) -> None:
        """Have the allocator serve others again: a capture that broke off may not have told it."""
        leave = getattr(torch._C, "_cuda_endAllocateToPool", None)
        if leave is not None:
            with contextlib.suppress(RuntimeError):  # it knew
                leave(torch.cuda.current_device(), pool)


class RecordedSteps:
    """Gathering, gradient and update of batches, recorded before the first of them counts.

    A recording has `AT_ONCE` steps, another one a single step for what is left over. Each step has
    its row in tables of sample numbers and of the optimiser's pace, which are written before a
    replay; losses are summed on the device, and nothing waits for it. The samples must be resident
    there, and engine and optimiser must use the same memory at every step.
    """

    def __init__(
        self,
        gather: Callable[[Tensor], Batch],
        engine: Engine,
        adam: Adam,
        indices: Tensor,
        recorder: Recorder,
        at_once: int = AT_ONCE,
    ) -> None:
        """Record steps on sample numbers of the shape and on the device of `indices`.

        They are rehearsed at rates of zero, and what that changes is put back.

        Raises torch.OutOfMemoryError where the device has no room to take a step.
        """
        self._gather = gather
        self._engine = engine
        self._adam = adam
        self._recorder = recorder
        members = len(engine.gradient)
        self._indices = torch.zeros((at_once, *indices.shape), dtype=indices.dtype).to(
            indices.device
        )
        self._paces = torch.zeros((at_once, 2, members, 1), device=engine.gradient.device)
        self._losses = torch.zeros(members, device=engine.gradient.device)
        self._replays: dict[int, Replay] = {}
        self.failure: str | None = None
        """Why steps are launched one by one, None if they are not."""
        self.taken = 0
        """Steps of the last call that were taken."""
        self._rehearse()

    def take(self, indices: Tensor, factors: Tensor) -> Tensor:
        """Take steps on samples (steps, ...) at factors (steps, members), float64 on the CPU.

        Returns the sums of the losses before the steps (members,). Where the device lacks memory
        for a step that is not recorded, torch.OutOfMemoryError is raised, and `sums` has those of
        the steps that were taken.
        """
        self._losses.zero_()
        self.taken, steps = 0, len(indices)
        most = max(self._replays, default=len(self._indices))
        while self.taken < steps:
            count = most if steps - self.taken >= most else 1
            part = slice(self.taken, self.taken + count)
            self._indices[:count].copy_(indices[part], non_blocking=True)
            paces = self._adam.paces(factors[part])[..., None]
            self._paces[:count].copy_(sent(paces, self._paces.device))
            if self._replays:
                self._replays[count]()
                self._count(count)
            else:
                for number in range(count):
                    self._recorder.rehearse(partial(self._step, number))
                    self._count(1)
        return self.sums

    @property
    def sums(self) -> Tensor:
        """The members' losses of the last call's steps, summed (members,)."""
        return self._losses.clone()

    def _count(self, steps: int) -> None:
        self._adam.steps += steps
        self.taken += steps

    def _rehearse(self) -> None:
        """Take steps at rates of zero, record, and put back what has changed."""
        changed: Sequence[Tensor] = (self._adam.values, *self._adam.averages)
        kept = [each.clone() for each in changed]
        try:
            for _ in range(REHEARSALS):
                self._recorder.rehearse(partial(self._step, 0))
            for count in dict.fromkeys((len(self._indices), 1)):
                self._replays[count] = self._recorder.record(partial(self._all, count))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self._replays = {}
            self.failure = reason_of(error)
        finally:
            for each, before in zip(changed, kept, strict=True):
                each.copy_(before)

    def _all(self, count: int) -> None:
        for number in range(count):
            self._step(number)

    def _step(self, number: int) -> None:
        self._losses += self._engine.step(self._gather(self._indices[number]))
        self._adam.apply(self._engine.gradient, self._paces[number])
