"""Loading the compiled parts, which need not be there."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_POINTER: Final = ctypes.c_void_p
_INT: Final = ctypes.c_int
_LONG: Final = ctypes.c_long
_DOUBLE: Final = ctypes.c_double
_Signatures = dict[str, tuple[Any, list[Any]]]
_SMALL_NETWORKS: Final[_Signatures] = {
    "sinefit_small_offers": (_INT, [_INT]),
    "sinefit_prefers_bf16": (_INT, []),
    "sinefit_peak_products": (_DOUBLE, [_INT, _LONG]),
    "sinefit_peak_sines": (_DOUBLE, [_INT, _LONG]),
    "sinefit_stack_train": (
        _INT,
        [_INT] * 5
        + [_LONG, _INT]
        + [_POINTER] * 3  # values and Adam's averages
        + [_POINTER, _LONG] * 2  # rates and bounds
        + [_POINTER] * 2  # samples and their counts
        + [_POINTER, _LONG, _POINTER, ctypes.c_int64]  # indices, or seeds and the first sample
        + [_POINTER, _LONG, _LONG, _LONG]  # offsets, steps, batch, points
        + [_POINTER, _LONG, _POINTER]  # factors, steps taken
        + [_DOUBLE] * 3
        + [_POINTER],
    ),
    "sinefit_small_evaluate": (
        _INT,
        [_INT] * 5 + [_LONG, _INT] + [_POINTER] * 2 + [_LONG, _POINTER],
    ),
    "sinefit_one_open": (_POINTER, [_INT] * 7),
    "sinefit_one_close": (None, [_POINTER]),
    "sinefit_one_bytes": (ctypes.c_size_t, [_POINTER]),
    "sinefit_one_gradient": (_DOUBLE, [_POINTER] * 4 + [_LONG, _POINTER]),
    "sinefit_small_update": (None, [_INT, _LONG, _LONG] + [_POINTER] * 7 + [_DOUBLE] * 3),
}


@functools.cache
def load_small_networks() -> ctypes.CDLL | None:
    """Return the library of small networks, or None where it was not built."""
    return _open("_small_networks", _SMALL_NETWORKS)


def _open(name: str, signatures: Mapping[str, tuple[Any, list[Any]]]) -> ctypes.CDLL | None:
    """Open a library that was built beside this file.

    A build that fails, on a machine without a C compiler or of another kind, leaves a sinefit that
    works without it.
    """
    path = Path(__file__).with_name(f"{name}.so")
    try:
        library = ctypes.CDLL(str(path))
        for function_name, (result, arguments) in signatures.items():
            function = getattr(library, function_name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):  # there is none, or one of another machine or version
        return None
    return library
