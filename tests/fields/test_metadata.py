from __future__ import annotations

import json
import math
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given

from sinefit.errors import InputError
from sinefit.fields.metadata import MAX_HEADER, is_weights_file, read_header, to_json
from sinefit.fields.weights_file import encode_field
from sinefit.version import __version__

from .making import fields, small_field, with_metadata

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field


@given(fields())
def test_the_header_tells_all_but_the_bytes(field: Field) -> None:
    header = read_header(encode_field(field, torch.bfloat16), "name")
    assert header.size == field.network.size
    assert header.record == field.record
    assert header.storage == "bfloat16"
    assert header.tool_version == __version__
    present = [name for name in ("icc_profile", "soundtrack") if getattr(field.spec, name)]
    assert list(header.byte_tensors) == present
    assert header.spec.shape == field.spec.shape
    assert header.spec.rate == field.spec.rate


def test_the_header_can_be_read_without_torch(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    path.write_bytes(encode_field(small_field()))
    code = (
        "import sys; from pathlib import Path\n"
        "from sinefit.fields.metadata import read_content, read_header\n"
        "header = read_header(read_content(Path(sys.argv[1])), 'name')\n"
        "print(header.spec.kind, header.size.width, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["image", "5", "False"]


def test_a_header_alone_is_enough_for_its_facts() -> None:
    content = encode_field(small_field())
    length = int.from_bytes(content[:8], "little")
    assert read_header(content[: 8 + length], "name").size.width == 5


def test_absurd_sizes_take_no_memory() -> None:
    content = encode_field(small_field())
    for changes in ({"depth": 2**20 - 1}, {"width": 2**20 - 1, "depth": 2**20 - 1}):
        absurd = with_metadata(content, "network", **changes)
        tracemalloc.start()
        try:
            with pytest.raises(InputError):
                read_header(absurd, "name")
            assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
        finally:
            tracemalloc.stop()


def test_telling_weights_files_by_their_first_bytes() -> None:
    assert is_weights_file(encode_field(small_field())[:16])
    assert not is_weights_file(b"")
    assert not is_weights_file(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert not is_weights_file((MAX_HEADER + 1).to_bytes(8, "little") + b"{}")


def test_infinity_is_written_as_a_word() -> None:
    text = to_json({"a": math.inf, "b": -math.inf, "c": 1.5, "d": None, "e": [1, 2]})
    assert json.loads(text, parse_constant=pytest.fail) == {
        "a": "inf",
        "b": "-inf",
        "c": 1.5,
        "d": None,
        "e": [1, 2],
    }


def test_what_is_no_number_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json({"a": math.nan})
