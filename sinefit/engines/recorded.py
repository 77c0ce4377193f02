"""A training step that the device repeats from a recording, without a launch per operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.engines.engine import Engine
    from sinefit.engines.objective import Batch

REHEARSALS: Final = 3
"""Steps taken launch by launch before one is recorded: the first ones compile and allocate."""


class Recorder(Protocol):
    """Runs and records work on a device."""

    def rehearse(self, work: Callable[[], None]) -> None:
        """Do the work now, as it will be recorded."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return what repeats the work; nothing is done yet. Raises RuntimeError if it cannot."""


class CudaRecorder:
    """Records into a CUDA graph."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
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

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return the replay of a graph of the work."""
        with torch.cuda.device(self._device):
            graph = torch.cuda.CUDAGraph()
            # What other threads of the caller do on the device is no part of it.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                work()
        return graph.replay


class RecordedStep:
    """Gathering, gradient and update of a batch: a few times as they are, then as a recording.

    Between two steps only the sample numbers and the optimiser's pace are written to the device,
    and nothing waits for it. The samples must be resident there, and engine and optimiser must use
    the same memory at every step.
    """

    def __init__(
        self,
        gather: Callable[[Tensor], Batch],
        engine: Engine,
        adam: Adam,
        indices: Tensor,
        recorder: Recorder,
    ) -> None:
        """Prepare for sample numbers of the shape and on the device of `indices`."""
        self._gather = gather
        self._engine = engine
        self._adam = adam
        self._recorder = recorder
        self._indices = torch.zeros_like(indices)
        self._losses = torch.zeros(len(engine.gradient), device=indices.device)
        self._rehearsals = 0
        self._replay: Callable[[], None] | None = None
        self.failure: str | None = None
        """Why steps are launched one by one, None as long as they are not."""

    def __call__(self, indices: Tensor, factors: Sequence[float]) -> Tensor:
        """Take one step on these samples; return the losses before it (members,)."""
        self._indices.copy_(indices)
        self._adam.prepare(factors)
        if self._replay is None and self.failure is None and self._rehearsals >= REHEARSALS:
            try:
                self._replay = self._recorder.record(self._work)
            except RuntimeError as error:
                self.failure = " ".join(str(error).split()) or type(error).__name__
        if self._replay is not None:
            self._replay()
        else:
            self._recorder.rehearse(self._work)
            self._rehearsals += 1
        return self._losses.clone()

    def _work(self) -> None:
        self._losses.copy_(self._engine.step(self._gather(self._indices)))
        self._adam.apply(self._engine.gradient)
