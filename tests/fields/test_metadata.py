from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given

from sinefit.errors import InputError
from sinefit.fields.metadata import read_header, to_json
from sinefit.fields.weights_file import encode_field
from sinefit.version import __version__

from .making import field_of_blocks, fields, small_field, take_apart, with_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sinefit.fields.field import Field


@given(fields())
def test_the_header_tells_all_but_the_bytes(field: Field) -> None:
    header = read_header(encode_field(field, torch.bfloat16), "name")
    assert header.family is field.network.family
    assert header.size == field.network.size
    assert header.record == field.record
    assert header.blocks == field.blocks
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
        "from sinefit.fields.metadata import read_file_header\n"
        "header = read_file_header(Path(sys.argv[1]))\n"
        "print(header.spec.kind, header.size.width, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["image", "5", "False"]


def test_a_file_that_is_cut_is_told_from_its_header() -> None:
    content = encode_field(small_field())
    for length in range(len(content)):
        with pytest.raises(InputError, match=r"^name: "):
            read_header(content[:length], "name")
    with pytest.raises(InputError, match="goes on after its tensors"):
        read_header(content + b"x", "name")


@pytest.mark.parametrize(
    "changes", [{"depth": 2**20 - 1}, {"width": 2**20 - 1, "depth": 2**20 - 1}]
)
def test_a_network_of_a_made_up_size_is_refused_without_memory_for_it(
    changes: dict[str, int],
) -> None:
    content = with_metadata(encode_field(small_field()), "network", **changes)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="tensors of its network are missing"):
            read_header(content, "name")
        # Not even the names of so many layers are listed.
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("family", ["wavelet", "", "two\nlines", 5, None, ["sine"], {"sine": 1}])
def test_a_family_that_is_not_known_is_named_in_one_line(family: object) -> None:
    content = with_metadata(encode_field(small_field()), "network", family=family)
    with pytest.raises(InputError) as refused:
        read_header(content, "name.safetensors")
    message = str(refused.value)
    assert message.startswith(f"name.safetensors: its network is of the family {family!r}, which")
    assert message.endswith("use the version of sinefit that wrote it, or a newer one")
    assert "\n" not in message


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


@pytest.mark.parametrize(
    "shape", [[2**39, 2**39], [2**30, 2**30], [10**6, 10**6], [1, 2**39], [2**39, 1]]
)
def test_a_signal_that_no_fit_can_have_had(shape: list[int]) -> None:
    content = with_metadata(encode_field(small_field()), "signal", shape=shape)
    with pytest.raises(InputError, match="description of the signal contradicts itself"):
        read_header(content, "name")


@pytest.mark.parametrize(
    ("dtype", "axis", "fits"),
    [("uint8", 2**37, True), ("float64", 2**37, False), ("uint16", 2**38, False)],
)
def test_the_largest_signal_is_one_of_a_tebibyte(dtype: str, axis: int, fits: bool) -> None:
    content = with_metadata(encode_field(small_field()), "signal", shape=[1, axis], dtype=dtype)
    if fits:
        assert read_header(content, "name").spec.shape == (1, axis)
    else:
        with pytest.raises(InputError, match="contradicts itself"):
            read_header(content, "name")


def test_a_file_that_does_not_tell_what_it_was_measured_on() -> None:
    older = with_metadata(encode_field(small_field()), "fit", psnr_samples=...)
    assert read_header(older, "name").record.psnr_samples == 4 * 6


@pytest.mark.parametrize(
    "changes", [{"psnr_samples": 25}, {"psnr_samples": -1}, {"psnr_samples": 24, "psnr": None}]
)
def test_figures_that_cannot_have_been_measured(changes: dict[str, object]) -> None:
    content = with_metadata(encode_field(small_field()), "fit", **changes)
    with pytest.raises(InputError, match=r"damaged weights file: .*measured"):
        read_header(content, "name")


def test_a_file_that_does_not_tell_how_it_was_trained() -> None:
    keys = {"schedule": ..., "betas": ..., "epsilon": ..., "precision": ...}
    older = with_metadata(encode_field(small_field()), "fit", **keys)
    record = read_header(older, "name").record
    assert (record.schedule, record.betas, record.epsilon) == ("cosine", (0.9, 0.99), None)
    assert record.precision == "auto"


@pytest.mark.parametrize(
    "changes",
    [
        {"betas": [0.9]},
        {"betas": [0.9, 1.0]},
        {"betas": ["x", 0.9]},
        {"epsilon": 0.0},
        {"epsilon": -1},
    ],
)
def test_constants_that_cannot_have_been_adams(changes: dict[str, object]) -> None:
    content = with_metadata(encode_field(small_field()), "fit", **changes)
    with pytest.raises(InputError, match=r"damaged weights file: its (betas|epsilon)"):
        read_header(content, "name")


@pytest.mark.parametrize(
    ("mapping", "version"),
    [({}, "1"), ({"coordinates": "ends"}, "4"), ({"targets": "0,1"}, "4")],
)
@pytest.mark.parametrize("make", [small_field, field_of_blocks])
def test_what_older_releases_would_render_wrongly_they_do_not_read(
    mapping: dict[str, Any], version: str, make: Callable[[], Field]
) -> None:
    field = make()
    mapped = dataclasses.replace(field, spec=dataclasses.replace(field.spec, **mapping))
    header, _ = take_apart(encode_field(mapped))
    metadata = header["__metadata__"]
    several = field.blocks.count > 1
    assert metadata["format_version"] == ("2" if several and not mapping else version)
    kept = json.loads(metadata["signal"])
    # The usual mapping is not named, so that they do read that.
    assert ("coordinates" in kept) == ("targets" in kept) == bool(mapping)
    found = read_header(encode_field(mapped), "name")
    assert (found.spec.coordinates, found.spec.targets) == (
        mapped.spec.coordinates,
        mapped.spec.targets,
    )
    assert found.blocks == field.blocks


@pytest.mark.parametrize("changes", [{"coordinates": "corners"}, {"targets": "0,2"}])
def test_a_mapping_that_is_not_known(changes: dict[str, str]) -> None:
    content = with_metadata(encode_field(small_field()), "signal", **changes)
    with pytest.raises(InputError, match="contradicts itself"):
        read_header(content, "name")
