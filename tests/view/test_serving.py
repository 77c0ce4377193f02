from __future__ import annotations

import http.client
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sinefit.errors import SettingError
from sinefit.fields.weights_file import encode_field
from sinefit.view.gallery import Gallery
from sinefit.view.serving import ADDRESS, GalleryServer
from tests.browser import SETTLED
from tests.fields.making import field_of_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GalleryServer]:
    (tmp_path / "two words.safetensors").write_bytes(encode_field(field_of_blocks()))
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with GalleryServer(Gallery(tmp_path), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: GalleryServer, path: str, host: str | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(ADDRESS, server.server_address[1], timeout=60)
    try:
        connection.request("GET", path, headers={} if host is None else {"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def test_the_gallery_its_pages_and_its_pictures(server: GalleryServer) -> None:
    status, kind, front = ask(server, "/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert b"two%20words.html" in front
    status, kind, page = ask(server, "/two%20words.html")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert b"<title>two words</title>" in page
    status, kind, picture = ask(server, "/two%20words.png")
    assert (status, kind, picture[:4]) == (200, "image/png", b"\x89PNG")


@pytest.mark.parametrize(
    "path", ["/two%20words", "/missing.html", "/..%2ftwo%20words.html", "/%ff.png", "//x/y"]
)
def test_what_is_not_there(path: str, server: GalleryServer) -> None:
    assert ask(server, path)[0] == 404


def test_a_field_that_cannot_be_read_is_told(server: GalleryServer) -> None:
    status, kind, body = ask(server, "/broken.html")
    assert (status, kind) == (422, "text/plain; charset=utf-8")
    assert b"broken.safetensors" in body


def test_other_names_of_this_address_are_refused(server: GalleryServer) -> None:
    port = server.server_address[1]
    for host in (f"evil.example:{port}", "127.0.0.1.evil.example", ""):
        assert ask(server, "/", host)[0] == 403
    for host in (f"localhost:{port}", f"127.0.0.1:{port}"):
        assert ask(server, "/", host)[0] == 200


def test_a_taken_port_is_told(server: GalleryServer) -> None:
    with pytest.raises(SettingError, match="take another"):
        GalleryServer(server.gallery, server.server_address[1])
    with pytest.raises(SettingError, match="65535"):
        GalleryServer(server.gallery, -1)


def test_a_click_leads_to_a_field(server: GalleryServer, browser: Any) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(server.address)
    assert page.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    page.locator("a").click()
    page.wait_for_selector(SETTLED)
    assert page.title() == "two words"
    page.close()
    # A browser asks for an icon of its own accord.
    assert [text for text in complaints if "404" not in text] == []
