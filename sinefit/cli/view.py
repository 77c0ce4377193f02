"""`sinefit view`: a weights file as a web page that evaluates it."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import told  # noqa: TC001 (the command line reads it)
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.streams import read_input
from sinefit.cli.weights import read_weights
from sinefit.cli.words.amounts import size
from sinefit.errors import InputError, SettingError
from sinefit.files import check_output, is_stream

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.fields.weights_file import StoredField


def view(
    weights: Annotated[
        str | None,
        typer.Argument(
            metavar="WEIGHTS",
            help="A weights file, - for a pipe; with --port a folder.",
            show_default="what is piped in, else the newest weights file of this folder",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The page, - for a pipe.",
            show_default="beside WEIGHTS: photo.html",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace an existing page.")] = False,
    original: Annotated[
        str | None,
        typer.Option(
            "--with-original",
            metavar="FILE",
            help="Put the picture that was fitted into the page, to be held against the field; "
            "reduced if it has more than two megapixels.",
        ),
    ] = None,
    opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Serve instead a gallery of the folder WEIGHTS, or of this one, to this machine "
            "alone, until Ctrl-C; 0 takes a free port.",
        ),
    ] = None,
    quiet: told.Quiet = False,
) -> None:
    """Write a web page that holds a field and evaluates it on the visitor's GPU.

    One file, without a server: it zooms without end, shows the gradient, and plays sound and video
    at any speed. It asks nothing of the network.
    """
    with exit_codes() as streams:
        from sinefit.view.writing import write_page_file

        messages = Messages(streams, quiet=quiet)
        if port is not None:
            if output is not None or original is not None:
                given = "--output" if output is not None else "--with-original"
                raise SettingError(f"--port serves a folder and writes nothing: drop {given}")
            _serve(weights, port, messages, opened=opened)
            return

        def read(stored: StoredField) -> Field:
            return stored.field()

        field, path = read_weights(weights, output, messages, read, "showing")
        if output is None:
            output = streams.default_output() if path is None else str(path.with_suffix(".html"))
        streams.refuse_terminal(output)
        if opened and is_stream(output):
            raise SettingError(f"--open needs a file, and --output is {output}: name one")
        check_output(output, force=force, source=path)
        signal = None if original is None else read_input(original)
        write_page_file(field, output, original=signal, force=force)
        if not is_stream(output):
            page = Path(output)
            messages.say(f"{page}: {size(page.stat().st_size)}; open it in a browser")
            if opened and not webbrowser.open(page.absolute().as_uri()):
                messages.warn(f"no browser could be started: open {page} by hand")


def _serve(folder: str | None, port: int, messages: Messages, *, opened: bool) -> None:
    """Serve a gallery until a signal ends the command."""
    from sinefit.view.gallery import Gallery
    from sinefit.view.serving import GalleryServer

    path = Path("." if folder is None else folder)
    if not path.is_dir():
        raise InputError(f"{path}: it is no folder, and --port serves a folder of weights files")
    with GalleryServer(Gallery(path), port) as server:
        messages.say(f"{path}: a gallery at {server.address} until Ctrl-C")
        if opened and not webbrowser.open(server.address):
            messages.warn(f"no browser could be started: open {server.address} by hand")
        server.serve_forever()
