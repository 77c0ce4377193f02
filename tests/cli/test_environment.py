from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.environment import LIMIT_VARIABLE, prepare_environment
from sinefit.errors import SettingError
from sinefit.native.library import load_small_networks
from sinefit.processor.capability import (
    Capability,
    ProcessorLimit,
    limit_processor,
    processor_limit,
)

from .making import ENVIRONMENT, TINY, make_picture, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What torch's libraries have read can be seen after the command line has gone its way.
SEEN = """
import json, os, sys
from sinefit.cli import main
sys.argv = ["sinefit", "inits"]
try:
    main()
except SystemExit:
    pass
import torch
keys = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "ONEDNN_MAX_CPU_ISA"
seen = {key: os.environ.get(key) for key in keys}
print(json.dumps([seen, torch.backends.cpu.get_cpu_capability()]))
"""
UNSET = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", LIMIT_VARIABLE)
PLAIN = {name: value for name, value in ENVIRONMENT.items() if name not in UNSET}


@pytest.fixture
def _limit_put_back() -> Iterator[None]:
    before = processor_limit()
    yield
    limit_processor(before)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, "PASSIVE"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"),
        ({"GOMP_SPINCOUNT": "77"}, None),
        ({"KMP_BLOCKTIME": "5"}, None),
    ],
)
def test_threads_wait_passively_unless_the_user_has_chosen(
    chosen: dict[str, str], expected: str | None
) -> None:
    environment = dict(chosen)
    prepare_environment(environment)
    assert environment == chosen | ({"OMP_WAIT_POLICY": expected} if expected else {})


def test_the_command_prepares_before_torch_is_loaded() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", SEEN],
        env=PLAIN | {LIMIT_VARIABLE: "avx2"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    seen, capability = json.loads(shown.splitlines()[-1])
    assert seen["OMP_WAIT_POLICY"] == "PASSIVE"
    assert seen["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert capability not in ("AVX512", "AVX512_VNNI")


@pytest.mark.usefixtures("_limit_put_back")
def test_the_variable_limits_the_processor() -> None:
    prepare_environment({LIMIT_VARIABLE: "avx512:torch"})
    assert processor_limit() == ProcessorLimit(Capability.AVX512, compiled=False)
    prepare_environment({LIMIT_VARIABLE: ""})
    assert processor_limit() == ProcessorLimit(Capability.AVX512, compiled=False)


def test_a_wrong_limit_is_an_error_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"{LIMIT_VARIABLE}: 'sse' is no limit"):
        prepare_environment({LIMIT_VARIABLE: "sse"})
    done = run("inits", cwd=tmp_path, environment={LIMIT_VARIABLE: "sse"})
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"sinefit: error: {LIMIT_VARIABLE}: 'sse'")


@pytest.mark.parametrize("limit", ["avx2", "avx2:torch"])
def test_a_fit_with_less_of_the_processor(limit: str, tmp_path: Path) -> None:
    make_picture(tmp_path / "photo.png")
    done = run("fit", "photo.png", *TINY, "-v", cwd=tmp_path, environment={LIMIT_VARIABLE: limit})
    assert done.returncode == 0
    # The command has a limit of its own, whatever that of this process is.
    engine = "native" if limit == "avx2" and load_small_networks() else "torch"
    assert f"engine {engine}, factors in float32" in done.stderr.decode()
