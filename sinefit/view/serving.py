"""A gallery on this machine's own address: what other machines and other sites cannot reach."""

from __future__ import annotations

import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from sinefit.errors import SettingError, SinefitError
from sinefit.view.gallery import PAGE, PICTURE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sinefit.view.gallery import Gallery

ADDRESS: Final = "127.0.0.1"
_HOSTS: Final = (ADDRESS, "localhost")


class GalleryServer(ThreadingHTTPServer):
    """Serves a gallery on the loopback address, until it is shut down."""

    daemon_threads = True

    def __init__(self, gallery: Gallery, port: int) -> None:
        """Take the port, or with 0 any free one; raises SettingError where that cannot be."""
        self.gallery = gallery
        self.evaluating = threading.Lock()
        """Held while a small picture is made: one uses all cores already."""
        if not 0 <= port < 2**16:
            raise SettingError(f"`port` is {port}: it must be from 0 to 65535")
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            reason = error.strerror or error
            raise SettingError(f"`port` is {port}: {reason}; take another, or 0") from error

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that has gone away; of anything else what the server says."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def address(self) -> str:
        """Where the gallery is."""
        return f"http://{ADDRESS}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: GalleryServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # A site elsewhere can have its name lead to this address: it is not what we are called.
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if host not in _HOSTS:
            self._send(HTTPStatus.FORBIDDEN, "text/plain", [b"not the name of this server"])
            return
        path = unquote_to_bytes(urlsplit(self.path).path).decode("utf-8", "surrogateescape")
        try:
            found = self._answer(path.removeprefix("/"))
        except SinefitError as error:
            self._send(HTTPStatus.UNPROCESSABLE_ENTITY, "text/plain", [str(error).encode()])
            return
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", [b"there is no such field"])
            return
        self._send(HTTPStatus.OK, *found)

    def _answer(self, name: str) -> tuple[str, Iterable[bytes]] | None:
        gallery = self.server.gallery
        if name == "":
            return "text/html", [gallery.front()]
        if name.endswith(PAGE):
            page = gallery.page(name.removesuffix(PAGE))
            # All of it, so that what cannot be shown is told and not begun.
            return None if page is None else ("text/html", [b"".join(page)])
        if name.endswith(PICTURE):
            with self.server.evaluating:
                picture = gallery.picture(name.removesuffix(PICTURE))
            return None if picture is None else ("image/png", [picture])
        return None

    def _send(self, status: HTTPStatus, kind: str, content: Iterable[bytes]) -> None:
        body = b"".join(content)
        self.send_response(status)
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        self.send_header("Content-Type", f"{kind}{charset}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: standard error is for what a person must know."""
