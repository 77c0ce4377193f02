"""Damaged files of every format: one line of error, or a sound signal, never anything else."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from .checkpoints import checkpoint_file, resume_damaged
from .mutation import mutants
from .specimens import SPECIMENS, STREAMS, VIDEOS, specimen
from .watching import read_damaged
from .weights import blocks_file, decode_damaged, weights_file, weights_mutants

# These start ffmpeg, which takes a hundred times as long as what happens in this process.
DECODED_BY_FFMPEG = ("png-16", "tiff-16", *STREAMS, *VIDEOS)

MANY = {
    **{name: 200 if name in DECODED_BY_FFMPEG else 320 for name in SPECIMENS},
    "weights": 2000,
    "checkpoint": 1000,
}


@pytest.mark.parametrize("name", SPECIMENS)
def test_specimens_are_sound(name: str) -> None:
    assert read_damaged(specimen(name)) == "read"


@pytest.mark.parametrize("name", SPECIMENS)
def test_damaged_signals(name: str) -> None:
    count = 6 if name in DECODED_BY_FFMPEG else 40
    for content in itertools.islice(mutants(7, specimen(name)), count):
        read_damaged(content)


@pytest.mark.parametrize("name", [name for name in SPECIMENS if name not in DECODED_BY_FFMPEG])
def test_every_tenth_of_a_file(name: str) -> None:
    whole = specimen(name)
    for tenth in range(10):
        read_damaged(whole[: len(whole) * tenth // 10])


# A transport stream may end with any packet.
@pytest.mark.parametrize("name", [each for each in VIDEOS if each not in ("mp4-fragmented", "ts")])
@pytest.mark.parametrize("missing", [1, 30, 300, 500, 700])
def test_the_end_of_a_video_is_missed(name: str, missing: int) -> None:
    # Of a cut index ffmpeg takes what is left, and may lose the sound without a word.
    assert read_damaged(specimen(name)[:-missing]) == "refused"


def test_damaged_weights_files() -> None:
    for whole in (weights_file(), blocks_file()):
        assert decode_damaged(whole) == "read"
        for content in itertools.islice(weights_mutants(7, whole), 150):
            decode_damaged(content)


def test_damaged_checkpoints() -> None:
    assert resume_damaged(checkpoint_file()) == "read"
    for content in itertools.islice(weights_mutants(7, checkpoint_file()), 150):
        resume_damaged(content)


@pytest.mark.slow
def test_twenty_thousand_damaged_files(tmp_path: Path) -> None:
    assert sum(MANY.values()) >= 20_000
    wanted = [f"{name}={count}" for name, count in MANY.items()]
    done = subprocess.run(
        [sys.executable, "-m", "hostile.campaign", str(tmp_path), "20", *wanted],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    # Decoders must not talk past the one line of error.
    assert done.stderr == b""
    results = json.loads(done.stdout)
    memory = results.pop("memory")
    assert {name: each["failures"] for name, each in results.items() if each["failures"]} == {}
    assert sum(sum(each["outcomes"].values()) for each in results.values()) == sum(MANY.values())
    # The limits of the cases are 64 MiB of samples; decoders may need as much again, and more.
    assert memory["growth"] < 2**28
    assert memory["children"] < 2**29
