"""A page in a real browser: Chromium without a screen, its GPU in software."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = (
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--force-color-profile=srgb",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",  # which root has not
)
SETTLED = 'html[data-state="settled"]'
WAIT = 90_000  # milliseconds; a busy machine draws slowly


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start Chromium; a test that wants one is skipped where there is none."""
    driver = pytest.importorskip("playwright.sync_api", reason="no playwright (extra view-test)")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with driver.sync_playwright() as play:
        try:
            started = play.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        except driver.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Give what opens a page's file and waits until it has drawn everything.

    `before` is a script that runs before those of the page.

    At the end no page may have complained or asked for anything but itself.
    """
    asked: list[str] = []
    complaints: list[str] = []
    contexts = []

    def visit(
        path: Path, place: str = "webgl", size: tuple[int, int] = (320, 240), before: str = ""
    ) -> Any:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        if before:
            page.add_init_script(before)
        page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        asked.clear()
        page.goto(f"{path.as_uri()}#{place}")
        page.wait_for_selector(SETTLED)
        # Workers are made of the page's own text.
        assert [url for url in asked if not url.startswith("blob:")] == [path.as_uri()]
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
    assert len([url for url in asked if not url.startswith("blob:")]) <= 1
