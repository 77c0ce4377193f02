"""How many pages a TIFF has: its chain of directories followed by their lengths alone.

Pillow reads every directory and compares its place with those of all before it, which takes hours
for a file of many small ones. (Adobe, TIFF Revision 6.0, section 2)
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

MOST_PAGES: Final = 2**14
"""Pages that are counted."""

# Version in the header -> place of the first offset; codes of an offset and of the number of
# entries; bytes of an entry.
_LAYOUTS: Final = {42: (4, "I", "H", 12), 43: (8, "Q", "Q", 20)}


def count_pages(file: BinaryIO) -> int:
    """Return the number of directories in an open TIFF file, at most MOST_PAGES.

    It is 0 for what is no TIFF. The chain ends where it leaves the file or comes round.
    """
    file.seek(0)
    header = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(header[:2])
    if order is None or len(header) < 16:
        return 0
    layout = _LAYOUTS.get(struct.unpack(order + "H", header[2:4])[0])
    if layout is None:
        return 0
    first, offset_code, count_code, entry_bytes = layout
    (place,) = struct.unpack_from(order + offset_code, header, first)
    seen: set[int] = set()
    while place and place not in seen and len(seen) < MOST_PAGES:
        count = _number(file, place, order + count_code)
        if count is None:
            break
        seen.add(place)
        end = place + struct.calcsize(order + count_code) + count * entry_bytes
        place = _number(file, end, order + offset_code) or 0
    return len(seen)


def _number(file: BinaryIO, place: int, code: str) -> int | None:
    """Read one number at a place, None where the file has ended."""
    size = struct.calcsize(code)
    if place >= 2**63 - size:
        return None
    file.seek(place)
    content = file.read(size)
    return struct.unpack(code, content)[0] if len(content) == size else None
