from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import torch
from PIL import Image

from sinefit.cli.words.details import fit_details
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import fit_signal, make_plan
from sinefit.initializers.registry import INITIALIZERS
from sinefit.signals.reading import read_signal
from tests.cli.making import TINY, fail, make_picture, succeed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


def test_a_fit_says_what_it_recognised_and_works_with(here: Path) -> None:
    lines = succeed("fit", "photo.png", *TINY, "--device", "cpu", "-v").stderr.splitlines()
    plain = succeed("fit", "photo.png", *TINY, "--device", "cpu", "-f").stderr.splitlines()
    # Nothing is said differently, and five lines more, after the first.
    assert lines[0] == plain[0]
    assert len(lines) == len(plain) + 5
    text = "\n".join(lines[1:6])
    assert "photo.png: recognised format png, " in text
    assert "uint8 values from 0 to 255" in text
    weights = (2 * 16 + 16) + (16 * 16 + 16) + (16 * 3 + 3)
    assert f"network 2-16-16-3, {weights} weights; weights drawn, seed 0" in text
    assert "batch 192; until 5 steps" in text
    # A batch of 4096 is more than the picture's 16x12 pixels.
    fewer = succeed("fit", "photo.png", *TINY, "--batch", "100", "-v", "-f").stderr
    assert "batch 100; until 5 steps" in fewer
    assert "recipe usual: cosine, Adam with betas 0.9, 0.99 and epsilon 1e-12 on effective" in text
    assert "device cpu, threads 1; engine " in text
    assert re.search("factors in (float32|bfloat16|two bfloat16)$", text)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_learning_rates_told_are_those_of_the_fit(name: str, here: Path) -> None:
    signal = read_signal("photo.png")
    config = FitConfig(INITIALIZERS[name](), width=16, depth=3, budget=Budget(steps=1))
    record = fit_signal(signal, config).field.record
    lines = fit_details(make_plan(signal, config))
    (line,) = [line for line in lines if line.startswith("learning rates")]
    told = line.removeprefix("learning rates by layer ").partition(";")[0].split(", ")
    assert [float(rate) for rate in told] == pytest.approx(record.learning_rates, rel=5e-3)


def test_what_is_kept_beside_the_samples_is_told(here: Path) -> None:
    Image.new("RGBA", (8, 8)).save("a.png")
    shown = succeed("fit", "a.png", *TINY, "-v", "--max-time", "9s", "--target-psnr", "50").stderr
    assert "values from 0 to 255, alpha" in shown
    assert "until 5 steps or 9 s or 50 dB" in shown
    again = ("fit", "a.png", "--from", "a.safetensors", "--steps", 1, "-f", "-v")
    assert "weights those of an earlier fit" in succeed(*again).stderr


def test_checkpoints_are_told(here: Path) -> None:
    shown = succeed("fit", "photo.png", *TINY, "--checkpoint-every", "0", "-v").stderr
    # One before the first step, others as often as there is a look around.
    after = re.findall(r"photo\.ckpt\.safetensors: checkpoint after (\d) steps, ", shown)
    assert after == sorted(set(after))
    assert after[0] == "0"
    assert "1" <= after[-1] < "5"
    quieter = succeed("fit", "photo.png", *TINY, "--checkpoint-every", "0", "-f").stderr
    assert "ckpt" not in quieter


def test_a_render_and_a_comparison_tell_the_field(here: Path) -> None:
    report = json.loads(succeed("fit", "photo.png", *TINY, "--json").stdout)
    for arguments in (("render", "photo.safetensors"), ("eval", "photo.safetensors", "photo.png")):
        shown = succeed(*arguments, "--device", "cpu", "-v").stderr
        assert "fitted to photo.png: format png, " in shown
        assert f"{report['initializer']}, omega {report['omega'][0]:.4g}" in shown
        assert f"5 steps, {report['psnr']:.2f} dB PSNR" in shown
        assert "device cpu, threads " in shown
    assert "photo.png: recognised format png" in shown


@pytest.mark.parametrize("arguments", [("fit", "p"), ("render", "p"), ("eval", "p", "q")])
def test_quiet_and_verbose_contradict_each_other(arguments: tuple[str, ...]) -> None:
    message = fail(2, *arguments, "-q", "-v")
    assert message == "--quiet and --verbose exclude each other: give one of them"


def test_the_device_that_was_chosen_is_told(here: Path) -> None:
    chosen = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        chosen = "mps"
    assert f", on {chosen}" in succeed("fit", "photo.png", *TINY).stderr.splitlines()[0]
    assert f"; rendered on {chosen}" in succeed("render", "photo.safetensors").stderr
    shown = succeed("eval", "photo.safetensors", "photo.png").stderr
    assert f"photo.safetensors: comparing with photo.png on {chosen}" in shown
