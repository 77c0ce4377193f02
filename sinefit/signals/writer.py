"""What every writer of a signal has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoding:
    """How to encode an output, beyond what its spec and its format say."""

    quality: int | None = None
    """0 (worst) to 100 (best) for lossy formats; None takes the format's good default."""
    subtype: str | None = None
    """Sample encoding of a sound, a libsndfile subtype; None follows the spec's bit depth."""


class SignalWriter(Protocol):
    """Takes a signal's samples in pieces and leaves a finished file.

    `write` is called with consecutive blocks along the first axis: rows of an image, samples of a
    sound, frames of a video, slabs of an array, each of shape (count, *spec.shape[1:], channels)
    and of the spec's dtype. `close` finishes and checks the file; `abort` gives up and frees what
    is open.
    """

    notices: tuple[str, ...]
    """What the format could not keep, one sentence each, known once the writer is made."""

    def write(self, block: NDArray[np.generic]) -> None:
        """Append a block of samples."""

    def close(self) -> None:
        """Finish the file; raises OutputError when it is not what was asked for."""

    def abort(self) -> None:
        """Give up; the file is left unfinished for the caller to remove."""
