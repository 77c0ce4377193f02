from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.cli.terminal.events import LOG_VERSION, Stamp

KEYS = st.text().filter(lambda key: key not in ("log_version", "time", "elapsed"))


@given(st.dictionaries(KEYS, st.text() | st.floats() | st.none() | st.integers()))
def test_an_event_is_one_line_of_json(values: dict[str, Any]) -> None:
    line = Stamp().line(values)
    assert line.isascii()
    assert "\n" not in line
    record = json.loads(line, parse_constant=lambda word: pytest.fail(word))
    assert list(record)[:3] == ["log_version", "time", "elapsed"]
    assert record["log_version"] == LOG_VERSION
    assert datetime.fromisoformat(record["time"]).utcoffset() == timedelta(0)
    for key, value in values.items():
        is_number = not isinstance(value, float) or math.isfinite(value)
        assert record[key] == (value if is_number else None)
