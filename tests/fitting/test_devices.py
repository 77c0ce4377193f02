from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import DeviceError
from sinefit.fitting.devices import Accelerators, cpu_threads, resolve_device

NONE = Accelerators()


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto", NONE).type == "cpu"


def test_auto_takes_the_fastest() -> None:
    assert resolve_device("auto", Accelerators(mps=True)).type == "mps"
    assert resolve_device("auto", Accelerators(cuda=1, mps=True)).type == "cuda"


def test_a_device_that_is_not_there_is_an_error() -> None:
    for name in ("cuda", "cuda:1"):
        with pytest.raises(DeviceError, match=f"`device` is {name}: this machine has no CUDA"):
            resolve_device(name, NONE)
    with pytest.raises(DeviceError, match="`device` is mps: this machine has no MPS device"):
        resolve_device("mps", NONE)


def test_the_number_of_a_device_must_exist() -> None:
    two = Accelerators(cuda=2)
    assert resolve_device("cuda:1", two) == torch.device("cuda:1")
    assert resolve_device("cuda", two) == torch.device("cuda")
    with pytest.raises(DeviceError, match="`device` is cuda:2: this machine has 2 CUDA devices"):
        resolve_device("cuda:2", two)


def test_auto_passes_by_what_pytorch_has_no_code_for() -> None:
    old_and_new = Accelerators(cuda=2, codeless=(0,))
    assert resolve_device("auto", old_and_new) == torch.device("cuda:1")
    assert resolve_device("cuda:1", old_and_new) == torch.device("cuda:1")
    for name in ("cuda", "cuda:0"):
        with pytest.raises(DeviceError, match=f"`device` is {name}: this build of PyTorch has no"):
            resolve_device(name, old_and_new)
    none = Accelerators(cuda=2, codeless=(0, 1))
    assert resolve_device("auto", none) == torch.device("cpu")
    assert resolve_device("auto", Accelerators(1, mps=True, codeless=(0,))).type == "mps"


def test_what_this_machine_has_can_be_used() -> None:
    here = Accelerators.here()
    fastest = "cuda" if here.cuda > len(here.codeless) else "mps" if here.mps else "cpu"
    assert resolve_device("auto").type == fastest
    assert torch.zeros(1, device=resolve_device("auto")).device.type == fastest


@pytest.mark.parametrize("name", ["", "gpu", "meta", "cuda:-1", "cuda:x", "CPU", "cpu:", "vulkan"])
def test_names_that_are_no_devices(name: str) -> None:
    with pytest.raises(DeviceError, match=f"`device` is {name}: use auto, cpu, cuda, cuda:N or mp"):
        resolve_device(name)


@given(st.text(max_size=12))
def test_any_name_is_a_device_or_an_error(name: str) -> None:
    try:
        device = resolve_device(name)
    except DeviceError:
        return
    assert device.type in ("cpu", "cuda", "mps")


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    with cpu_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(ZeroDivisionError), cpu_threads(before + 2):
        raise ZeroDivisionError
    assert torch.get_num_threads() == before
    with cpu_threads(None):
        assert torch.get_num_threads() == before
