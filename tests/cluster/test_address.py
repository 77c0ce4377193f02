from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.cluster.address import ClusterAddress
from sinefit.errors import SettingError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("local", ClusterAddress("local")),
        (" local:4 ", ClusterAddress("local", 4)),
        ("slurm:20", ClusterAddress("slurm", 20)),
        ("tcp://scheduler:8786", ClusterAddress("running", scheduler="tcp://scheduler:8786")),
        ("tls://10.0.0.1:8786", ClusterAddress("running", scheduler="tls://10.0.0.1:8786")),
    ],
)
def test_what_a_cluster_can_be(text: str, address: ClusterAddress) -> None:
    assert ClusterAddress.of(text) == address
    assert str(address) == text.strip()


def test_slurm_without_a_number_has_some_jobs() -> None:
    count = ClusterAddress.of("slurm").count
    assert count is not None
    assert count >= 1


@given(st.text() | st.sampled_from(["local:0", "local:", "local:x", "slurm:-1", "scheduler:8786"]))
def test_anything_else_is_refused_with_what_would_be_right(text: str) -> None:
    if text.strip() in ("local", "slurm"):
        return
    with pytest.raises(SettingError, match="tcp://scheduler:8786") as caught:
        ClusterAddress.of(text)
    assert str(caught.value).startswith("`cluster` is ")
