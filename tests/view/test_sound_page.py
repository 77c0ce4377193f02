"""A sound's page in a browser: the waveform that is drawn, and what goes to the loudspeaker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.grid import GridAxis
from tests.engines.making import random_network
from tests.rendering.making import array_spec, field_of, sound_spec
from tests.view.making import FRAMES, go_to, make_page, pixels_of, place_of, press

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.fields.field import Field

    Visit = Callable[..., Any]

SIZE = 3000


def sound(channels: int = 1) -> Field:
    spec = sound_spec(SIZE, channels=channels)  # 8000 Hz, from -0.5 to 0.5
    blocks = BlockGrid.over(spec, (9,), (40,))
    network = random_network(NetworkSize(1, 10, 2, channels), blocks.count, seed=2)
    network.parameters["layers.0.weight"].mul_(40.0)
    network.parameters["layers.2.weight"].mul_(0.25)
    network.parameters["layers.2.bias"].mul_(0.1)
    return field_of(spec, network, blocks)


def values_at(field: Field, start: float, step: float, count: int) -> NDArray[np.float64]:
    """Values in about [-1, 1], (count, channels), at the centres of cells from `start` on."""
    plan = RenderPlan((GridAxis(SIZE, start, step, count),), field.spec.with_shape((count,)))
    return np.concatenate(list(render_values(field, plan))).astype(np.float64)


def painted(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell where the first channel's colour is."""
    near: NDArray[np.bool_] = np.abs(pixels.astype(int) - (90, 170, 250)).max(axis=2) < 130
    return near


@pytest.mark.parametrize("backend", ["webgl", "worker"])
def test_columns_show_the_extent_of_their_values(
    backend: str, tmp_path: Path, visit: Visit
) -> None:
    field = sound()
    page = visit(make_page(tmp_path / "a.html", field), f"{backend}&bare", (300, 200))
    shown = painted(pixels_of(page))
    # Ten samples a column: sixteen values lie closer than half a sample.
    values = values_at(field, 0.0, 10 / 16, 300 * 16).reshape(300, 16)
    assert np.abs(values).max() < 1
    rows = np.arange(200)[:, None]
    middle, half = 100.0, 92.0  # a margin of 4 % above and below
    top, bottom = middle - half * values.max(axis=1), middle - half * values.min(axis=1)
    outer, inner = (
        (rows < top - 2) | (rows > bottom + 2),
        (rows > top + 1.5) & (rows < bottom - 1.5),
    )
    marked = 2  # columns with the mark
    assert not shown[:, marked:][outer[:, marked:]].any()
    assert shown[:, marked:][inner[:, marked:]].all()
    assert inner.mean() > 0.03


def test_far_in_the_waveform_is_a_line_through_the_samples(tmp_path: Path, visit: Visit) -> None:
    field = sound()
    page = visit(make_page(tmp_path / "a.html", field), "webgl&bare", (300, 200))
    go_to(page, "x=1500&zoom=10")
    shown = painted(pixels_of(page))
    values = values_at(field, 1485.0, 0.1, 300)[:, 0]
    for column in range(5, 295):
        found = np.flatnonzero(shown[:, column])
        expected = 100 - 92 * values[column]
        # Dots have a radius of three pixels, lines a slope.
        assert found.min() - 5 < expected < found.max() + 5
        assert np.ptp(found) < 12 + 3 * 92 * np.abs(np.diff(values)).max()


def test_keys_and_wheel_move_along(tmp_path: Path, visit: Visit) -> None:
    page = visit(make_page(tmp_path / "a.html", sound(2)), "webgl", (300, 200))
    press(page, "+", "+")
    assert place_of(page) == {"x": 1500, "zoom": pytest.approx(0.4)}
    press(page, "ArrowRight")
    assert place_of(page)["x"] == pytest.approx(1575)
    page.mouse.move(150, 50)
    page.mouse.wheel(0, 250)
    press(page)
    assert place_of(page)["zoom"] == pytest.approx(0.2)
    page.mouse.wheel(30, 0)
    press(page)
    assert place_of(page)["x"] == pytest.approx(1725)
    press(page, "0")
    assert place_of(page) == {}
    assert page.locator("#scalebar span").inner_text() == "100 ms"


def test_an_array_of_one_axis_has_a_waveform_and_no_loudspeaker(
    tmp_path: Path, visit: Visit
) -> None:
    field = field_of(array_spec((400,)))
    page = visit(make_page(tmp_path / "a.html", field), "webgl", (300, 200))
    assert painted(pixels_of(page)).any()
    assert page.get_by_role("button", name="Play").count() == 0
    assert page.locator("#scalebar span").inner_text().endswith("samples")


# Stands for the loudspeaker: keeps what it is given, and lets time go by fast.
LOUDSPEAKER = """
window.given = [];
window.AudioContext = class {
    sampleRate = 6000;
    begun = performance.now();
    get currentTime() { return (performance.now() - this.begun) / 250; }
    resume() {}
    createBuffer(channels, count) {
        const data = Array.from({ length: channels }, () => new Float32Array(count));
        return { data, getChannelData: (channel) => data[channel] };
    }
    createBufferSource() {
        return {
            connect() {},
            stop() {},
            start(time) {
                const data = this.buffer.data.map((one) => [...one]);
                window.given.push({ time, data });
            },
        };
    }
};
"""


@pytest.mark.parametrize("backend", ["webgl", "worker"])
@pytest.mark.parametrize("speed", ["1", "0.25"])
def test_the_loudspeaker_gets_the_field_at_its_own_rate(
    speed: str, backend: str, tmp_path: Path, visit: Visit
) -> None:
    field = sound(2)
    path = make_page(tmp_path / "a.html", field)
    page = visit(path, backend, (600, 300), before=LOUDSPEAKER)
    page.get_by_label("Speed").select_option(speed)
    page.mouse.click(200, 80)  # a third of the way: the mark
    page.keyboard.press(" ")
    play = page.get_by_role("button", name="Play")
    for _ in range(600):
        page.evaluate(FRAMES)
        if play.get_attribute("aria-pressed") == "false" and page.evaluate("given.length"):
            break
    given = page.evaluate("given")
    heard = np.concatenate([np.array(piece["data"]).T for piece in given])
    step = float(speed) * 8000 / 6000
    assert len(heard) == int(np.ceil((SIZE - 1000) / step))
    expected = values_at(field, 1000 - step / 2, step, len(heard)) * 0.5
    # The weights of layers behind the first are rounded to 16 bits.
    np.testing.assert_allclose(heard, expected, atol=2e-4)
    # Each piece begins where the one before it ends.
    lengths = np.array([len(piece["data"][0]) for piece in given]) / 6000
    times = np.array([piece["time"] for piece in given])
    assert (np.diff(times) > lengths[:-1] - 1e-9).all()
