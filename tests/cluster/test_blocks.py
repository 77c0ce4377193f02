from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import sinefit
from sinefit.cluster import blocks
from tests.cluster.workers import address_of
from tests.jobs.making import names

if TYPE_CHECKING:
    from distributed import Client

SETTINGS: dict[str, Any] = {
    "steps": 200,
    "blocks": (10, 8),
    "width": 16,
    "depth": 2,
    "batch": 64,
    "threads": 1,
    "device": "cpu",
}
WORDS = "--steps 1600 --blocks 10x8 --width 16 --depth 2 --batch 64 --threads 1 --device cpu"


@pytest.fixture(autouse=True)
def groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the blocks in as many groups as can be, three of 80."""
    monkeypatch.setattr(blocks, "TASK_SAMPLES", 1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows, columns, channel = np.ogrid[0:128, 0:160, 0:3]
    values = 127.5 + 60.0 * np.sin(rows / 3.0 + channel) + 60.0 * np.cos(columns / 4.0 - channel)
    Image.fromarray(values.astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path


def alone(**others: Any) -> bytes:
    sinefit.fit_many("photo.png", "alone", **{**SETTINGS, **others})
    return Path("alone/photo.safetensors").read_bytes()


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"precision": "float32", "holdout": "5%", "steps": 100},
        {"ensemble": 2, "blocks": (5, 4), "steps": 50},
    ],
    ids=str,
)
def test_groups_of_blocks_come_to_the_bytes_of_one_machine(
    workers: Client, here: Path, others: dict[str, Any]
) -> None:
    (done,) = sinefit.fit_many(
        "photo.png", "out", cluster=address_of(workers), **{**SETTINGS, **others}
    )
    assert done.error is None
    assert names(here / "out") == ["photo.safetensors"]
    assert Path("out/photo.safetensors").read_bytes() == alone(**others)


def test_the_last_steps_of_a_good_fit_change_the_precision(workers: Client, here: Path) -> None:
    # Smooth enough to come close, on processors with bfloat16 by way of both precisions.
    rows, columns = np.ogrid[0:64, 0:80]
    np.save("smooth.npy", (np.sin(columns / 40.0) + np.cos(rows / 50.0)).astype(np.float32))
    for folder, cluster in (("out", address_of(workers)), ("alone", None)):
        (done,) = sinefit.fit_many(
            "smooth.npy", folder, cluster=cluster, steps=700, blocks=(2, 3), threads=1
        )
        assert done.result is not None
        psnr = done.result.report.record.psnr_float
        assert psnr is not None
        assert psnr > 50.0
    left, right = (Path(folder, "smooth.safetensors").read_bytes() for folder in ("out", "alone"))
    assert left == right


def test_a_client_that_is_killed_goes_on_with_what_is_done(workers: Client, here: Path) -> None:
    command = [sys.executable, "-m", "sinefit", "fit", "photo.png", "-q", *WORDS.split()]
    command += ["--cluster", address_of(workers)]
    client = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    journal = here / "photo.parts.ckpt"
    group = 32 * 16 * 16  # bytes of the weights of a group are some times as many
    while client.poll() is None and not (journal.exists() and journal.stat().st_size > group):
        time.sleep(0.002)
    os.kill(client.pid, signal.SIGKILL)
    _, told = client.communicate()
    assert journal.exists(), told
    assert not (here / "photo.safetensors").exists()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert names(here) == ["photo.png", "photo.safetensors"]
    assert Path("photo.safetensors").read_bytes() == alone(steps=1600)


def test_what_ends_by_more_than_steps_is_refused(workers: Client, here: Path) -> None:
    for word, value in (("max_time", 5.0), ("target_psnr", 30.0)):
        (done,) = sinefit.fit_many(
            "photo.png", cluster=address_of(workers), **{**SETTINGS, word: value}
        )
        assert isinstance(done.error, sinefit.SettingError)
        assert str(done.error).startswith(f"`{word}` and `cluster` exclude each other")
    assert names(here) == ["photo.png"]


def test_a_stop_leaves_the_groups_that_are_done(workers: Client, here: Path) -> None:
    settings = {**SETTINGS, "blocks": (16, 16), "steps": 400}
    journal = here / "photo.parts.ckpt"
    (stopped,) = sinefit.fit_many(
        "photo.png",
        cluster=address_of(workers),
        should_stop=lambda: journal.exists() and journal.stat().st_size > 8192,
        **settings,
    )
    told = re.search(r"stopped when (\d) of 8 groups of blocks were done$", str(stopped.error))
    assert told is not None
    assert 1 <= int(told[1]) < 8
    assert names(here) == ["photo.parts.ckpt", "photo.png"]
    (other,) = sinefit.fit_many("photo.png", cluster=address_of(workers), **{**settings, "seed": 1})
    assert "other settings" in str(other.error)
    (done,) = sinefit.fit_many("photo.png", cluster=address_of(workers), **settings)
    assert done.error is None
    assert Path("photo.safetensors").read_bytes() == alone(blocks=(16, 16), steps=400)
