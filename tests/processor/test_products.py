from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.processor.products import bfloat16_products, products_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.processor


SETTINGS = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
ROUNDED = pytest.mark.skipif(
    not bfloat16_products(), reason="this machine has no products of rounded factors"
)


def allow_everywhere(precision: str) -> None:
    """Set torch's wider setting, which holds where that of products says nothing."""
    torch.backends.mkldnn.set_flags(_fp32_precision=precision)  # type: ignore[no-untyped-call]


@pytest.fixture
def _setting_put_back() -> Iterator[None]:
    yield
    allow_everywhere("none")
    SETTINGS.fp32_precision = "none"


def factors(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(90, 70, generator=generator), torch.randn(70, 80, generator=generator)


def exact(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return left.double() @ right.double()


def relative_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


@ROUNDED
def test_factors_are_rounded_and_their_products_summed_in_float32() -> None:
    left, right = factors()
    with products_of(torch.bfloat16):
        product = left @ right
    assert relative_error(product, exact(left.bfloat16(), right.bfloat16())) < 1e-6
    assert relative_error(product, exact(left, right)) > 1e-4


@pytest.mark.parametrize("allowed", ["none", "bf16"])
@pytest.mark.usefixtures("_setting_put_back")
def test_float32_is_exact_whatever_the_caller_allows(allowed: str) -> None:
    left, right = factors()
    SETTINGS.fp32_precision = allowed
    with products_of(torch.float32):
        product = left @ right
    assert relative_error(product, exact(left, right)) < 1e-6
    assert SETTINGS.fp32_precision == allowed


@pytest.mark.parametrize("operands", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("before", ["none", "ieee", "bf16"])
@pytest.mark.usefixtures("_setting_put_back")
def test_the_caller_s_setting_is_put_back(operands: torch.dtype, before: str) -> None:
    SETTINGS.fp32_precision = before
    with products_of(operands):
        rounds = SETTINGS.fp32_precision == "bf16"
    assert rounds == (operands == torch.bfloat16)
    assert SETTINGS.fp32_precision == before
    with pytest.raises(ZeroDivisionError), products_of(operands):
        raise ZeroDivisionError
    assert SETTINGS.fp32_precision == before


@pytest.mark.usefixtures("_setting_put_back")
def test_a_wider_setting_goes_on_to_decide() -> None:
    allow_everywhere("bf16")
    with products_of(torch.float32):
        assert SETTINGS.fp32_precision == "ieee"
    assert SETTINGS.fp32_precision == "bf16"
    allow_everywhere("ieee")
    assert SETTINGS.fp32_precision == "ieee"


def test_threads_that_want_different_products_do_not_disturb_each_other() -> None:
    left, right = factors()
    together = threading.Barrier(6)

    def multiply(operands: torch.dtype) -> list[torch.Tensor]:
        together.wait()
        found = []
        for _ in range(50):
            with products_of(operands):
                found.append(left @ right)
        return found

    kinds = [torch.float32, torch.bfloat16] * 3
    # The sums of both kinds may differ in their order; what rounding does is far above that.
    truths = {torch.float32: exact(left, right)}
    truths[torch.bfloat16] = exact(left.bfloat16(), right.bfloat16())
    if not bfloat16_products():
        truths[torch.bfloat16] = truths[torch.float32]
    with ThreadPoolExecutor(len(kinds)) as pool:
        for operands, found in zip(kinds, pool.map(multiply, kinds), strict=True):
            assert max(relative_error(product, truths[operands]) for product in found) < 1e-6
    assert SETTINGS.fp32_precision == "none"
