from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.cli.variables import unknown_variables, variable_of

from .making import TINY, invoke, make_picture

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FLAGS = [("fit", "--max-time"), ("render", "--scale")]


def test_the_variable_of_a_flag() -> None:
    assert variable_of("fit", "--max-time") == variable_of("fit", "max-time")
    assert variable_of("fit", "--max-time") == "SINEFIT_FIT_MAX_TIME"


def test_unknown_variables_are_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SINEFIT_FIT_MAX_TIME", "SINEFIT_VERSION", "SINEFIT_CPU_CAPABILITY", "SINEFITS"):
        monkeypatch.setenv(name, "1")
    assert unknown_variables(FLAGS) == []
    monkeypatch.setenv("SINEFIT_FIT_MAXTIME", "1")
    monkeypatch.setenv("SINEFIT_0123456789_0123456789", "1")
    assert unknown_variables(FLAGS) == [
        "SINEFIT_0123456789_0123456789 is the variable of no option",
        "SINEFIT_FIT_MAXTIME is the variable of no option; did you mean SINEFIT_FIT_MAX_TIME?",
    ]


def test_a_command_tells_of_them_unless_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = make_picture(tmp_path / "a.png")
    monkeypatch.setenv("SINEFIT_FIT_STPES", "3")
    monkeypatch.setenv("SINEFIT_RENDER_SCALE", "2")
    note = "sinefit: note: SINEFIT_FIT_STPES is the variable of no option; did you mean SINEFIT_FIT"
    assert [line for line in invoke("info", picture).stderr.splitlines() if "note" in line] == [
        f"{note}_STEPS?"
    ]
    assert note in invoke("fit", picture, *TINY).stderr
    assert invoke("fit", picture, *TINY, "--force", "-q").stderr == ""
