from __future__ import annotations

import pytest
import torch

from sinefit.engines.graphics import has_bfloat16, runs_code_for

USUAL = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]


def test_bfloat16_is_asked_of_the_named_device() -> None:
    capabilities = {0: (9, 0), 1: (7, 5), 2: (8, 0)}

    def capability_of(device: torch.device) -> tuple[int, int]:
        return capabilities[device.index]

    found = [has_bfloat16(torch.device("cuda", number), capability_of) for number in range(3)]
    assert found == [True, False, True]


@pytest.mark.parametrize(
    ("capability", "architectures", "runs"),
    [
        ((8, 0), USUAL, True),
        ((8, 9), USUAL, True),  # code for 8.6 runs on 8.9
        ((10, 3), USUAL, True),
        ((7, 0), USUAL, False),  # that for 7.5 not on 7.0
        ((6, 1), USUAL, False),
        ((11, 0), USUAL, False),
        ((11, 0), [*USUAL, "compute_120"], False),
        ((12, 1), ["sm_75", "compute_90"], True),  # compiled further when it is loaded
        ((9, 0), ["sm_90a"], True),
        ((9, 1), ["sm_90a"], False),
        ((10, 3), ["sm_100f"], True),
        ((12, 0), ["sm_100f"], False),
        ((9, 0), ["gfx90a", "gfx942"], True),
        ((9, 0), [], False),
    ],
)
def test_code_runs_on_its_own_and_on_later_devices(
    capability: tuple[int, int], architectures: list[str], runs: bool
) -> None:
    assert runs_code_for(capability, architectures) is runs
