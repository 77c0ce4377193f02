"""What steps change of a training besides its weights: tensors by name, in memory or elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class PiecewiseState(Mapping[str, Tensor]):
    """Tensors by name, each of which can be had in pieces, so that it is not in memory twice."""

    @abstractmethod
    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape; raises KeyError for a name that there is not."""

    @abstractmethod
    def pieces(self, name: str) -> Iterator[Tensor]:
        """Yield consecutive rows of a tensor's first axis, all of them in all."""


def put_back(target: Tensor, state: Mapping[str, Tensor], name: str, refusal: str) -> None:
    """Copy what a state has under a name to a target of the same shape.

    Raises KeyError for a name that there is not, ValueError with `refusal` for another shape.
    """
    pieces: Iterable[Tensor]
    if isinstance(state, PiecewiseState):
        shape, pieces = state.shape(name), state.pieces(name)
    else:
        shape, pieces = tuple(state[name].shape), [state[name]]
    if shape != tuple(target.shape):  # which could be spread over it
        raise ValueError(refusal)
    first = 0
    for piece in pieces:
        target[first : first + len(piece)].copy_(piece)
        first += len(piece)
