"""The page: one file with the field, what evaluates it and what shows it, and nothing besides.

It asks nothing of the network, and its policy forbids that: the browser runs the scripts and takes
the style whose digests are named, and loads nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import json
import re
from typing import TYPE_CHECKING, Any, Final

from sinefit.errors import SettingError
from sinefit.networks.sine import SINE
from sinefit.version import __version__
from sinefit.view.description import describe_field
from sinefit.view.mapping import usually_mapped
from sinefit.view.soundtrack import playable_soundtrack
from sinefit.view.weights import layout_of, weight_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.fields.field import Field
    from sinefit.view.original import Original

MOST_BYTES: Final = 400 * 2**20
"""Of weights in one page, before base64: a browser reads about as much text."""
_SHARED: Final = ("field.js", "draws.js", "evaluate.js")
"""What the page and its worker have in common."""
_SCRIPTS: Final = (
    *_SHARED,
    "gpu.js",
    "workers.js",
    "tiles.js",
    "picture.js",
    "controls.js",
    "place.js",
    "player.js",
    "picture_page.js",
    "waveform.js",
    "sound_page.js",
    "main.js",
)
_SHADERS: Final = {"quad": "quad.vert", "network": "network.frag", "show": "show.frag"}


def page_pieces(field: Field, name: str, original: Original | None = None) -> Iterator[bytes]:
    """Yield the page of a field, piece by piece, UTF-8; `name` is its title.

    Raises SettingError for a field that a page cannot show.
    """
    _check(field)
    field = usually_mapped(field)
    script = _joined(_SCRIPTS)
    style = _text("page.css")
    template = _text("page.html")
    said = describe_field(field, name, original)
    parts = {
        "policy": _policy(f"\n{script}\n", f"\n{style}\n"),
        "version": __version__,
        "title": html.escape(name),
        "style": style,
        "worker": _joined((*_SHARED, "worker.js")),
        "shaders": "\n".join(
            f'<script type="text/plain" id="shader-{shader}">\n{_text(file)}\n</script>'
            for shader, file in _SHADERS.items()
        ),
        "script": script,
    }
    for piece in re.split(r"(\{\w+\})", template):
        part = piece[1:-1]
        if piece == "{data}":
            yield from _data(field, said, original)
        elif piece.startswith("{") and part in parts:
            yield parts[part].encode()
        else:
            yield piece.encode()


def json_in_html(values: dict[str, Any]) -> str:
    """Return JSON that holds nothing which HTML takes for markup, whatever the values are."""
    text = json.dumps(values, allow_nan=False)  # ASCII: every other letter is escaped
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _check(field: Field) -> None:
    family = field.network.family.name
    if family != SINE.name:
        raise SettingError(
            f"a page evaluates plain sine networks, this field has {family} ones: render it instead"
        )
    if field.numbers is not None:
        raise SettingError("a field that was read in part has no page: read the whole of it")
    layout = layout_of(field.network)
    size = layout.memberBytes * field.network.members
    if size > MOST_BYTES:
        raise SettingError(
            f"its weights take {size / 2**20:.0f} MB, and a browser reads at most "
            f"{MOST_BYTES / 2**20:.0f} in a page: fit a part of the signal, or reduce it"
        )


def _data(field: Field, said: dict[str, Any], original: Original | None) -> Iterator[bytes]:
    yield b'<script type="application/json" id="field">'
    yield json_in_html(said).encode()
    yield b"</script>\n"
    for number, chunk in enumerate(weight_chunks(field.network)):
        yield f'<script type="text/plain" id="weights-{number}">'.encode()
        yield chunk
        yield b"</script>\n"
    if original is not None:
        yield b'<script type="text/plain" id="original">'
        yield base64.b64encode(original.png)
        yield b"</script>\n"
    sound = playable_soundtrack(field.spec)
    if sound is not None:
        yield b'<script type="text/plain" id="soundtrack">'
        yield base64.b64encode(sound)
        yield b"</script>\n"


def _policy(script: str, style: str) -> str:
    """Return what the browser may run and load: this script, this style, and workers of its own."""
    return (
        f"default-src 'none'; script-src 'sha256-{_digest(script)}'; "
        f"style-src 'sha256-{_digest(style)}'; worker-src blob:"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _joined(names: tuple[str, ...]) -> str:
    return '"use strict";\n\n' + "\n".join(map(_text, names))


def _text(name: str) -> str:
    """Return a file of the page."""
    folder = importlib.resources.files("sinefit.view") / "page"
    return (folder / name).read_text(encoding="utf-8").rstrip()
