from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import OutputError, OutputExistsError, SettingError
from sinefit.exporting.writing import ENDINGS, export_format, write_export
from tests.fields.making import field_of_blocks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("format", "ending"), ENDINGS.items())
def test_the_format_follows_the_name_or_what_is_asked_for(format: str, ending: str) -> None:
    assert export_format(f"a{ending}", None) == format
    assert export_format(f"a{ending.upper()}", format) == format
    assert export_format("a.dat", format) == format
    assert export_format("-", format) == format
    other = next(one for one in ENDINGS if one != format)
    with pytest.raises(SettingError, match="drop one of them"):
        export_format(f"a{ending}", other)


def test_an_unknown_format_is_told_with_those_there_are() -> None:
    with pytest.raises(SettingError, match=r"onnx \(\.onnx\)"):
        export_format("a.dat", None)
    with pytest.raises(SettingError, match="can be onnx, torch, numpy, glsl"):
        export_format("a.dat", "tflite")


def test_code_has_its_weights_beside_it(tmp_path: Path) -> None:
    field = field_of_blocks()
    code, weights = tmp_path / "a.py", tmp_path / "a.npz"
    assert write_export(field, code, "numpy", force=False) == [code, weights]
    with pytest.raises(OutputExistsError):
        write_export(field, code, "numpy", force=False)
    code.unlink()
    # Neither of the two is written where one of them cannot be.
    with pytest.raises(OutputExistsError):
        write_export(field, code, "numpy", force=False)
    assert not code.exists()
    write_export(field, code, "numpy", force=True)
    with pytest.raises(OutputError, match="two files"):
        write_export(field, "-", "glsl", force=False)


def test_a_field_read_in_part_is_refused(tmp_path: Path) -> None:
    field = field_of_blocks()
    part = replace(field, numbers=(1,), network=field.network.part(range(1, 2)))
    with pytest.raises(SettingError, match="in part"):
        write_export(part, tmp_path / "a.py", "numpy", force=False)
