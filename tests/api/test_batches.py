from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import sinefit
from sinefit.errors import (
    SettingError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field


def test_what_is_no_function_and_neither_true_nor_false_is_refused_at_once(
    field: Field, photo: Path
) -> None:
    before = sorted(photo.parent.iterdir())
    wrong: Any = 3
    for call in (
        lambda: sinefit.evaluate(field, photo, on_share=wrong),
        lambda: sinefit.fit_many(photo, on_end=wrong),
        lambda: sinefit.fit_many(photo, should_stop=wrong),
        lambda: sinefit.fit_many(photo, force=wrong),
        lambda: sinefit.fit_many(photo, sound=wrong),
        lambda: sinefit.fit_many(photo, recursive=wrong),
        lambda: sinefit.fit_many(photo, together=wrong),
        lambda: sinefit.fit_many(photo, skip_existing=wrong),
        lambda: sinefit.resume("missing", on_notice=wrong),
        lambda: sinefit.resume("missing", force=wrong),
        lambda: sinefit.FitHooks(on_field=wrong),
    ):
        with pytest.raises(SettingError, match=r"^`[a-z_]+` is 3: it must be (a function|True or)"):
            call()
    assert sorted(photo.parent.iterdir()) == before
