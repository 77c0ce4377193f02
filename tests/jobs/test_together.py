from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import sinefit
from sinefit.errors import InputError, OutputError, OutputExistsError, SettingError
from sinefit.fitting.together import fit_together
from sinefit.fitting.words import config_of

from .making import BRIEF, FILES, TINY, StopAt, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.jobs.outcome import JobOutcome


def values(outcome: JobOutcome) -> torch.Tensor:
    """Return what has been fitted, which the weights file holds too."""
    assert outcome.error is None
    assert outcome.result is not None
    found = outcome.result.field.network.values
    assert torch.equal(found, sinefit.load(outcome.target).network.values)
    return found


def test_each_file_has_the_weights_of_its_signal_in_a_group(here: Path) -> None:
    a, b, c = sinefit.fit_many(FILES, together=True, **TINY)
    signals = [sinefit.read_signal(one.source) for one in (a, c)]
    expected = fit_together(signals, config_of(**TINY))
    for one, alone in zip((a, c), expected, strict=True):
        assert torch.equal(values(one), alone.field.network.values)
    assert b.result is None
    assert isinstance(b.error, InputError)
    assert str(b.error).startswith("b.png")
    assert names(here) == ["a.png", "a.safetensors", "b.png", "c.png", "c.safetensors"]


def test_what_is_there_is_kept_left_out_or_replaced(here: Path) -> None:
    Path("a.safetensors").write_bytes(b"mine")
    kept, done = sinefit.fit_many(["a.png", "c.png"], together=True, **TINY)
    assert isinstance(kept.error, OutputExistsError)
    first = values(done)
    left_out, again = sinefit.fit_many(
        ["a.png", "c.png"], together=True, skip_existing=True, **TINY
    )
    for one in (left_out, again):
        assert (one.result, one.error) == (None, None)
    assert Path("a.safetensors").read_bytes() == b"mine"
    replaced, same = sinefit.fit_many(["a.png", "c.png"], together=True, force=True, **TINY)
    assert len(values(replaced)) == 1
    assert torch.equal(values(same), first)


def test_reports_and_outcomes_are_told_by_name(here: Path) -> None:
    reports: list[tuple[str, int]] = []
    ends: list[JobOutcome] = []
    found = sinefit.fit_many(
        FILES,
        together=True,
        on_progress=lambda name, progress: reports.append((name, progress.step)),
        on_end=ends.append,
        **BRIEF,
    )
    assert [one.source for one in found] == list(FILES)
    assert sorted(one.source for one in ends) == list(FILES)
    for name in ("a.png", "c.png"):
        steps = [step for told, step in reports if told == name]
        assert steps == sorted(steps)
        assert {50, 100, 150} <= set(steps)
    assert not [name for name, _ in reports if name == "b.png"]


def test_a_stop_leaves_checkpoints_and_the_same_call_goes_on(here: Path) -> None:
    whole = sinefit.fit_many(["a.png", "c.png"], "whole", together=True, **BRIEF)
    stop = StopAt(1)
    stopped = sinefit.fit_many(
        ["a.png", "c.png"], together=True, on_progress=stop.look, should_stop=stop, **BRIEF
    )
    assert stopped
    for one in stopped:
        assert isinstance(one.error, sinefit.FitStoppedError)
        assert one.target.replace(".safe", ".ckpt.safe") in names(here)
    done = sinefit.fit_many(["a.png", "c.png"], together=True, **BRIEF)
    for one, expected in zip(done, whole, strict=True):
        assert torch.equal(values(one), values(expected))
    assert not [name for name in names(here) if "ckpt" in name]


def test_a_stop_before_the_first_file_begins_none(here: Path) -> None:
    assert sinefit.fit_many(FILES, together=True, should_stop=lambda: True, **TINY) == []
    assert names(here) == list(FILES)


def test_a_stop_while_files_are_read_fits_none(here: Path) -> None:
    def asks() -> Iterator[bool]:
        yield from (False, False)
        while True:
            yield True

    answers = asks()
    (bad,) = sinefit.fit_many(
        ["b.png", "a.png", "c.png"], together=True, should_stop=lambda: next(answers), **TINY
    )
    assert bad.source == "b.png"
    assert names(here) == list(FILES)


def test_fits_that_are_not_alike_are_told_before_the_first(here: Path) -> None:
    np.save("d.npy", np.zeros(9))
    with pytest.raises(SettingError, match=r"d\.npy has 1 coordinates, a\.png has 2: .* alike"):
        sinefit.fit_many(["a.png", "d.npy"], together=True, **TINY)
    assert names(here) == [*FILES, "d.npy"]


def test_a_fit_that_diverges_keeps_its_best_weights(here: Path) -> None:
    for one in sinefit.fit_many(["a.png", "c.png"], together=True, learning_rate=1e20, **BRIEF):
        assert isinstance(one.error, sinefit.FitDivergedError)
        assert one.result is not None
        kept = sinefit.load(one.target).network.values
        assert torch.equal(kept, one.result.field.network.values)


def test_weights_that_their_place_does_not_take_are_an_outcome(here: Path) -> None:
    def occupy(*_: object) -> None:
        Path("a.safetensors").mkdir(exist_ok=True)

    a, c = sinefit.fit_many(["a.png", "c.png"], together=True, on_progress=occupy, **BRIEF)
    assert isinstance(a.error, OutputError)
    assert "the finished weights are in" in str(a.error)
    assert c.error is None


def test_a_field_to_begin_with(here: Path) -> None:
    sinefit.fit_many("a.png", **TINY)
    still: dict[str, Any] = {"steps": 1, "learning_rate": 1e-12, "threads": 1, "device": "cpu"}
    (done,) = sinefit.fit_many("c.png", together=True, start_from="a.safetensors", **still)
    start = sinefit.load("a.safetensors").network.values
    torch.testing.assert_close(values(done), start, atol=1e-8, rtol=0)


def test_a_field_to_begin_with_that_is_none_is_told_before_the_first(here: Path) -> None:
    with pytest.raises(InputError, match=r"^no\.safetensors does not exist"):
        sinefit.fit_many(["a.png", "c.png"], together=True, start_from="no.safetensors", **TINY)
    assert names(here) == list(FILES)


def test_no_file_is_no_fit(here: Path) -> None:
    assert sinefit.fit_many([], together=True, **TINY) == []
