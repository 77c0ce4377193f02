from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.cluster.carried import CarriedFile, NotSharedError, SharedFolders, placed
from sinefit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_is_there_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"content")
    assert CarriedFile.of(path).place(tmp_path / "elsewhere") == path
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("seen", [b"contents", b"", None])
def test_another_file_or_none_is_not_the_same(tmp_path: Path, seen: bytes | None) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"content")
    file = CarriedFile.of(path)
    carried = file.loaded()
    path.unlink()
    if seen is not None:
        path.write_bytes(seen)
    with pytest.raises(NotSharedError):
        file.place(tmp_path / "elsewhere")
    copy = carried.place(tmp_path / "elsewhere")
    assert copy.name == "a.txt"
    assert copy.read_bytes() == b"content"


def test_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    files = {}
    for word in ("one", "two"):
        (tmp_path / word).mkdir()
        (tmp_path / word / "a").write_text(word)
        files[word] = CarriedFile.of(tmp_path / word / "a").loaded()
    found = placed(files, tmp_path / "here")
    assert {word: path.read_text() for word, path in found.items()} == {"one": "one", "two": "two"}


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.txt: cannot be read: No such file"):
        CarriedFile.of(tmp_path / "a.txt")


def test_a_folder_is_known_by_a_file_that_goes(tmp_path: Path) -> None:
    (tmp_path / ".cluster.sinefit-of-a-killed-one").touch()
    with SharedFolders() as folders:
        token = folders.token(tmp_path)
        assert folders.token(tmp_path) == token
        assert [str(path) for path in tmp_path.iterdir()] == [token]
    assert not list(tmp_path.iterdir())
