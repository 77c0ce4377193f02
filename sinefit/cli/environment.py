"""What stands in the environment before torch and the libraries below it read it, once for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sinefit.errors import SettingError
from sinefit.processor.capability import limit_processor, parse_limit

if TYPE_CHECKING:
    from collections.abc import MutableMapping

LIMIT_VARIABLE: Final = "SINEFIT_CPU_CAPABILITY"
"""The variable that limits what is used of the CPU, for tests and for comparing machines."""
_WAITING: Final = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Variables by which OpenMP's libraries are told how a thread waits for others."""


def prepare_environment(environment: MutableMapping[str, str]) -> None:
    """Set what torch's libraries read, and limit the CPU as LIMIT_VARIABLE says.

    Threads that wait for others must not keep the cores from whoever has work, such as another fit
    on the same machine; a wait that the user has chosen stays. Raises SettingError for a limit that
    does not exist.
    """
    if not any(name in environment for name in _WAITING):
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
    wanted = environment.get(LIMIT_VARIABLE)
    if wanted:
        try:
            limit = parse_limit(wanted)
        except SettingError as error:
            raise SettingError(f"{LIMIT_VARIABLE}: {error}") from error
        limit_processor(limit)
        environment.update(limit.variables())
