from __future__ import annotations

import datetime as dt
import errno
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
import torch

import sinefit
from sinefit.benchmark.machine import describe_machine, device_name, load_average, processor_name
from sinefit.native.instruction_sets import tiles_supported
from sinefit.networks.size import NetworkSize
from tests.refusing import under_refusals

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_benchmark_ran_on() -> None:
    size = NetworkSize(2, 256, 4, 3)
    machine = describe_machine(torch.device("cpu"), size)
    assert machine.device == "cpu"
    assert machine.sinefit == sinefit.__version__
    assert machine.torch == torch.__version__
    assert machine.python == ".".join(map(str, sys.version_info[:3]))
    assert machine.threads == torch.get_num_threads()
    assert 1 <= machine.cores <= (os.cpu_count() or 1)
    assert machine.native == tiles_supported(size.width)
    assert dt.date.fromisoformat(machine.date) >= dt.date(2025, 1, 1)
    assert all(value != "" for value in asdict(machine).values())


def test_a_cuda_device_has_a_name() -> None:
    assert device_name(torch.device("cuda:1"), lambda _device: "A Card") == "cuda:1, A Card"
    assert device_name(torch.device("mps")) == "mps"


def test_the_processor_of_the_kernels_table(tmp_path: Path) -> None:
    table = tmp_path / "cpuinfo"
    table.write_text(
        "processor\t: 0\nmodel\t\t: 7\nmodel name\t: Some: CPU @ 3 GHz\nmodel name\t: x"
    )
    assert processor_name(table) == "Some: CPU @ 3 GHz"


@pytest.mark.parametrize("text", [None, "", "processor: 0\n"])
def test_a_processor_without_a_name(text: str | None, tmp_path: Path) -> None:
    table = tmp_path / "cpuinfo"
    if text is not None:
        table.write_text(text)
    assert processor_name(table)


def test_a_system_that_tells_no_load() -> None:
    assert load_average() is None or load_average() >= 0  # type: ignore[operator]
    assert under_refusals({"load": errno.EACCES}, load_average) is None
