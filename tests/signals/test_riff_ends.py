from __future__ import annotations

import struct

import pytest

from sinefit.signals.riff_ends import find_cut_list


def riff(content: bytes, claimed: int | None = None) -> bytes:
    length = len(content) if claimed is None else claimed
    return b"RIFF" + struct.pack("<I", length) + content + bytes(len(content) % 2)


@pytest.mark.parametrize(
    "content",
    [
        riff(b"AVI " + bytes(40)),
        riff(b"AVI " + bytes(40)) + riff(b"AVIX" + bytes(20)),
        riff(b"AVI " + bytes(41)) + riff(b"AVIX" + bytes(20)) + b"what follows",
        riff(b"AVI " + bytes(40), 0),
        riff(b"AVI " + bytes(40), 2**32 - 1),
        b"",
        b"something else",
    ],
)
def test_what_is_whole_or_no_list(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert find_cut_list(tmp_path / "a") is None


@pytest.mark.parametrize("missing", [1, 7, 30])
def test_what_is_missing_is_counted(tmp_path, missing):
    content = riff(b"AVI " + bytes(40)) + riff(b"AVIX" + bytes(36))
    (tmp_path / "a").write_bytes(content[:-missing])
    assert find_cut_list(tmp_path / "a") == f"{missing} of its bytes are missing"
