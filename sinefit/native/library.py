"""Loading the compiled part, which need not be there."""

from __future__ import annotations

import ctypes
import functools
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Final

_NAME: Final = "_sine_network"
_POINTER: Final = ctypes.c_void_p
_INT: Final = ctypes.c_int
_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "sinefit_supported": (_INT, []),
    "sinefit_fits": (_INT, [_INT] * 4),
    "sinefit_open": (_POINTER, [_INT] * 7),
    "sinefit_close": (None, [_POINTER]),
    "sinefit_bytes": (ctypes.c_size_t, [_POINTER]),
    "sinefit_load": (None, [_POINTER] * 3),
    "sinefit_train": (
        ctypes.c_double,
        [_POINTER, _POINTER, _POINTER, ctypes.c_long] + [_POINTER] * 2,
    ),
    "sinefit_evaluate": (None, [_POINTER, _POINTER, ctypes.c_long, _POINTER]),
}


@functools.cache
def load_library() -> ctypes.CDLL | None:
    """Return the compiled library, or None where it was not built or the processor is another.

    It is an ordinary shared library under the name of an extension module: a build that fails, on a
    machine without a C compiler or of another kind, leaves a sinefit that works without it.
    """
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(_NAME + suffix)
        if not path.exists():
            continue
        try:
            library = ctypes.CDLL(str(path))
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError):  # built for another machine, or by another version
            return None
        return library if library.sinefit_supported() else None
    return None
