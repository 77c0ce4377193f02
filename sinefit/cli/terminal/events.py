"""Events as lines of JSON, each with its times."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime
from typing import Any, Final

LOG_VERSION: Final = 1
"""Version of the lines; grows when a key changes its meaning or goes."""


class Stamp:
    """Turns events into JSON lines, which begin with a version and two times."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def line(self, values: dict[str, Any]) -> str:
        """Return an event without its end of line, in ASCII; NaN and infinity become null."""
        stamp = {
            "log_version": LOG_VERSION,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "elapsed": round(time.monotonic() - self._begin, 3),
        }
        return json.dumps(finite({**stamp, **values}))


def finite(value: Any) -> Any:
    """Return a value with every number that JSON cannot write replaced by None."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
