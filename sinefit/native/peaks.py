"""What a core does at best by each instruction set, in calls that are to be timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.native.instruction_sets import chosen

if TYPE_CHECKING:
    from sinefit.native.instruction_sets import InstructionSet

_ANY_WIDTH = 32


def multiply_in_registers(instructions: InstructionSet, rounds: int) -> float:
    """Multiply and add as fast as the calling thread can; return how many of both it were.

    Of a set whose factors are two values of bfloat16 it counts the products of single values.
    """
    library, number = chosen(instructions, _ANY_WIDTH)
    done: float = library.sinefit_peak_products(number, rounds)
    return done


def take_sines(instructions: InstructionSet, rounds: int) -> float:
    """Take sine and cosine of phases in cache, as the set does; return of how many phases."""
    library, number = chosen(instructions, _ANY_WIDTH)
    done: float = library.sinefit_peak_sines(number, rounds)
    return done
