from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import sinefit


def test_the_public_names_are_sorted() -> None:
    def case_first(name: str) -> tuple[int, str]:
        """Constants, then classes, then functions: the order that linters ask for."""
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert sinefit.__all__ == sorted(sinefit.__all__, key=case_first)
    assert len(set(sinefit.__all__)) == len(sinefit.__all__)


def test_dir_lists_them() -> None:
    assert dir(sinefit) == sorted(sinefit.__all__)


@pytest.mark.parametrize("name", sinefit.__all__)
def test_every_public_name_can_be_imported_and_is_described(name: str) -> None:
    value = getattr(sinefit, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)
        assert value.__name__ == name


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="'sinefit' has no attribute 'nothing'"):
        sinefit.nothing  # noqa: B018


def test_star_import_gives_them_all() -> None:
    names: dict[str, object] = {}
    exec("from sinefit import *", names)
    assert set(sinefit.__all__) <= names.keys()


def test_importing_the_package_waits_for_no_heavy_library() -> None:
    code = "import sinefit, sys; print(*sorted({'torch', 'numpy', 'typer'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize(
    ("error", "base"),
    [
        ("SettingError", "SinefitError"),
        ("DeviceError", "SettingError"),
        ("InputError", "SinefitError"),
        ("OutputError", "SinefitError"),
        ("OutputExistsError", "OutputError"),
        ("FitDivergedError", "SinefitError"),
    ],
)
def test_the_tree_of_errors(error: str, base: str) -> None:
    assert issubclass(getattr(sinefit, error), getattr(sinefit, base))
    assert issubclass(getattr(sinefit, base), Exception)
