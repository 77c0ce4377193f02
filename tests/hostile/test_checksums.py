from __future__ import annotations

import pytest

from .checksums import repair
from .specimens import specimen
from .watching import read_damaged


@pytest.mark.parametrize("name", ["png", "png-animated", "ogg", "ogg-opus", "wav", "flac"])
def test_right_checksums_stay(name: str) -> None:
    assert repair(specimen(name)) == specimen(name)


def test_a_damaged_chunk_gets_its_checksum() -> None:
    damaged = bytearray(specimen("png"))
    damaged[18] ^= 4  # the width, in the header's chunk
    repaired = repair(bytes(damaged))
    assert repaired[:29] == bytes(damaged[:29])
    assert repaired[29:33] != bytes(damaged[29:33])
    assert repaired[33:] == bytes(damaged[33:])


def test_a_damaged_page_is_read_once_its_checksum_is_right() -> None:
    damaged = bytearray(specimen("ogg"))
    place = (
        damaged.index(b"\x01vorbis") + 16
    )  # the upper limit of the bit rate, not used in reading
    damaged[place] ^= 1
    assert read_damaged(bytes(damaged)) == "refused"
    assert read_damaged(repair(bytes(damaged))) == "read"


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"OggS"])
@pytest.mark.parametrize("rest", [b"", bytes(3), b"\xff" * 40])
def test_lengths_that_lead_nowhere_are_left(start: bytes, rest: bytes) -> None:
    assert len(repair(start + rest)) == len(start + rest)
