"""Reads what the page shows: colors of the viewer, where on the screen a pixel of the picture is, what it should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from service.exr import read_exr
from tests.service.serving import Service

WIDTH, HEIGHT = 96, 64
DONE_MS = 90_000
Color = tuple[int, int, int]


class Patch(NamedTuple):
    """A square of one color that is painted into frames of a shot; `x` and `y` are in its middle."""

    x: int
    y: int
    color: tuple[float, float, float]

    @property
    def columns(self) -> slice:
        return slice(self.x - 3, self.x + 3)

    @property
    def rows(self) -> slice:
        return slice(self.y - 3, self.y + 3)


SPILL = Patch(40, 32, (0.5, 0.6, 0.45))
LIGHT = Patch(57, 33, (4.0, 4.0, 4.0))


def opened(page: Page, job_id: str, first: int = 1001) -> Page:
    """Go to a shot and wait for its picture."""
    page.goto(f"{page.url.partition('#')[0]}#/shot/{job_id}")
    expect(page.locator(f'.thumbs img[src*="{job_id}"]').first).to_be_attached()
    expect(page.locator("#frame")).to_contain_text(f"{first} ")
    expect(page.locator(".near")).to_contain_text("Fit")
    return page


def shown(page: Page, x: float, y: float) -> Color:
    """Return the color of the viewer at a share of its width and height."""
    read = """([x, y]) => { const c = document.querySelector('.viewer canvas');
        return [...c.getContext('2d').getImageData(Math.floor(x * c.width), Math.floor(y * c.height), 1, 1).data]; }"""
    red, green, blue, _ = page.evaluate(read, [x, y])
    return red, green, blue


def until_shown(page: Page, x: float, y: float, fits: Callable[[int, int, int], bool]) -> Color:
    """Wait until red, green and blue there fit, and return them."""
    color = shown(page, x, y)
    for _ in range(200):
        if fits(*color):
            return color
        page.wait_for_timeout(50)
        color = shown(page, x, y)
    raise AssertionError(f"the color there stays {color}")


def size(page: Page) -> tuple[int, int]:
    """Return the viewer's width and height in pixels."""
    width, height = page.locator(".viewer canvas").evaluate("(canvas) => [canvas.width, canvas.height]")
    return width, height


def share_of(page: Page, x: int, y: int, scale: float | None = None) -> tuple[float, float]:
    """Return where the middle of a picture's pixel is, as a share of the viewer: the picture fits, or has ``scale``."""
    width, height = size(page)
    scale = scale or min(width / WIDTH, height / HEIGHT)
    return 0.5 + (x + 0.5 - WIDTH / 2) * scale / width, 0.5 + (y + 0.5 - HEIGHT / 2) * scale / height


def point(page: Page, x: float, y: float) -> None:
    """Move the mouse to a share of the viewer's width and height."""
    box = page.locator(".viewer canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)


def is_screen(red: int, green: int, blue: int) -> bool:
    return green > 2 * red and green > 2 * blue


def is_white(*color: int) -> bool:
    return color == (255, 255, 255)


def is_middle_grey(red: int, green: int, blue: int) -> bool:
    return abs(red - green) < 3 and abs(red - blue) < 3 and red > 90


def value(page: Page, channel: str) -> Locator:
    return page.locator(f'.readout [data-channel="{channel}"]')


def displayed(linear: float, exposure: float = 0.0, gamma: float = 1.0) -> int:
    """Return what a screen is sent for a value; IEC 61966-2-1."""
    light = min(1.0, max(0.0, linear * 2.0**exposure))
    encoded = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return round(255 * encoded ** (1 / gamma))


def stored(service: Service, job_id: str, kind: str, frame: int = 1001) -> dict[str, NDArray[np.float32]]:
    """Return the planes of a frame."""
    file = next((Path(service.job(job_id)["output"]) / kind).glob(f"*.{frame:04d}.exr"))
    return read_exr(file)[0]


def serious(page: Page) -> list[str]:
    """Return what axe-core finds serious or critical."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")]
