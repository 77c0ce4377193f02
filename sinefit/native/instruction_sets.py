"""What the arithmetic in C is written in, and which of it this machine has."""

from __future__ import annotations

import functools
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from sinefit.native.library import load_small_networks
from sinefit.processor.capability import Capability, allows, processor_limit

if TYPE_CHECKING:
    import ctypes


class InstructionSet(IntEnum):
    """Vectors or tiles; how the factors of the hidden layers' products are taken, all else float32.

    Sums are float32 in all of them, and so are the first layer, the last and all phases.
    """

    BASE = 0
    """What every processor of its kind has: 4 floats at once, NEON on 64-bit ARM."""
    AVX2 = 1
    """8 floats at once."""
    AVX512 = 2
    """16 floats at once."""
    AVX512_BF16 = 3
    """32 values of bfloat16 at once."""
    AMX = 4
    """Tiles of bfloat16."""
    AMX_SPLIT = 5
    """The same, each factor the sum of two values of bfloat16, which together keep 16 bits: results
    are within about 1e-5 of float32's."""


FLOAT32_SETS: Final = (InstructionSet.BASE, InstructionSet.AVX2, InstructionSet.AVX512)
_NEEDS: Final = {
    InstructionSet.AVX2: Capability.AVX2,
    InstructionSet.AVX512: Capability.AVX512,
    InstructionSet.AVX512_BF16: Capability.AVX512_BF16,
    InstructionSet.AMX: Capability.AMX,
    InstructionSet.AMX_SPLIT: Capability.AMX,
}
_BLOCK: Final = 32
"""Widths that sets of bfloat16 serve are multiples of this."""


def instruction_sets() -> tuple[InstructionSet, ...]:
    """Return what this processor has and may be used for, by their numbers; none without C."""
    if not processor_limit().compiled:
        return ()
    return tuple(
        one for one in InstructionSet if (one not in _NEEDS or allows(_NEEDS[one])) and _offers(one)
    )


@functools.cache
def _offers(instructions: InstructionSet) -> bool:
    """Tell whether the processor has a set; asking it for tile registers takes its time."""
    library = load_small_networks()
    return library is not None and bool(library.sinefit_small_offers(instructions))


def serves(instructions: InstructionSet, width: int) -> bool:
    """Tell whether a set takes networks of a width, given that the machine has it."""
    return instructions in FLOAT32_SETS or width % _BLOCK == 0


def tiles_supported(width: int) -> bool:
    """Tell whether this machine can run a network of a width on tile registers."""
    return width % _BLOCK == 0 and InstructionSet.AMX in instruction_sets()


def float32_set() -> InstructionSet | None:
    """Return the fastest set of float32, None without C."""
    return max((one for one in instruction_sets() if one in FLOAT32_SETS), default=None)


def bfloat16_set(width: int) -> InstructionSet | None:
    """Return the fastest set of bfloat16 if it is faster than float32 here, None otherwise.

    Tiles always are. By vectors AMD's processors (Zen 4 and later) add twice as many products of
    bfloat16 as of float32, Intel's half as many: it goes by who has made the processor.
    """
    if tiles_supported(width):
        return InstructionSet.AMX
    if width % _BLOCK or InstructionSet.AVX512_BF16 not in instruction_sets():
        return None
    library = load_small_networks()
    prefers = library is not None and library.sinefit_prefers_bf16()
    return InstructionSet.AVX512_BF16 if prefers else None


def chosen(instructions: InstructionSet | None, width: int) -> tuple[ctypes.CDLL, InstructionSet]:
    """Return the compiled part and what to use of it: the fastest of float32 unless it is told.

    Raises ValueError for what this machine does not have, or not for this width.
    """
    library = load_small_networks()
    found = float32_set() if instructions is None else instructions
    if library is None or found not in instruction_sets() or not serves(found, width):
        raise ValueError("this machine has no such instructions, or no compiled part")
    return library, found
