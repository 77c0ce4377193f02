"""From values on a device to arrays of samples: rounded there, and sent while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.signals.signal import SignalSpec

HOST_PIECE: Final = 2**18
"""Samples that the host converts at a time, by way of float64."""


@dataclass(frozen=True)
class Conversion:
    """What becomes of a field's values (..., channels)."""

    dtype: np.dtype[Any]
    on_host: Callable[[NDArray[np.float32]], NDArray[Any]]
    on_device: Callable[[Tensor], Tensor] | None = None
    """The same where the values are computed, None where that would gain nothing."""

    @staticmethod
    def storing(spec: SignalSpec) -> Conversion:
        """Return that to samples as a file of such signals holds them, see `SignalSpec.store`."""
        dtype = np.dtype(spec.dtype)

        def store_bytes(values: Tensor) -> Tensor:
            return stored_bytes(values, spec)

        return Conversion(dtype, spec.store, store_bytes if dtype == np.uint8 else None)


VALUES: Final = Conversion(np.dtype(np.float32), lambda values: values)
"""None: the values as they are."""


def stored_bytes(values: Tensor, spec: SignalSpec) -> Tensor:
    """Return what `SignalSpec.store` does of samples of 8 bits, by the same operations in float64.

    So the bytes are the same, of which a quarter of the values' own need be sent.
    """
    scale = (spec.high - spec.low) / spec.target_range
    physical = values.double().sub_(spec.target_low).mul_(scale).add_(spec.low)
    return physical.round_().clamp_(0.0, 255.0).to(torch.uint8)


class Copies(Protocol):
    """Brings tensors of a device to the host."""

    def begin(self, values: Tensor) -> Callable[[], NDArray[Any]]:
        """Return what waits for the copy and returns it; it holds until the next but one begins."""


class PinnedCopies:
    """Copies into two buffers in turn that a CUDA device writes to by itself."""

    def __init__(self) -> None:
        self._buffers: list[Tensor | None] = [None, None]
        self._events = [torch.cuda.Event() for _ in self._buffers]  # type: ignore[no-untyped-call]
        self._next = 0

    def begin(self, values: Tensor) -> Callable[[], NDArray[Any]]:
        """Begin a copy behind what the device has been told to do."""
        turn, self._next = self._next, 1 - self._next
        buffer = self._buffers[turn]
        if buffer is None or buffer.numel() < values.numel() or buffer.dtype != values.dtype:
            buffer = torch.empty(values.numel(), dtype=values.dtype, pin_memory=True)
            self._buffers[turn] = buffer
        place = buffer[: values.numel()].view(values.shape)
        event = self._events[turn]
        with torch.cuda.device(values.device):
            place.copy_(values, non_blocking=True)
            event.record()

        def wait() -> NDArray[Any]:
            event.synchronize()
            return place.numpy()

        return wait


def delivered(
    tensors: Iterable[Tensor], conversion: Conversion, copies: Copies | None
) -> Iterator[NDArray[Any]]:
    """Yield each tensor of values (..., channels) as an array of converted samples.

    With `copies` the device is told to compute the next tensor before the last one is waited for;
    an array then holds until the next is asked for. Without, each is computed when it is due.
    """
    if copies is None:
        for values in tensors:
            array = _on_host(values.cpu().numpy(), conversion)
            del values  # before there is another one
            yield array
            del array
        return
    on_device = conversion.on_device
    waiting: Callable[[], NDArray[Any]] | None = None
    for values in tensors:
        begun = copies.begin(values if on_device is None else on_device(values))
        if waiting is not None:
            yield _finished(waiting(), conversion)
        waiting = begun
    if waiting is not None:
        yield _finished(waiting(), conversion)


def copies_for(device: torch.device) -> Copies | None:
    """Return what brings values of a device to the host while it goes on, None where nothing."""
    return PinnedCopies() if device.type == "cuda" else None


def _finished(array: NDArray[Any], conversion: Conversion) -> NDArray[Any]:
    if conversion.on_device is not None:
        return array
    # Not what the buffer holds itself, which is written again.
    return _on_host(array, conversion) if conversion is not VALUES else array


def _on_host(values: NDArray[np.float32], conversion: Conversion) -> NDArray[Any]:
    """Return values converted by parts, without copies of all of them."""
    if conversion is VALUES:
        return values
    flat = values.reshape(-1, values.shape[-1])
    piece = np.empty(flat.shape, conversion.dtype)
    for begin in range(0, len(flat), HOST_PIECE):
        part = slice(begin, begin + HOST_PIECE)
        piece[part] = conversion.on_host(flat[part])
    return piece.reshape(values.shape)
