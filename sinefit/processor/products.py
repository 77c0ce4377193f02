"""How torch multiplies float32 matrices on the CPU: exactly, or with factors rounded to bfloat16.

torch has one setting for this in the whole process, while fits may run in several threads: whoever
multiplies takes a turn, together with those who want the same, and the last of them to leave puts
the setting back as it was.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

import torch

from sinefit.processor.capability import Capability, allows

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXACT: Final = ("none", "ieee")
"""Values of torch's setting that round nothing."""
_PROBED: Final = 64
"""Rows and columns of the matrices that are tried: torch leaves tiny ones as they are."""


class _Turns:
    """Lets any number of threads in that want one setting, and those who want another after them.

    They come in in the order in which they asked, so that no setting keeps out another for good.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()
        self._inside = 0
        self._rounded = False
        self._before = ""

    def enter(self, *, rounded: bool) -> None:
        with self._changed:
            if self._queue or (self._inside and self._rounded != rounded):
                self._wait(rounded)
            if not self._inside:
                self._begin(rounded)
            self._inside += 1

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            if not self._inside:
                self._end()
                self._changed.notify_all()

    def _wait(self, rounded: bool) -> None:
        ticket = object()

        def invited() -> bool:
            return self._queue[0] is ticket and (not self._inside or self._rounded == rounded)

        self._queue.append(ticket)
        try:
            self._changed.wait_for(invited)
        finally:
            self._queue.remove(ticket)
            self._changed.notify_all()

    def _begin(self, rounded: bool) -> None:
        settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
        self._rounded = rounded
        self._before = settings.fp32_precision
        if rounded or self._before not in _EXACT:
            settings.fp32_precision = "bf16" if rounded else "ieee"

    def _end(self) -> None:
        if not self._rounded and self._before in _EXACT:
            return
        # What is read may be the value of a wider setting, which must go on to decide.
        inherited = self._before == torch.backends.mkldnn.fp32_precision
        settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
        settings.fp32_precision = "none" if inherited else self._before


_turns = _Turns()


@contextlib.contextmanager
def products_of(operands: torch.dtype) -> Iterator[None]:
    """Multiply float32 matrices on the CPU by factors of this type in a block.

    With bfloat16 the factors are rounded to it, and summed to a float32 result, where
    `bfloat16_products` tells that the machine does so; with float32 nothing is rounded, whatever
    the caller allows. Blocks of one thread must not lie within one another.
    """
    _turns.enter(rounded=operands == torch.bfloat16)
    try:
        yield
    finally:
        _turns.leave()


def bfloat16_products() -> bool:
    """Tell whether this machine has products of float32 matrices with factors in bfloat16.

    torch takes them where they are faster, by tile registers for one; elsewhere it multiplies in
    float32 whatever is asked for.
    """
    return allows(Capability.AMX) and _factors_get_rounded()


@functools.cache
def _factors_get_rounded() -> bool:
    """Try it: 1 + 2^-9 is 1 in bfloat16, so that only rounded factors have this product."""
    factor = torch.full((_PROBED, _PROBED), 1 + 2.0**-9)
    with products_of(torch.bfloat16):
        product = factor @ factor
    return bool((product == _PROBED).all())
