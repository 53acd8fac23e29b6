"""One shot under the eye, in a real browser over the real service: frames, pictures, light, figures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
from playwright.sync_api import Page, expect

from tests.service.serving import Service
from tests.service.web.screen import (
    HEIGHT,
    LIGHT,
    SPILL,
    WIDTH,
    displayed,
    is_middle_grey,
    is_screen,
    is_white,
    opened,
    point,
    share_of,
    stored,
    until_shown,
    value,
)

pytestmark = pytest.mark.timeout(300)


def test_scrubbing_shows_the_frame_that_was_gone_to(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#frame")).to_contain_text("1002")
    page.keyboard.press("End")
    expect(page.locator("#frame")).to_contain_text("1006")
    page.keyboard.press("PageUp")
    expect(page.locator("#frame")).to_contain_text("1001")  # ten back, or as many as there are
    page.keyboard.press("PageDown")
    expect(page.locator("#frame")).to_contain_text("1006")
    track = page.locator(".track")
    track.click(position={"x": 4, "y": 20})
    expect(page.locator("#frame")).to_contain_text("1001")


def test_ten_frames_are_stepped_over_at_once(page: Page, long: str) -> None:
    page.goto(f"{page.url.partition('#')[0]}#/shot/{long}")
    frame = page.locator("#frame")
    expect(frame).to_contain_text("1  (1 of 499)")
    for key, number in (("PageDown", 11), ("PageDown", 21), ("PageUp", 11), ("PageUp", 1), ("PageUp", 1)):
        page.keyboard.press(key)
        expect(frame).to_have_text(f"{number}  ({number} of 499)")


def test_play_goes_through_the_frames_and_stops(page: Page, hero: str) -> None:
    opened(page, hero)
    frame = page.locator("#frame")
    page.keyboard.press("Space")
    expect(frame).not_to_contain_text("1001")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    at = str(frame.text_content())
    page.evaluate("() => new Promise((done) => setTimeout(done, 500))")  # several frames of play
    expect(frame).to_have_text(at)


def test_every_frame_has_its_thumbnail_in_the_filmstrip(page: Page, hero: str) -> None:
    opened(page, hero)
    expect(page.locator(".thumbs img")).to_have_count(6)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.thumbs img')].every((image) => image.complete && image.naturalWidth > 0)"
    )


def test_a_pixel_reads_as_the_float_that_is_in_the_file(page: Page, hero: str, service: Service) -> None:
    opened(page, hero)
    page.keyboard.press("2")
    page.keyboard.press("p")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".readout .where")).to_contain_text(f"foreground  x {WIDTH // 2 + 3}  y {HEIGHT // 2}")
    planes = stored(service, hero, "foreground")
    for channel in "RGBA":
        expect(value(page, channel)).to_have_text(f"{planes[channel][HEIGHT // 2, WIDTH // 2 + 3]:.5f}")


def test_the_readout_follows_the_pointer(page: Page, hero: str, lit: str, service: Service) -> None:
    opened(page, hero)
    page.keyboard.press("2")
    planes = stored(service, hero, "foreground")
    for x, y in ((SPILL.x, SPILL.y), (62, 20)):
        point(page, *share_of(page, x, y))
        expect(page.locator(".readout .where")).to_have_text(f"foreground  x {x}  y {y}")
        for channel in "RGBA":
            expect(value(page, channel)).to_have_text(f"{planes[channel][y, x]:.5f}")
    opened(page, lit)
    page.keyboard.press("1")
    point(page, *share_of(page, LIGHT.x, LIGHT.y))
    expect(value(page, "R")).to_have_text("4.00000")


def test_the_wipe_has_the_composite_left_and_the_plate_right(page: Page, hero: str) -> None:
    opened(page, hero)
    until_shown(page, 0.85, 0.1, is_middle_grey)
    page.keyboard.press("w")
    until_shown(page, 0.85, 0.1, is_screen)
    until_shown(page, 0.15, 0.1, is_middle_grey)
    for _ in range(11):
        page.keyboard.press("[")
    until_shown(page, 0.15, 0.1, is_screen)
    for _ in range(11):
        page.keyboard.press("]")
    until_shown(page, 0.15, 0.1, is_middle_grey)


def test_the_wipe_is_dragged(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("w")
    until_shown(page, 0.85, 0.1, is_screen)
    point(page, 0.5, 0.5)
    page.mouse.down()
    point(page, 0.95, 0.5)
    until_shown(page, 0.85, 0.1, is_middle_grey)
    point(page, 0.05, 0.5)
    until_shown(page, 0.15, 0.1, is_screen)
    page.mouse.up()
    point(page, 0.9, 0.5)
    until_shown(page, 0.15, 0.1, is_screen)


def test_the_difference_is_bright_where_plate_and_composite_differ_and_dark_where_not(page: Page, hero: str) -> None:
    opened(page, hero)
    composite = until_shown(page, 0.85, 0.1, is_middle_grey)
    page.keyboard.press("1")
    plate = until_shown(page, 0.85, 0.1, is_screen)
    page.keyboard.press("4")
    page.keyboard.press("d")
    wanted = [abs(one - other) for one, other in zip(plate, composite, strict=True)]
    assert max(wanted) > 40
    until_shown(page, 0.85, 0.1, lambda *color: list(color) == wanted)
    until_shown(page, 0.5, 0.5, lambda red, green, _: red < 60 and green < 60)


def test_exposure_reveals_what_is_above_1(page: Page, lit: str, service: Service) -> None:
    opened(page, lit)
    page.keyboard.press("1")
    lamp = share_of(page, LIGHT.x, LIGHT.y)
    until_shown(page, *lamp, lambda *color: color == (255, 255, 255))
    for _ in range(6):
        page.keyboard.press("Shift+E")
    # 4 is half of the screen's white three stops down; a picture of eight bits would have an eighth: 99.
    until_shown(page, *lamp, lambda *color: color == (188, 188, 188))
    page.keyboard.press("2")
    planes = stored(service, lit, "foreground")
    red, green, blue = (displayed(float(planes[channel][LIGHT.y, LIGHT.x]), -3.0) for channel in "RGB")
    assert min(red, green, blue) > 180
    until_shown(page, *share_of(page, 5, 5), lambda *color: sum(color) < 6)
    until_shown(page, *lamp, lambda *color: color == (red, green, blue))


def test_gamma_bends_what_is_shown_and_goes_back(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("1")
    spill = share_of(page, SPILL.x, SPILL.y)

    def look(gamma: float) -> tuple[int, ...]:
        return tuple(displayed(linear, 0.0, gamma) for linear in SPILL.color)

    until_shown(page, *spill, lambda *color: color == look(1.0))
    for _ in range(5):
        page.keyboard.press("y")
    until_shown(page, *spill, lambda *color: color == look(1.5))
    for _ in range(8):
        page.keyboard.press("Shift+Y")
    until_shown(page, *spill, lambda *color: color == look(0.7))
    page.keyboard.press("0")
    until_shown(page, *spill, lambda *color: color == look(1.0))
    page.get_by_label("Gamma").fill("2")
    until_shown(page, *spill, lambda *color: color == look(2.0))


def test_keys_zoom_to_pixels_and_pan(page: Page, lit: str) -> None:
    opened(page, lit)
    page.keyboard.press("1")
    until_shown(page, *share_of(page, LIGHT.x, LIGHT.y), is_white)
    page.keyboard.press("h")
    expect(page.locator(".near")).to_have_text("100 %")
    for nearer in (200, 400, 800, 1600):
        page.keyboard.press("+")
        expect(page.locator(".near")).to_have_text(f"{nearer} %")
    page.keyboard.press("-")
    expect(page.locator(".near")).to_have_text("800 %")
    for _ in range(2):
        page.keyboard.press("=")
    expect(page.locator(".near")).to_have_text("3200 %")
    x, y = share_of(page, LIGHT.x, LIGHT.y, 32)
    until_shown(page, x, y, is_white)
    page.keyboard.press("Shift+ArrowRight")
    until_shown(page, x - 0.15, y, is_white)
    page.keyboard.press("Shift+ArrowLeft")
    until_shown(page, x, y, is_white)
    page.keyboard.press("f")
    expect(page.locator(".near")).to_contain_text("Fit")
    until_shown(page, *share_of(page, LIGHT.x, LIGHT.y), is_white)


def test_the_wheel_zooms_where_the_pointer_is_and_dragging_pans(page: Page, lit: str) -> None:
    opened(page, lit)
    page.keyboard.press("1")
    until_shown(page, *share_of(page, LIGHT.x, LIGHT.y), is_white)
    page.keyboard.press("h")
    for _ in range(4):
        page.keyboard.press("+")
    expect(page.locator(".near")).to_have_text("1600 %")
    lamp = share_of(page, LIGHT.x, LIGHT.y, 16)
    until_shown(page, *lamp, is_white)
    point(page, *lamp)
    page.mouse.wheel(0, -100)
    expect(page.locator(".near")).to_have_text("2000 %")
    until_shown(page, *lamp, is_white)
    page.mouse.wheel(0, 100)
    expect(page.locator(".near")).to_have_text("1600 %")
    until_shown(page, *lamp, is_white)
    page.mouse.down()
    point(page, 0.5, lamp[1])
    page.mouse.up()
    until_shown(page, 0.5, lamp[1], is_white)
    point(page, 0.4, 0.3)  # without the button held nothing moves
    until_shown(page, 0.5, lamp[1], is_white)


def test_channels_backgrounds_and_exposure_change_the_picture(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("1")
    dark = until_shown(page, 0.5, 0.5, lambda red, green, blue: red > green > blue)
    page.keyboard.press("r")
    until_shown(page, 0.5, 0.5, lambda red, green, blue: red == green == blue and abs(red - dark[0]) < 3)
    page.keyboard.press("r")
    page.keyboard.press("Shift+E")
    until_shown(page, 0.5, 0.5, lambda red, *_: red < dark[0] - 15)
    page.keyboard.press("0")
    page.keyboard.press("a")
    until_shown(page, 0.5, 0.5, lambda red, green, blue: red == green == blue and red > 250)
    page.keyboard.press("a")
    page.get_by_role("button", name="Black").click()
    until_shown(page, 0.85, 0.1, lambda *color: sum(color) < 6)


def test_a_picture_of_the_artists_own_lies_behind(page: Page, hero: str, tmp_path: Path) -> None:
    own = oiio.ImageBuf(np.broadcast_to(np.float32([0.0, 0.0, 1.0]), (20, 30, 3)).copy())
    assert own.write(str(tmp_path / "own.png"), "uint8"), own.geterror()
    opened(page, hero)
    page.locator("#own").set_input_files(tmp_path / "own.png")
    until_shown(page, 0.85, 0.1, lambda red, green, blue: blue > 240 and red < 10 and green < 10)
    until_shown(page, 0.5, 0.5, lambda red, green, blue: red > green > blue)


def test_the_frame_that_stands_out_is_one_click_away(page: Page, hero: str) -> None:
    opened(page, hero)
    worst = page.get_by_role("list", name="Frames that stand out").get_by_role("button", name="1004")
    expect(worst).to_contain_text("NaN repaired 9")
    worst.click()
    expect(page.locator("#frame")).to_contain_text("1004")
    expect(page.locator("figure", has_text="NaN repaired").locator("output")).to_have_text("9")


def test_each_figure_is_a_curve_and_a_click_on_it_goes_to_its_frame(page: Page, hero: str) -> None:
    opened(page, hero)
    charts = page.locator(".charts figure")
    expect(charts.locator("figcaption span")).to_have_text(
        [
            "Spill at edges",
            "Flicker",
            "Pops",
            "Noise in the screen",
            "Noise in the core",
            "Soft pixels",
            "Doubtful pixels",
            "NaN repaired",
            "Screen",
            "Core",
        ]
    )
    for drawn in charts.locator("path.curve").evaluate_all("(paths) => paths.map((path) => path.getAttribute('d'))"):
        assert len(re.findall("[ML]", drawn)) in (4, 6)  # flicker and pops compare with both neighbours
    curve = charts.locator("svg").first
    box = curve.bounding_box()
    assert box is not None
    for share, frame in ((0.99, 1006), (0.4, 1003), (0.01, 1001)):
        curve.click(position={"x": share * box["width"], "y": box["height"] / 2})
        expect(page.locator("#frame")).to_contain_text(str(frame))
