"""Triton's kernels on the CPU, by its interpreter."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from sinefit import engines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

KERNELS = ("kernels", "triton_stages", "block_kernels", "block_training")
"""The modules that import Triton."""


@contextlib.contextmanager
def interpreted(name: str) -> Iterator[ModuleType]:
    """A module of `sinefit.engines` all of whose kernels are interpreted; skips without Triton.

    Triton decides when a kernel is defined whether it is compiled or interpreted, its own in
    `triton.language` among them, and PyTorch may have loaded it before. So it is loaded afresh, but
    for its part in C++, and what others have loaded is put back.
    """
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        for each in _loaded():
            patch.delitem(sys.modules, each)
        for each in KERNELS:
            patch.delattr(engines, each, raising=False)
        yield importlib.import_module(f"sinefit.engines.{name}")
        for each in _loaded():  # others must not find the interpreted ones
            del sys.modules[each]
        for each in KERNELS:
            vars(engines).pop(each, None)


def _loaded() -> list[str]:
    """The names of the modules that define kernels, and are loaded."""
    kernels = {f"sinefit.engines.{each}" for each in KERNELS}
    return [
        name
        for name in sys.modules
        if name in kernels or (name.partition(".")[0] == "triton" and "._C" not in name)
    ]
