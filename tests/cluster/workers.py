"""Two workers of Dask as processes on this machine, which all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.connecting import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client


@pytest.fixture(scope="session")
def workers() -> Iterator[Client]:
    """Give a client of two workers, whose tasks may lose one of them and no more."""
    pytest.importorskip("distributed")  # with the settings that it brings
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        connected(ClusterAddress.of("local:2")) as client,
    ):
        client.wait_for_workers(2)
        yield client


def address_of(client: Client) -> str:
    """Return the address of the scheduler, as `cluster` takes it."""
    return str(client.scheduler.address)
