"""System calls that the kernel refuses, as file systems do that lack them or disks that fail.

A seccomp filter holds for the thread that installs it and cannot be lifted, so what is to meet
the refusals runs in a thread of its own. (seccomp(2), Linux only)
"""

from __future__ import annotations

import contextlib
import ctypes
import platform
import resource
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Refusals = Mapping[str, int]

Result = TypeVar("Result")

NUMBERS: Final[Mapping[str, Mapping[str, tuple[int, ...]]]] = {
    "x86_64": {
        "chmod": (90, 91, 268, 452),
        "chown": (92, 93, 94, 260),
        "fallocate": (285,),
        "flock": (73,),
        "fsync": (74,),
        "link": (86, 265),
        "open": (2, 257),
        "load": (2, 99, 257),
        "rename": (82, 264, 316),
        "unlink": (87, 263),
    },
    "aarch64": {
        "chmod": (52, 53, 452),
        "chown": (54, 55),
        "fallocate": (47,),
        "flock": (32,),
        "fsync": (82,),
        "link": (37,),
        "open": (56,),
        "load": (56, 179),
        "rename": (38, 276),
        "unlink": (35,),
    },
}
"""The kernel's numbers of all the calls that do one thing, by processor."""

_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000


def under_refusals(refusals: Refusals, action: Callable[[], Result]) -> Result:
    """Return what `action` does where calls, by a name in `NUMBERS`, fail with an error number."""
    known = NUMBERS.get(platform.machine())
    if sys.platform != "linux" or known is None:
        pytest.skip("the kernel here is not asked to refuse calls")
    codes = {number: code for name, code in refusals.items() for number in known[name]}
    with ThreadPoolExecutor(1) as pool:
        if not pool.submit(_install, codes).result():
            pytest.skip("the system does not let a thread refuse itself calls")
        return pool.submit(action).result()


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: what exceeds them meets a file too large."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _install(codes: Mapping[int, int]) -> bool:
    """Let these system calls of the present thread fail from now on; tell whether they will."""
    program = [(_LOAD, 0, 0, 0)]
    for number, code in codes.items():
        program += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _FAIL | code)]
    program.append((_RETURN, 0, 0, _ALLOW))
    words = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *word) for word in program))
    described = struct.pack("HxxxxxxP", len(program), ctypes.addressof(words))
    control = ctypes.CDLL(None).prctl
    zero = ctypes.c_ulong(0)
    return not (
        control(_SET_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero)
        or control(_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), described, zero, zero)
    )
