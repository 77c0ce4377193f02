"""Boxes of ISO media files."""

from __future__ import annotations

import struct


def box(kind: bytes, content: bytes) -> bytes:
    """One box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_box(content: bytes, path: list[bytes], replacement: bytes) -> bytes:
    """ISO media boxes with the content of the one at `path` replaced, and all sizes right."""
    result = b""
    start = 0
    while start < len(content):
        size, kind = struct.unpack(">I4s", content[start : start + 8])
        inner = content[start + 8 : start + size]
        if kind == path[0]:
            inner = replacement if len(path) == 1 else with_box(inner, path[1:], replacement)
        result += box(kind, inner)
        start += size
    return result
