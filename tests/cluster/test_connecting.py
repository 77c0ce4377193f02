from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sinefit.cluster import connecting
from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.connecting import connected
from sinefit.errors import ClusterError, SettingError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("module", "where"), [("distributed", "local"), ("dask_jobqueue", "slurm")]
)
def test_what_is_not_installed_is_told_with_how_to(
    module: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(SettingError, match=r"pip install 'sinefit\[cluster\]'"),
        connected(ClusterAddress.of(where)),
    ):
        pass


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 0.5)
    with (
        pytest.raises(ClusterError, match=r"`cluster` is tcp://127.0.0.1:9: no scheduler ans"),
        connected(ClusterAddress.of("tcp://127.0.0.1:9")),
    ):
        pass


def test_slurm_is_asked_for_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(ClusterError, match="`cluster` is slurm:2: there is no sbatch here"),
        connected(ClusterAddress.of("slurm:2")),
    ):
        pass
