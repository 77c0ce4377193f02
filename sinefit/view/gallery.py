"""A folder of fields as a page of small pictures, each of which leads to its field's page."""

from __future__ import annotations

import hashlib
import html
import importlib.resources
import io
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from PIL import Image

from sinefit.errors import SinefitError
from sinefit.fields.metadata import SUFFIX, read_file_header
from sinefit.fields.weights_file import read_field
from sinefit.picturing import small_picture
from sinefit.signals.blocks import width_first
from sinefit.view.page import page_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL: Final = (320, 240)
"""Columns and rows of a small picture, at most."""
PAGE, PICTURE = ".html", ".png"


@dataclass(frozen=True)
class Entry:
    """A weights file in the gallery."""

    name: str
    """Of the file, without its ending."""
    words: str
    """What it holds; of one that cannot be read, why not."""
    is_sound: bool
    """Whether it could be read."""


class Gallery:
    """The weights files of a folder, checkpoints and what lies deeper left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entries(self) -> list[Entry]:
        """List the weights files as they are now, in the order of their names."""
        return [self._entry(path) for path in self._paths().values()]

    def front(self) -> bytes:
        """Return the page with all of them."""
        style = _text("gallery.css")
        digest = b64encode(hashlib.sha256(f"\n{style}\n".encode()).digest()).decode()
        figures = "\n".join(map(_figure, self.entries()))
        page = _text("gallery.html")
        for name, part in (
            ("policy", f"default-src 'none'; img-src 'self'; style-src 'sha256-{digest}'"),
            ("title", html.escape(str(self._folder.resolve().name) or "fields")),
            ("style", style),
            # Last, since what is in it may look like a name in braces.
            ("figures", figures or "<p>No weights files (.safetensors) are here.</p>"),
        ):
            page = page.replace(f"{{{name}}}", part, 1)
        return page.encode()

    def page(self, name: str) -> Iterator[bytes] | None:
        """Return the page of a field, None where there is none of this name.

        Raises SinefitError for a file that cannot be read or shown.
        """
        path = self._paths().get(name)
        if path is None:
            return None
        return page_pieces(read_field(path), name)

    def picture(self, name: str) -> bytes | None:
        """Return a small picture of a field, a PNG, None where there is none of this name.

        Raises SinefitError for a file that cannot be read.
        """
        path = self._paths().get(name)
        if path is None:
            return None
        content = io.BytesIO()
        Image.fromarray(small_picture(read_field(path), *SMALL)).save(content, "png")
        return content.getvalue()

    def _paths(self) -> dict[str, Path]:
        """Return the files by their names without the ending; only what is listed is served."""
        found = (path for path in self._folder.glob(f"*{SUFFIX}") if path.is_file())
        return {
            path.name.removesuffix(SUFFIX): path
            for path in sorted(found)
            if not path.name.endswith(f".ckpt{SUFFIX}")
        }

    def _entry(self, path: Path) -> Entry:
        name = path.name.removesuffix(SUFFIX)
        try:
            header = read_file_header(path)
        except SinefitError as error:
            return Entry(name, str(error), is_sound=False)
        spec = header.spec
        words = f"{spec.kind}, {'x'.join(map(str, width_first(spec.shape, spec.kind)))}"
        if header.record.psnr is not None:
            words += f", {header.record.psnr:.1f} dB"
        return Entry(name, words, is_sound=True)


def _figure(entry: Entry) -> str:
    name, words = html.escape(entry.name), html.escape(entry.words)
    caption = f"<figcaption><b>{name}</b><br>{words}</figcaption>"
    if not entry.is_sound:
        return f'<figure class="broken">{caption}</figure>'
    # Bytes that are no UTF-8 go through as they are.
    address = quote(entry.name.encode("utf-8", "surrogateescape"))
    return (
        f'<figure><a href="{address}{PAGE}"><img src="{address}{PICTURE}" alt="" loading="lazy">'
        f"</a>{caption}</figure>"
    )


def _text(name: str) -> str:
    folder = importlib.resources.files("sinefit.view") / "page"
    return (folder / name).read_text(encoding="utf-8").rstrip()
