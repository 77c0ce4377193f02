from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sinefit.cluster import connecting
from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.connecting import connected
from sinefit.errors import ClusterError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder for commands of SLURM, and settings for its jobs."""
    pytest.importorskip("dask_jobqueue")
    import dask

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with dask.config.set({"jobqueue.slurm.cores": 1, "jobqueue.slurm.memory": "1GB"}):
        yield tmp_path


def make_command(path: Path, *lines: str) -> None:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)


def test_why_sbatch_takes_no_job_is_told(jobs: Path) -> None:
    said = "sbatch: error: Batch job submission failed: Invalid partition name specified"
    make_command(jobs / "sbatch", f"echo '{said}' >&2", "exit 1")
    with pytest.raises(ClusterError) as caught, connected(ClusterAddress.of("slurm:2")):
        pass
    assert str(caught.value).startswith(
        "`cluster` is slurm:2: sbatch takes no job: Batch job submission failed: Invalid partition "
        "name specified; "
    )


def test_jobs_that_were_taken_end_with_the_command(jobs: Path) -> None:
    # The second one is refused, as by a limit to the jobs of a person.
    taken = jobs / "taken"
    make_command(
        jobs / "sbatch", f"mkdir {taken} 2>/dev/null || exit 1", "echo Submitted batch job 42"
    )
    make_command(jobs / "scancel", f"echo $* >> {jobs}/ended")
    with connected(ClusterAddress.of("slurm:2")) as client:
        assert client.nthreads() == {}
        assert not (jobs / "ended").exists()
    assert (jobs / "ended").read_text() == "42\n"
