"""What all tests share."""

from __future__ import annotations

import os

import hypothesis

from sinefit.cli.environment import prepare_environment

prepare_environment(os.environ)  # before torch is loaded, as the command does

import torch  # noqa: E402

from tests.browser import browser, visit  # noqa: E402
from tests.cluster.workers import workers  # noqa: E402

__all__ = ["browser", "visit", "workers"]

# Small tensors gain nothing from threads, and lose much of their time to them on a busy machine.
torch.set_num_threads(1)

# The first example pays for imports and compilation, which a deadline would take for a failure.
hypothesis.settings.register_profile("sinefit", deadline=None)
hypothesis.settings.load_profile("sinefit")
