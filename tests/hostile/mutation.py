"""Damage by rule: the same seed and content always give the same damaged copies."""

from __future__ import annotations

import itertools
import random
import struct
from typing import TYPE_CHECKING

from .checksums import repair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEAD = 256
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**62)


def mutants(seed: int, content: bytes) -> Iterator[bytes]:
    """Endless damaged copies of `content`, each with one to three kinds of damage."""
    for number in itertools.count():
        chance = random.Random(f"{seed} {number} {len(content)}")
        mutant = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 3))):
            chance.choice(DAMAGES)(mutant, chance)
        # A checksum would end most readers before they meet the damage.
        yield repair(bytes(mutant)) if chance.random() < 0.7 else bytes(mutant)


def flip_bits(content: bytearray, chance: random.Random) -> None:
    """Flip one to eight bits, at most one per byte place drawn."""
    for _ in range(chance.randint(1, 8)):
        if content:
            content[_place(content, chance)] ^= 1 << chance.randrange(8)


def set_bytes(content: bytearray, chance: random.Random) -> None:
    """Overwrite a run of bytes with one extreme value."""
    if content:
        start = _place(content, chance)
        run = content[start : start + chance.choice((1, 2, 4, 16))]
        content[start : start + len(run)] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF))]) * len(
            run
        )


def truncate(content: bytearray, chance: random.Random) -> None:
    """Cut the end off."""
    del content[chance.randint(0, len(content)) :]


def insert(content: bytearray, chance: random.Random) -> None:
    """Put a run of zeros, of noise or of the content itself somewhere."""
    length = chance.choice((1, 2, 7, 64, 300))
    start = chance.randint(0, len(content))
    run = chance.choice((bytes(length), chance.randbytes(length), content[start : start + length]))
    place = chance.randint(0, len(content))
    content[place:place] = run


def delete(content: bytearray, chance: random.Random) -> None:
    """Take a run out."""
    if content:
        start = _place(content, chance)
        del content[start : start + chance.choice((1, 2, 4, 30, 200))]


def swap_blocks(content: bytearray, chance: random.Random) -> None:
    """Exchange two runs of equal length."""
    length = chance.choice((1, 2, 4, 8, 40))
    if len(content) >= 2 * length:
        first = chance.randint(0, len(content) - 2 * length)
        second = chance.randint(first + length, len(content) - length)
        one, other = slice(first, first + length), slice(second, second + length)
        content[one], content[other] = content[other], content[one]


def edit_number(content: bytearray, chance: random.Random) -> None:
    """Read some bytes as a number, a length may be, and write another in its place."""
    code = chance.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    size = struct.calcsize(code)
    if len(content) < size:
        return
    start = min(_place(content, chance), len(content) - size)
    (old,) = struct.unpack_from(code, content, start)
    new = chance.choice((old + 1, old - 1, 2 * old, old // 2, -old, *_EXTREMES))
    struct.pack_into(code, content, start, new % 2 ** (8 * size))


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits,
    set_bytes,
    truncate,
    insert,
    delete,
    swap_blocks,
    edit_number,
    edit_number,
)


def _place(content: bytearray, chance: random.Random) -> int:
    """A place in the content, half of the time near its start, where headers are."""
    end = len(content) if chance.random() < 0.5 else min(_HEAD, len(content))
    return chance.randrange(end)
