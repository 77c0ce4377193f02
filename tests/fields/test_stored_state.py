from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.state import put_back
from sinefit.errors import InputError
from sinefit.fields.content import MemoryContent, content_of
from sinefit.fields.metadata import header_of
from sinefit.fields.stored_state import StoredState
from sinefit.fields.tensors import STATE_PREFIX
from sinefit.fields.weights_file import encode_field, field_pieces
from sinefit.fitting.budget import Budget
from sinefit.fitting.loop import fit_signal
from tests.fitting.making import picture, settings

if TYPE_CHECKING:
    from pathlib import Path

FIELD = fit_signal(picture(), settings(budget=Budget(steps=1))).field
STATE = {
    "matrix": torch.arange(35.0).view(7, 5),
    "steps": torch.arange(9),
    "bytes": torch.arange(256, dtype=torch.uint8),
    "empty": torch.empty(0, dtype=torch.int64),
    "none of these": torch.empty(0, 4),
}
CONTENT = encode_field(
    FIELD, state={STATE_PREFIX + name: value for name, value in STATE.items()}, checkpoint="{}"
)


def stored(piece_bytes: int = 2**20) -> StoredState:
    content = MemoryContent(CONTENT, "it")
    return StoredState(content, header_of(content), piece_bytes)


def test_the_state_is_read_as_it_was() -> None:
    found = stored()
    assert found.keys() == STATE.keys()
    assert len(found) == len(STATE)
    for name, value in STATE.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value)
        assert found.shape(name) == tuple(value.shape)
    with pytest.raises(KeyError):
        found["other"]


@pytest.mark.parametrize("piece_bytes", [1, 20, 45, 10**6])
def test_pieces_are_put_back_in_their_places(piece_bytes: int) -> None:
    found = stored(piece_bytes)
    assert max(len(piece) for piece in found.pieces("matrix")) <= max(1, piece_bytes // 20)
    for name, value in STATE.items():
        target = torch.full_like(value, 3)
        put_back(target, found, name, "no")
        assert torch.equal(target, value)
    with pytest.raises(ValueError, match=r"^no$"):
        put_back(torch.empty(7, 1), found, "matrix", "no")
    with pytest.raises(KeyError):
        put_back(torch.empty(7, 5), found, "other", "no")


def test_a_file_that_has_changed_is_not_read_on(tmp_path: Path) -> None:
    path = tmp_path / "it.safetensors"
    path.write_bytes(CONTENT)
    content = content_of(path)
    found = StoredState(content, header_of(content))
    assert torch.equal(found["steps"], STATE["steps"])
    path.unlink()
    with pytest.raises(InputError, match="does not exist"):
        found["steps"]
    path.write_bytes(CONTENT)
    with pytest.raises(InputError, match="it changed while it was read"):
        found["steps"]


def test_a_state_is_written_in_pieces() -> None:
    state = {STATE_PREFIX + "large": torch.zeros(3, 2**22)}
    pieces = list(field_pieces(FIELD, state=state, checkpoint="{}"))
    assert max(map(len, pieces)) == 2**24
    assert b"".join(pieces) == encode_field(FIELD, state=state, checkpoint="{}")
