"""What every writer of a signal has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from sinefit.errors import OutputError
from sinefit.validation import settle, whole_number

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_TRIAL_BYTES: Final = 2**20


@dataclass(frozen=True)
class Encoding:
    """How to encode an output, beyond what its spec and its format say."""

    quality: int | None = None
    """0 (worst) to 100 (best) for lossy formats; None takes the format's good default."""
    subtype: str | None = None
    """Sample encoding of a sound, a libsndfile subtype; None follows the spec's bit depth."""

    def __post_init__(self) -> None:
        if self.quality is not None:
            settle(self, quality=whole_number("quality", self.quality, least=0, most=100))


def check_room(path: Path) -> None:
    """Raise OutputError, with the system's own reason, for a file that cannot be made longer.

    For encoders that tell no more than that they have failed. The file is spoilt by the trial.
    """
    try:
        with path.open("ab") as file:
            file.write(bytes(_TRIAL_BYTES))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}; make room for it") from None


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
