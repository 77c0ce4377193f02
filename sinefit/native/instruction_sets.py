"""What the arithmetic in C is written in, and which of it this machine has."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from sinefit.native.library import load_small_networks
from sinefit.processor.capability import Capability, allows, processor_limit

if TYPE_CHECKING:
    import ctypes


class InstructionSet(IntEnum):
    """Vectors of floats; all arithmetic is float32 throughout."""

    BASE = 0
    """What every processor of its kind has: 4 floats at once, NEON on 64-bit ARM."""
    AVX2 = 1
    """8 floats at once."""
    AVX512 = 2
    """16 floats at once."""


_NEEDS: Final = {
    InstructionSet.AVX2: Capability.AVX2,
    InstructionSet.AVX512: Capability.AVX512,
}


def instruction_sets() -> tuple[InstructionSet, ...]:
    """Return what this processor has and may be used for, the slowest first; none without C."""
    library = load_small_networks() if processor_limit().compiled else None
    if library is None:
        return ()
    return tuple(
        one
        for one in InstructionSet
        if library.sinefit_small_offers(one) and (one not in _NEEDS or allows(_NEEDS[one]))
    )


def chosen(instructions: InstructionSet | None) -> tuple[ctypes.CDLL, InstructionSet]:
    """Return the compiled part and what to use of it: the fastest unless it is told.

    Raises ValueError for what this machine does not have.
    """
    offered = instruction_sets()
    library = load_small_networks()
    if library is None or not offered or (instructions or offered[0]) not in offered:
        raise ValueError("this machine has no such instructions, or no compiled part")
    return library, offered[-1] if instructions is None else instructions
