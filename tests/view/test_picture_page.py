"""A picture's page in a browser: what is drawn, and what keys, wheel and buttons do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.fields.field import Field
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.grid import GridAxis
from sinefit.view.original import original_of
from tests.engines.making import random_network
from tests.fields.making import field_of_blocks
from tests.rendering.making import array_spec, clip_spec, field_of, image_spec
from tests.view.making import (
    go_to,
    in_colours,
    make_page,
    pixels_of,
    place_of,
    press,
    soundtrack_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Visit = Callable[..., Any]

WIDTH, HEIGHT = 320, 240
"""Of the screen."""


def faded(network: Network) -> Network:
    """Bring a random network's values, mostly, between -1 and 1."""
    values = network.values.detach().clone()
    found = Network(network.family, network.size, values)
    last = network.size.depth
    found.parameters[f"layers.{last}.weight"].mul_(0.5)
    return found


def fields() -> dict[str, Field]:
    """Return fields of every sort that a picture can be of, small ones."""
    blocks = field_of_blocks()  # 40x30, five neurons: no multiple of four
    one = faded(random_network(NetworkSize(2, 12, 3, 1), 1, seed=3))
    wide = faded(random_network(NetworkSize(2, 72, 2, 4), 1, seed=4))  # beyond a uniform block
    sphere_spec = array_spec((20, 36), domain="sphere", low=-1.0, high=1.0)
    whole = faded(random_network(NetworkSize(3, 8, 2, 1), 1, seed=5))
    around = BlockGrid.over(sphere_spec, (2, 3), (3, 4))
    several = faded(random_network(NetworkSize(2, 8, 2, 1), around.count, seed=6))
    of_each = BlockGrid.over(image_spec((30, 40)), (2, 2), (3, 2), ensemble=3)
    each = faded(random_network(NetworkSize(2, 8, 2, 1), of_each.count, seed=7))
    return {
        "blocks": Field(faded(blocks.network), blocks.spec, blocks.record, blocks.blocks),
        "one": field_of(image_spec((30, 40)), one),
        "ensemble": field_of(image_spec((30, 40)), each, of_each),
        "wide": field_of(replace(image_spec((30, 40), channels=4), alpha=True), wide),
        "sphere": field_of(sphere_spec, whole),
        "around the sphere": field_of(sphere_spec, several, around),
    }


FIELDS = fields()


def shown_on(background: NDArray[Any], field: Field, scale: int) -> NDArray[np.int64]:
    """Return what a render at a scale looks like in colours on the screen's middle."""
    rows, columns = field.spec.shape
    left, top = round(WIDTH / 2 - columns / 2 * scale), round(HEIGHT / 2 - rows / 2 * scale)
    x0, y0 = max(0, -left), max(0, -top)
    x1, y1 = min(columns * scale, WIDTH - left), min(rows * scale, HEIGHT - top)
    axes = (
        GridAxis(rows, y0 / scale, 1 / scale, y1 - y0),
        GridAxis(columns, x0 / scale, 1 / scale, x1 - x0),
    )
    spec = field.spec.with_shape((y1 - y0, x1 - x0))
    values = np.concatenate(list(render_values(field, RenderPlan(axes, spec))))
    unit = np.clip(values.astype(np.float64) / 2 + 0.5, 0, 1)
    place = (slice(top + y0, top + y1), slice(left + x0, left + x1))
    expected = background.astype(np.float64)
    if field.spec.alpha:
        rows_, columns_ = np.ogrid[top + y0 : top + y1, left + x0 : left + x1]
        squares = 0.8 + 0.13 * ((rows_ // 12 + columns_ // 12) % 2)[..., None]
        unit = unit[..., 3:] * unit[..., :3] + (1 - unit[..., 3:]) * squares
    expected[place] = np.broadcast_to(255 * unit, (*unit.shape[:2], 3))
    return np.rint(expected).astype(np.int64)


@pytest.mark.parametrize("backend", ["webgl", "worker"])
@pytest.mark.parametrize("name", FIELDS)
def test_pixels_are_those_of_a_render(
    name: str, backend: str, tmp_path: Path, visit: Visit
) -> None:
    field = FIELDS[name]
    rows, columns = field.spec.shape
    page = visit(make_page(tmp_path / "field.html", field), f"{backend}&bare")
    for scale in (1, 4, 64):
        go_to(page, f"x={columns / 2}&y={rows / 2}&zoom={scale}")
        pixels = pixels_of(page).astype(np.int64)
        expected = shown_on(np.full_like(pixels, 18), field, scale)
        inside = np.abs(expected - 18).max(axis=2) > 0
        # A plain canvas keeps colours times their opacity, in 8 bits.
        most = 2 if field.spec.alpha and backend == "worker" else 1
        assert np.abs(pixels - expected)[inside].max() <= most
        # And it is a picture: neither flat nor one step off everywhere.
        assert expected[inside].std() > 1
        assert np.abs(pixels - expected)[inside].mean() < 0.3


def test_the_picture_is_what_the_command_renders(tmp_path: Path, visit: Visit) -> None:
    """The samples that `render` gives, rounded to 8 bits, at a part's 64-fold scale."""
    field = FIELDS["blocks"]
    path = make_page(tmp_path / "field.html", field)
    pixels = pixels_of(visit(path, "webgl&bare&x=20&y=15&zoom=64"))
    part = field.render(scale=64, region=(17.5, 13.125, 5, 3.75)).samples
    assert np.abs(pixels - in_colours(part)).max() <= 1


@pytest.mark.parametrize("backend", ["webgl", "worker"])
@pytest.mark.parametrize("name", ["blocks", "sphere"])
def test_the_gradient_is_that_of_differences(
    name: str, backend: str, tmp_path: Path, visit: Visit
) -> None:
    field = FIELDS[name]
    rows, columns = field.spec.shape
    path = make_page(tmp_path / "field.html", field)
    place = f"{backend}&bare&x={columns / 2}&y={rows / 2}&zoom=4&view=slope"
    pixels = pixels_of(visit(path, place)).astype(np.int64)

    def brightness(x: float, y: float) -> NDArray[np.float64]:
        axes = (
            GridAxis(rows, 1 + y, 0.25, (rows - 2) * 4),
            GridAxis(columns, 1 + x, 0.25, (columns - 2) * 4),
        )
        spec = field.spec.with_shape(tuple(axis.count for axis in axes))
        (values,) = render_values(field, RenderPlan(axes, spec))
        parts = np.array([0.2126, 0.7152, 0.0722])[: field.spec.channels]
        return values.astype(np.float64) @ (parts if len(parts) == 3 else np.ones(1))

    step = 2.0**-6
    across = (brightness(step, 0) - brightness(-step, 0)) / (2 * step)
    down = (brightness(0, step) - brightness(0, -step)) / (2 * step)
    # The brightest of three colours tells the size, of which the page shows four times a half.
    expected = 255 * np.clip(2 * np.hypot(across, down), 0, 1)
    top, left = HEIGHT // 2 - rows * 2 + 4, WIDTH // 2 - columns * 2 + 4
    shown = pixels[top : top + expected.shape[0], left : left + expected.shape[1]].max(axis=2)
    assert np.abs(shown - expected).max() <= 2
    assert expected.std() > 3


def test_keys_wheel_and_double_click_move_the_view(tmp_path: Path, visit: Visit) -> None:
    page = visit(make_page(tmp_path / "field.html", FIELDS["blocks"]))
    assert place_of(page) == {}  # the whole picture, of which the address need not tell
    press(page, "+")
    whole = 8  # 320 / 40
    assert place_of(page) == {"x": 20, "y": 15, "zoom": 2 * whole}
    press(page, "ArrowRight", "ArrowDown")
    assert place_of(page) == {"x": 22, "y": 16.5, "zoom": 16}
    press(page, "-", "-")
    assert place_of(page)["zoom"] == 4
    press(page, "1")
    assert place_of(page)["zoom"] == 1
    press(page, "0")
    assert place_of(page) == {}
    # What is under the pointer stays there.
    page.mouse.move(80, 60)
    before = page.locator("#where").text_content().split()[1:5]
    page.mouse.wheel(0, -250)
    press(page)
    assert place_of(page)["zoom"] == pytest.approx(16)
    after = page.locator("#where").text_content().split()[1:5]
    assert float(after[1]) == pytest.approx(float(before[1]), abs=0.1)
    assert float(after[3]) == pytest.approx(float(before[3]), abs=0.1)
    page.mouse.dblclick(80, 60)
    press(page)
    assert place_of(page)["zoom"] == pytest.approx(32)
    before_drag = place_of(page)
    page.mouse.down()
    page.mouse.move(112, 60, steps=3)
    page.mouse.up()
    press(page)
    assert place_of(page)["x"] == pytest.approx(before_drag["x"] - 1, abs=0.05)


def test_figures_and_keys_are_shown_when_asked_for(tmp_path: Path, visit: Visit) -> None:
    page = visit(make_page(tmp_path / "field.html", FIELDS["blocks"]), size=(900, 600))
    assert not page.locator("#facts").is_visible()
    press(page, "i")
    assert "30.00 dB" in page.locator("#facts").inner_text()
    page.get_by_role("button", name="?").click()
    assert page.locator("#keys").is_visible()
    assert not page.locator("#facts").is_visible()
    assert page.locator("#scalebar span").inner_text() == "5 px"
    assert page.locator("#scalebar i").bounding_box()["width"] == pytest.approx(5 * 20, abs=1)
    press(page, "h")
    assert not page.locator("#tools").is_visible()


def test_the_original_is_held_against_the_field(tmp_path: Path, visit: Visit) -> None:
    field = FIELDS["blocks"]
    exact = field.render()
    page = visit(
        make_page(tmp_path / "a.html", field, original=original_of(exact, field.spec)),
        "webgl&bare&x=20&y=15&zoom=4",
    )
    inside = (slice(60, 180), slice(80, 240))
    field_alone = pixels_of(page)[inside]
    press(page, "o")
    assert page.locator("#divider").is_visible()
    page.evaluate("document.getElementById('divider').style.opacity = 0")
    beside = pixels_of(page)[inside].astype(np.int64)
    enlarged = np.kron(in_colours(exact.samples), np.ones((4, 4, 1), np.int64))
    np.testing.assert_array_equal(beside[:, :80], enlarged[:, :80])
    np.testing.assert_array_equal(beside[:, 80:], field_alone[:, 80:])
    # Moved with its keys, the divider leaves the field alone.
    page.locator("#divider").focus()
    press(page, "Home")
    np.testing.assert_array_equal(pixels_of(page)[inside], field_alone)
    press(page, "o")
    # On its own grid the field differs from that original by what 8 bits leave out.
    press(page, "1", "e")
    error = pixels_of(page)[105:135, 140:180]
    assert error.max() <= 8 * 0.5 + 1
    # Between the samples it does not follow their steps.
    go_to(page, "x=20&y=15&zoom=4&view=error")
    assert pixels_of(page)[inside].max() > 20


@pytest.mark.parametrize("backend", ["webgl", "worker"])
def test_a_slice_of_an_array_is_chosen_along_its_other_axes(
    backend: str, tmp_path: Path, visit: Visit
) -> None:
    spec = array_spec((6, 20, 30), low=-1.0, high=1.0)
    blocks = BlockGrid.over(spec, (2, 1, 2), (1, 0, 3))
    field = field_of(spec, faded(random_network(NetworkSize(3, 6, 2, 1), 4, seed=8)), blocks)
    page = visit(make_page(tmp_path / "a.html", field), f"{backend}&bare&x=15&y=10&zoom=4")
    slider = page.locator("#axes input")
    for position in (3.5, 2.8, 0.0):
        slider.evaluate(
            "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')); }",
            position,
        )
        press(page)
        axes = (
            GridAxis(6, position - 0.5, 1.0, 1),
            GridAxis(20, 0.0, 0.25, 80),
            GridAxis(30, 0.0, 0.25, 120),
        )
        plan = RenderPlan(axes, spec.with_shape((1, 80, 120)))
        (values,) = render_values(field, plan)
        expected = np.clip(127.5 * (values[0].astype(np.float64) + 1), 0, 255)
        shown = pixels_of(page)[80:160, 100:220]
        assert np.abs(shown - expected).max() <= 1


def test_a_clip_plays_steps_and_can_be_stopped(tmp_path: Path, visit: Visit) -> None:
    spec = clip_spec((6, 12, 16))
    field = field_of(spec, faded(random_network(NetworkSize(3, 6, 2, 3), 1, seed=9)))
    page = visit(make_page(tmp_path / "a.html", field), size=(640, 480))
    told = page.locator("#axes output")

    def seconds() -> float:
        return float(told.text_content().split()[0])

    press(page, ".", ".")
    assert seconds() == pytest.approx(2.5 * 1001 / 30000, abs=6e-4)
    press(page, ",")
    assert seconds() == pytest.approx(1.5 * 1001 / 30000, abs=6e-4)
    page.get_by_label("Speed").select_option("0.02")
    page.keyboard.press(" ")
    page.wait_for_timeout(800)
    page.keyboard.press(" ")
    press(page)
    first = seconds()
    assert first > 1.5 * 1001 / 30000
    page.wait_for_timeout(200)
    assert seconds() == first


# Keeps what is played when, on a real loudspeaker.
LISTENING = """
window.heard = [];
const RealContext = AudioContext;
window.AudioContext = class extends RealContext {
    createBufferSource() {
        const source = super.createBufferSource();
        const [start, stop] = [source.start.bind(source), source.stop.bind(source)];
        source.start = (when, from) => {
            const { duration, numberOfChannels } = source.buffer;
            heard.push([from, source.playbackRate.value, duration, numberOfChannels]);
            start(when, from);
        };
        source.stop = () => { heard.push("stop"); stop(); };
        return source;
    }
};
"""


def test_the_sound_of_a_clip_is_heard_with_it(tmp_path: Path, visit: Visit) -> None:
    turn = 2 * np.pi * 440 * np.arange(8000) / 8000
    waves = np.rint(np.sin(turn) * 9000).astype(np.int16)[:, None]
    spec = clip_spec((30, 4, 6), soundtrack=soundtrack_of(waves, 8000))
    field = field_of(spec, faded(random_network(NetworkSize(3, 4, 1, 3), 1, seed=9)))
    page = visit(make_page(tmp_path / "a.html", field), before=LISTENING)
    rate = float(field.spec.rate or 0)

    def heard(count: int) -> Any:
        page.wait_for_function(f"heard.length >= {count}")
        return page.evaluate("heard")

    for _ in range(15):
        page.keyboard.press(".")
    page.get_by_label("Speed").select_option("0.25")
    page.keyboard.press(" ")
    (begun,) = heard(1)
    # It begins where the picture is, or as much later as it has taken to be decoded.
    assert 15.5 / rate <= begun[0] < 1.0
    assert begun[1:] == [0.25, pytest.approx(1.0, abs=0.01), 1]
    page.keyboard.press(" ")
    assert heard(2)[1] == "stop"


def test_two_fingers_magnify_about_their_middle(tmp_path: Path, visit: Visit) -> None:
    page = visit(make_page(tmp_path / "a.html", FIELDS["one"]), "webgl&bare&x=20&y=15&zoom=4")
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (180.0, 120.0), (220.0, 120.0))
    fingers("touchMove", (160.0, 120.0), (240.0, 120.0))
    fingers("touchEnd")
    press(page)
    seen = place_of(page)
    # Between the fingers is what lay there before: ten samples right of the middle of the screen.
    assert seen["zoom"] == pytest.approx(8.0, rel=1e-3)
    assert seen["x"] + 40 / seen["zoom"] == pytest.approx(30.0, abs=0.01)
    assert seen["y"] == pytest.approx(15.0, abs=0.01)


HOSTILE = (
    "</script><script>document.title='taken'</script>"
    "<img src=x onerror=\"document.title='t'\">&lt;{data}"
)


def test_a_hostile_name_stays_a_name(tmp_path: Path, visit: Visit) -> None:
    field = FIELDS["blocks"]
    record = replace(field.record, initializer=f"siren:{HOSTILE}")
    path = make_page(tmp_path / "a.html", replace(field, record=record), HOSTILE)
    page = visit(path)
    press(page, "i")
    assert page.title() == HOSTILE
    assert page.locator("#name").text_content() == HOSTILE
    assert HOSTILE in page.locator("#facts").text_content()
    assert page.locator("img").count() == 0
