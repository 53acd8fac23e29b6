"""A shot's camera is followed by what stands still, on pictures that were moved by known maps."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from model.keying import camera
from model.keying.camera import Look, Map

HEIGHT, WIDTH = 240, 426
MARKERS = [(40, 50), (60, 210), (50, 370), (130, 130), (150, 300), (200, 60)]


def look(moved: Map | None = None, *, subject: int | None = None, markers: Sequence[tuple[int, int]] = MARKERS) -> Look:
    grey = np.full((HEIGHT, WIDTH), 110.0, np.float32)
    for top, left in markers:
        grey[top : top + 8, left : left + 8] = 190.0
    if moved is not None:
        grey = cv2.warpAffine(grey, moved, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    still = np.ones((HEIGHT, WIDTH), np.uint8)
    if subject is not None:
        texture = np.random.default_rng(5).uniform(20, 240, (20, 12)).astype(np.float32)
        grey[80:, subject : subject + 90] = cv2.resize(texture, (90, HEIGHT - 80))
        still[74:, max(0, subject - 6) : subject + 96] = 0
    grain = np.random.default_rng(subject).normal(0, 1.5, grey.shape)
    return Look((grey + grain).clip(0, 255).astype(np.uint8), still)


def turned(degrees: float, right: float, down: float, scale: float = 1.0) -> Map:
    found = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, scale)
    return np.asarray(found + np.array([(0, 0, right), (0, 0, down)]), np.float64)


@pytest.mark.parametrize(
    "moved", [turned(0, 3, -5), turned(0, -120, 15), turned(1.5, 20, 4), turned(0, 4, 4, 1.03)], ids=str
)
def test_a_map_is_found_though_a_subject_walks_before_the_screen(moved: Map) -> None:
    found = camera.register(look(subject=100), look(moved, subject=240))
    assert found is not None
    corners = np.array([(20.0, 20.0), (400.0, 30.0), (200.0, 220.0)])
    assert np.abs(camera.apply(found, corners) - camera.apply(moved, corners)).max() < 1.0


def test_a_screen_without_corners_has_no_map() -> None:
    assert camera.register(look(markers=()), look(markers=())) is None


def test_pictures_of_different_places_have_no_map() -> None:
    noise = np.random.default_rng(1).uniform(0, 255, (HEIGHT, WIDTH)).astype(np.uint8)
    assert camera.register(look(), Look(noise, np.ones_like(noise))) is None


def test_a_row_is_laid_on_its_middle_and_a_lost_frame_is_passed_over() -> None:
    row = [look(turned(0, 10 * step, 0), subject=40 * step) for step in range(5)]
    row[1] = look(markers=())
    found = camera.follow(row)
    assert found[1] is None
    assert found[2] is not None and np.array_equal(found[2], camera.stay())
    for index, right in ((0, 20.0), (3, -10.0), (4, -20.0)):
        way = found[index]
        assert way is not None and np.abs(way[:, 2] - (right, 0.0)).max() < 0.7


def test_there_and_back_is_where_it_began() -> None:
    there = turned(3, 10, -4, 1.1)
    assert np.allclose(camera.after(there, camera.back(there)), camera.stay())
