"""What is in a page, without a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.fields.weights_file import encode_field
from sinefit.networks.registry import FAMILIES
from sinefit.networks.size import NetworkSize
from sinefit.view.page import json_in_html, page_pieces
from tests.engines.making import random_network
from tests.fields.making import field_of_blocks
from tests.rendering.making import field_of, image_spec, sound_spec

if TYPE_CHECKING:
    from sinefit.fields.field import Field


class Reader(HTMLParser):
    """The scripts, styles and policy of a page, as a browser finds them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.policy = ""
        self.addresses: list[str] = []
        self._open: str | None = None
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        if tag in ("script", "style", "title"):
            self._open = values.get("id") or tag
            self.texts[self._open] = ""

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.texts[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self._open = None


def page_of(field: Field, name: str = "field") -> Reader:
    return Reader(b"".join(page_pieces(field, name)))


def test_the_policy_lets_nothing_in_but_the_page_itself() -> None:
    page = page_of(field_of_blocks())
    assert page.addresses == []
    digests = {
        tag: base64.b64encode(hashlib.sha256(page.texts[tag].encode()).digest()).decode()
        for tag in ("script", "style")
    }
    assert page.policy.split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{digests['script']}'",
        f"style-src 'sha256-{digests['style']}'",
        "worker-src blob:",
    ]


def test_the_weights_are_those_of_the_field() -> None:
    """The first layer and all biases as they are, the others rounded to float16."""
    size = NetworkSize(2, 33, 4, 3)
    spec = image_spec((50, 50), channels=3)
    blocks = replace(field_of_blocks()).blocks.over(spec, (7, 7), (2, 2))
    field = field_of(spec, random_network(size, blocks.count), blocks)
    page = page_of(field)
    said: dict[str, Any] = json.loads(page.texts["field"])["weights"]
    assert said["chunks"] > 1
    chunks = [base64.b64decode(page.texts[f"weights-{n}"]) for n in range(said["chunks"])]
    assert max(map(len, chunks)) <= 2**18
    for member in range(blocks.count):
        number, row = divmod(member, said["perChunk"])
        content = chunks[number][row * said["memberBytes"] :][: said["memberBytes"]]
        singles = np.frombuffer(content, "<f4", 33 * 2 + 4 * 33 + 3)
        halves = np.frombuffer(content, "<f2", 3 * 33 * 33 + 3 * 33, offset=4 * len(singles))
        own = {name: rows[member].numpy() for name, rows in field.network.parameters.items()}
        biases = [own[f"layers.{layer}.bias"] for layer in range(5)]
        np.testing.assert_array_equal(
            singles, np.concatenate([own["layers.0.weight"].ravel(), *biases])
        )
        others = [own[f"layers.{layer}.weight"].ravel() for layer in range(1, 5)]
        np.testing.assert_array_equal(halves, np.concatenate(others).astype(np.float16))


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text())))
def test_json_in_a_page_has_no_markup_and_is_what_it_was(values: dict[str, Any]) -> None:
    text = json_in_html(values)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == values


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00")))
def test_any_name_is_a_title_and_nothing_else(name: str) -> None:
    field = field_of_blocks()
    page = page_of(replace(field, record=replace(field.record, initializer=name)), name)
    plain = page_of(field)
    assert page.texts["title"] == name
    assert json.loads(page.texts["field"])["name"] == name
    assert page.texts["script"] == plain.texts["script"]
    assert page.texts.keys() == plain.texts.keys()


def test_what_a_page_cannot_show_is_told() -> None:
    finer = random_network(NetworkSize(1, 5, 2, 1), family=FAMILIES["finer"])
    with pytest.raises(SettingError, match="finer"):
        page_of(field_of(sound_spec(), finer))
    part = replace(
        field_of_blocks(), numbers=(1,), network=field_of_blocks().network.part(range(1, 2))
    )
    with pytest.raises(SettingError, match="read in part"):
        page_of(part)


def test_a_page_is_about_as_large_as_a_weights_file_of_16_bits() -> None:
    spec = image_spec((400, 400), channels=3)
    blocks = field_of_blocks().blocks.over(spec, (12, 12), (3, 3))
    field = field_of(spec, random_network(NetworkSize(2, 32, 4, 3), blocks.count), blocks)
    import torch

    plain = field_of(image_spec((1, 1)))
    page, bare = (len(b"".join(page_pieces(one, "a"))) for one in (field, plain))
    stored = len(encode_field(field, torch.float16))
    # Base64 takes a third more, the first layers and biases in 32 bits some 5 %.
    assert (page - bare) / stored < 4 / 3 * 1.07


def test_its_files_have_no_script_that_html_would_end() -> None:
    page = page_of(field_of_blocks())
    for text in page.texts.values():
        assert re.search("</script|<!--", text, re.IGNORECASE) is None
