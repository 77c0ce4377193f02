from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.errors import SettingError
from sinefit.native.instruction_sets import tiles_supported
from sinefit.processor.capability import (
    Capability,
    ProcessorLimit,
    allows,
    limit_processor,
    parse_limit,
    processor_limit,
)
from sinefit.processor.products import bfloat16_products

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.processor


@pytest.fixture(autouse=True)
def _limit_put_back() -> Iterator[None]:
    before = processor_limit()
    yield
    limit_processor(before)


@pytest.mark.parametrize("capability", Capability)
def test_a_limit_allows_what_is_below_it(capability: Capability) -> None:
    limit = parse_limit(capability.name.lower())
    assert limit == ProcessorLimit(capability, compiled=True)
    limit_processor(limit)
    for other in Capability:
        assert allows(other) == (other <= capability)
        assert allows(other, compiled=True) == (other <= capability)


def test_torch_alone() -> None:
    limit = parse_limit("amx:torch")
    assert limit == ProcessorLimit(Capability.AMX, compiled=False)
    limit_processor(limit)
    assert allows(Capability.AMX)
    assert not allows(Capability.AMX, compiled=True)
    assert not tiles_supported(32)


@pytest.mark.parametrize("text", ["", "AMX", "sse", "amx:", "amx:c", "torch", ":torch", "avx2 "])
def test_other_limits_are_errors_that_say_what_there_is(text: str) -> None:
    with pytest.raises(SettingError, match="use avx2, avx512, avx512_bf16, amx"):
        parse_limit(text)


def test_below_tile_registers_nothing_is_rounded_or_compiled() -> None:
    limit_processor(ProcessorLimit(Capability.AVX512_BF16))
    assert not bfloat16_products()
    assert not tiles_supported(32)


def test_the_libraries_below_are_limited_only_where_there_is_a_limit() -> None:
    assert ProcessorLimit().variables() == {}
    assert parse_limit("amx:torch").variables() == {}
    assert parse_limit("avx2").variables() == {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    }
    names = [set(ProcessorLimit(one).variables()) for one in list(Capability)[:-1]]
    assert all(found == names[0] for found in names)
