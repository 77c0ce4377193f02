from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.cluster.journal import Journal, PartKey, gathered, journal_path
from sinefit.errors import OutputError, SettingError
from sinefit.fitting.parts import PartResult

if TYPE_CHECKING:
    from pathlib import Path

DECIDES = {"settings": {"steps": 3}, "fingerprint": "abc"}
KEYS = [PartKey(0, 2, 0, 3), PartKey(2, 3, 0, 3, refine_at=3)]


def part(blocks: int, seed: int) -> PartResult:
    draw = torch.Generator().manual_seed(seed)
    weights, best = (torch.rand((blocks, 4), generator=draw) for _ in range(2))
    losses = torch.rand((2, blocks), generator=draw)
    return PartResult(weights, best, losses, 0.1 * seed, "small on cpu", {"mean": weights + 1.0})


def filled(path: Path) -> list[PartResult]:
    results = [part(2, 1), part(1, 2)]
    with Journal.opened(path, DECIDES, force=False) as journal:
        for key, result in zip(KEYS, results, strict=True):
            journal.add(key, result)
    return results


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "a.parts.ckpt"
    results = filled(path)
    with Journal.opened(path, DECIDES, force=False) as journal:
        for key, result in zip(KEYS, results, strict=True):
            assert key in journal
            found = journal.read(key)
            assert torch.equal(found.weights, result.weights)
            assert torch.equal(found.losses, result.losses)
            assert found.state is not None
            assert result.state is not None
            assert torch.equal(found.state["mean"], result.state["mean"])
            assert (found.seconds, found.computed_by) == (result.seconds, result.computed_by)
            assert float(journal.told(key)["seconds"]) == result.seconds
        assert PartKey(0, 2, 0, 4) not in journal
        best = torch.zeros((3, 4))
        for rows, weights in gathered(journal, KEYS, "best"):
            best[rows] = weights
        assert torch.equal(best, torch.cat([result.best for result in results]))
        journal.remove()
    assert not path.exists()


@pytest.mark.parametrize("lost", [1, 30, 200])
def test_what_a_killed_process_left_of_a_part_is_cut_off(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "a.parts.ckpt"
    results = filled(path)
    content = path.read_bytes()
    path.write_bytes(content[:-lost])
    with Journal.opened(path, DECIDES, force=False) as journal:
        assert [key in journal for key in KEYS] == [True, False]
        journal.add(KEYS[1], results[1])
    assert path.stat().st_size == len(content)


def test_a_part_that_is_not_what_was_written_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "a.parts.ckpt"
    filled(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with Journal.opened(path, DECIDES, force=False) as journal:
        assert [key in journal for key in KEYS] == [True, False]


def test_another_fit_does_not_take_it_up(tmp_path: Path) -> None:
    path = tmp_path / "a.parts.ckpt"
    filled(path)
    other = {**DECIDES, "fingerprint": "abd"}
    with (
        pytest.raises(SettingError, match="other settings"),
        Journal.opened(path, other, force=False),
    ):
        pass
    with Journal.opened(path, other, force=True) as journal:
        assert not any(key in journal for key in KEYS)


def test_a_file_that_is_no_journal_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.parts.ckpt"
    path.write_bytes(b"something else altogether")
    with pytest.raises(SettingError), Journal.opened(path, DECIDES, force=False):
        pass
    assert path.read_bytes() == b"something else altogether"


def test_a_place_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="cannot write there"),
        Journal.opened(tmp_path / "no" / "a.parts.ckpt", DECIDES, force=False),
    ):
        pass


def test_it_lies_beside_the_output(tmp_path: Path) -> None:
    assert journal_path(tmp_path / "a.safetensors") == tmp_path / "a.parts.ckpt"
    assert journal_path(tmp_path / "a") == tmp_path / "a.parts.ckpt"
