from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.fitting.config import FitConfig
from sinefit.initializers.registry import parse_initializer
from sinefit.jobs.settings import JobSettings, with_reading
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = FitConfig(parse_initializer("siren"))
PIXELS = st.integers(0, 99)
SIZES = st.integers(1, 99)


@given(
    kind=st.sampled_from([None, "image", "audio", "video", "array"]),
    input_format=st.sampled_from([None, "png", "wav"]),
    sound=st.booleans(),
    selection=st.builds(
        Selection,
        start=st.floats(0, 1e6),
        duration=st.none() | st.floats(1e-3, 1e6),
        region=st.none() | st.tuples(PIXELS, PIXELS, SIZES, SIZES),
        downsample=SIZES,
        grey=st.booleans(),
        channels_last=st.booleans(),
        domain=st.sampled_from(["grid", "sphere"]),
    ),
)
def test_how_an_input_is_read_survives_json(**how: Any) -> None:
    settings = JobSettings(CONFIG, **how)
    kept = json.loads(json.dumps(settings.reading))
    assert with_reading(JobSettings(CONFIG), kept) == settings


def test_the_start_has_its_whole_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert JobSettings(CONFIG).start_place is None
    monkeypatch.chdir(tmp_path)
    place = JobSettings(CONFIG, start_from="w.safetensors").start_place
    monkeypatch.chdir("/")
    assert place == str(tmp_path / "w.safetensors")
    assert JobSettings(CONFIG, start_from=place).start_place == place


def test_settings_of_wrong_types_are_refused() -> None:
    for name, value in (("selection", 3), ("checkpoint_every", "soon")):
        with pytest.raises(SettingError, match=f"^`{name}` is"):
            JobSettings(CONFIG, **{name: value})  # type: ignore[arg-type]
