"""The engines by name, the fastest first."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.engines.blocks import BLOCKS
from sinefit.engines.cuda import CUDA
from sinefit.engines.engine import Wanting
from sinefit.engines.native import NATIVE
from sinefit.engines.reference import REFERENCE
from sinefit.engines.small_networks import SMALL_NETWORKS
from sinefit.engines.torch_engine import TORCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.engines.engine import EngineKind, Precision, Work

_KINDS: tuple[EngineKind, ...] = (CUDA, BLOCKS, NATIVE, SMALL_NETWORKS, TORCH, REFERENCE)
_WANTING = tuple(kind for kind in _KINDS if isinstance(kind, Wanting))
"""Looked up once: whether an object meets a protocol takes long to tell."""

ENGINES: Mapping[str, EngineKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""Every engine by its name. The last can do any work."""


def choose_engine(work: Work, precision: Precision | None = None) -> EngineKind:
    """Return the fastest engine that can do a work on this machine, in a precision if it matters.

    The last of them does any, in the precision of its type.
    """
    able = (kind for kind in _KINDS if kind.precisions(work))
    return next(kind for kind in able if precision in (None, *kind.precisions(work)))


def shortfalls(work: Work) -> list[str]:
    """Return what this machine lacks for the fastest way to do a work, a sentence each."""
    told = [kind.shortfall(work) for kind in _WANTING]
    return [sentence for sentence in told if sentence is not None]


def piece_size(device_type: str) -> int:
    """Return how many samples a device works on at a time: as many as its caches hold.

    On CUDA a layer's phases, sines and cosines of a usual width then stay in the second cache.
    """
    return {"cpu": 2**12, "cuda": 2**14}.get(device_type, 2**17)
