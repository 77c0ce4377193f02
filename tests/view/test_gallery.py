from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import InputError
from sinefit.fields.weights_file import encode_field
from sinefit.picturing import small_picture
from sinefit.view.gallery import SMALL, Gallery
from sinefit.view.page import page_pieces
from tests.fields.making import field_of_blocks
from tests.rendering.making import field_of, sound_spec

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\"><script>alert(1)<!--' {style} #?%41 é"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    content = encode_field(field_of_blocks())
    (tmp_path / "photo.safetensors").write_bytes(content)
    (tmp_path / "photo.ckpt.safetensors").write_bytes(content)
    (tmp_path / f"{HOSTILE.replace('/', '')}.safetensors").write_bytes(content)
    (tmp_path / "sound.safetensors").write_bytes(encode_field(field_of(sound_spec())))
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


def test_weights_files_are_listed_by_name(folder: Path) -> None:
    entries = {entry.name: entry for entry in Gallery(folder).entries()}
    assert set(entries) == {HOSTILE, "broken", "photo", "sound"}
    assert entries["photo"].words == "image, 40x30, 30.0 dB"
    assert [name for name, entry in entries.items() if not entry.is_sound] == ["broken"]


def test_names_are_text_and_lead_to_their_pages(folder: Path) -> None:
    front = Gallery(folder).front().decode()
    assert "<script" not in front
    addresses = re.findall('href="([^"]*)"', front)
    assert sorted(unquote(address) for address in addresses) == sorted(
        f"{name}.html" for name in (HOSTILE, "photo", "sound")
    )
    assert "{" not in re.sub(r"(?s)<style>.*</style>", "", front).replace("{style}", "")


def test_pages_and_pictures_are_those_of_the_fields(folder: Path) -> None:
    gallery, field = Gallery(folder), field_of_blocks()
    page = gallery.page("photo")
    assert page is not None
    assert b"".join(page) == b"".join(page_pieces(field, "photo"))
    picture = gallery.picture("photo")
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as image:
        np.testing.assert_array_equal(np.array(image), small_picture(replace(field), *SMALL))
    with pytest.raises(InputError):
        gallery.page("broken")


@pytest.mark.parametrize("name", ["../photo", "missing", "", "photo.ckpt", "secret.txt", "/etc/x"])
def test_nothing_else_is_there(name: str, folder: Path) -> None:
    assert Gallery(folder).page(name) is None
    assert Gallery(folder).picture(name) is None


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert b"No weights files" in Gallery(tmp_path).front()
