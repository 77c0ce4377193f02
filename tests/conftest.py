"""What all tests share."""

from __future__ import annotations

import hypothesis
import torch

# Small tensors gain nothing from threads, and lose much of their time to them on a busy machine.
torch.set_num_threads(1)

# The first example pays for imports and compilation, which a deadline would take for a failure.
hypothesis.settings.register_profile("sinefit", deadline=None)
hypothesis.settings.load_profile("sinefit")
