"""What a fit takes when nothing is said: the initializer and the budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec

DEFAULT_INITIALIZER: Final = "siren"
"""The scheme that measured best over photographs, text, sound and video (see the README)."""

REFERENCE_STEPS: Final = 4000
"""Steps for a signal of `REFERENCE_SAMPLES`, half a minute on two CPU cores with matrix units."""
REFERENCE_SAMPLES: Final = 768 * 512
FEWEST_STEPS: Final = 2000
MOST_STEPS: Final = 20000


FIRST_ATTEMPT: Final = 300
"""Steps of the first attempt of one network in small batches, if quality alone ends its fit; each
further one is twice as long. Of pictures of 32 to 128 pixels a side longer ones take more samples
to what is easily met, and none fewer to what is not."""
BLOCK_STEPS: Final = 2000
"""Steps of each block; ten seconds for a photograph of `REFERENCE_SAMPLES` on two CPU cores."""


def default_steps(spec: SignalSpec, blocks: int) -> int:
    """Return the number of steps for a signal when no budget is given.

    Those of one network grow with the fourth root of the number of samples, as its width grows too;
    those of each of several blocks are always the same.
    """
    if blocks > 1:
        return BLOCK_STEPS
    steps = REFERENCE_STEPS * math.sqrt(math.sqrt(spec.sample_count / REFERENCE_SAMPLES))
    return round(min(max(steps, FEWEST_STEPS), MOST_STEPS))
