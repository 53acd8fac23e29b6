"""Polygons become mattes: coverage, winding, order, feather and expansion."""

from __future__ import annotations

import math
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.keying.mattes import rasterize
from model.settings import Polygon

SQUARE = ((2.0, 1.0), (6.0, 1.0), (6.0, 4.0), (2.0, 4.0))


def rectangle(left: float, top: float, right: float, bottom: float, **choices: object) -> Polygon:
    return Polygon(points=((left, top), (right, top), (right, bottom), (left, bottom)), **choices)  # type: ignore[arg-type]  # tests only


def test_a_rectangle_on_whole_pixels_is_exact() -> None:
    expected = torch.zeros(1, 6, 8)
    expected[:, 1:4, 2:6] = 1.0
    assert torch.equal(rasterize([Polygon(points=SQUARE)], 8, 6), expected)


def test_the_top_left_pixel_starts_at_zero() -> None:
    matte = rasterize([rectangle(0.0, 0.0, 1.0, 1.0)], 4, 3)
    assert matte[0, 0, 0] == 1.0
    assert matte.sum() == 1.0


@given(*[st.integers(-8, 40)] * 4)
def test_a_rectangle_between_pixels_covers_its_area_exactly(a: int, b: int, c: int, d: int) -> None:
    left, right = sorted((a / 4, b / 4))
    top, bottom = sorted((c / 4, d / 4))
    x = torch.arange(8.0)
    columns = (torch.minimum(x + 1, torch.tensor(right)) - torch.maximum(x, torch.tensor(left))).clamp(0, 1)
    y = torch.arange(6.0)
    rows = (torch.minimum(y + 1, torch.tensor(bottom)) - torch.maximum(y, torch.tensor(top))).clamp(0, 1)
    matte = rasterize([rectangle(left, top, right, bottom)], 8, 6)
    assert torch.equal(matte[0], rows[:, None] * columns)


def test_a_diagonal_covers_half_of_the_pixels_it_cuts() -> None:
    matte = rasterize([Polygon(points=((0.0, 0.0), (4.0, 4.0), (0.0, 4.0)))], 4, 4)[0]
    assert torch.allclose(matte.diagonal(), torch.full((4,), 0.5))
    assert torch.equal(matte.triu(1), torch.zeros(4, 4))
    assert torch.equal(matte.tril(-1), torch.ones(4, 4).tril(-1))


def test_the_area_of_a_many_sided_polygon_is_kept() -> None:
    count, radius = 97, 23.7
    points = tuple(
        (40.3 + radius * math.cos(2 * math.pi * i / count), 33.9 + radius * math.sin(2 * math.pi * i / count))
        for i in range(count)
    )
    area = 0.5 * count * radius**2 * math.sin(2 * math.pi / count)
    assert rasterize([Polygon(points=points)], 80, 70).double().sum() == pytest.approx(area, abs=1e-3)


def test_direction_of_drawing_does_not_matter() -> None:
    assert torch.equal(
        rasterize([Polygon(points=SQUARE)], 8, 6), rasterize([Polygon(points=tuple(reversed(SQUARE)))], 8, 6)
    )


def test_a_shape_far_outside_of_the_picture_costs_nothing_and_covers_what_it_covers() -> None:
    assert torch.equal(rasterize([rectangle(-1e7, -1e7, 1e7, 1e7)], 9, 7), torch.ones(1, 7, 9))
    assert torch.equal(rasterize([rectangle(1e6, 2.0, 2e6, 5.0)], 9, 7), torch.zeros(1, 7, 9))
    assert torch.equal(rasterize([rectangle(-9.0, 2.0, -5.0, 5.0)], 9, 7), torch.zeros(1, 7, 9))


def test_an_outline_around_twice_is_filled_once() -> None:
    assert torch.equal(rasterize([Polygon(points=SQUARE * 2)], 8, 6), rasterize([Polygon(points=SQUARE)], 8, 6))


def test_shapes_add_and_subtract_in_order() -> None:
    big, small = rectangle(0, 0, 6, 6), rectangle(2, 2, 4, 4, mode="subtract")
    hole = rasterize([big, small], 8, 8)[0]
    assert hole[3, 3] == 0.0
    assert hole[1, 1] == 1.0
    assert rasterize([big, small, rectangle(3, 3, 4, 4)], 8, 8)[0, 3, 3] == 1.0


def test_a_first_shape_that_subtracts_cuts_from_the_full_picture() -> None:
    matte = rasterize([rectangle(2, 2, 4, 4, mode="subtract")], 8, 8)[0]
    assert matte[3, 3] == 0.0
    assert matte[0, 0] == 1.0


def test_inverted_means_everything_outside() -> None:
    assert torch.equal(
        rasterize([rectangle(2, 1, 6, 4, inverted=True)], 8, 6), 1.0 - rasterize([Polygon(points=SQUARE)], 8, 6)
    )


def test_opacity_scales_the_shape_and_two_halves_unite() -> None:
    half = rectangle(0, 0, 4, 4, opacity=0.5)
    assert rasterize([half], 4, 4)[0, 0, 0] == 0.5
    assert rasterize([half, half], 4, 4)[0, 0, 0] == 0.75


def test_no_shapes_are_an_empty_matte() -> None:
    assert torch.equal(rasterize([], 5, 3), torch.zeros(1, 3, 5))


def test_expansion_moves_the_outline_by_whole_pixels_and_rounds_corners() -> None:
    grown = rasterize([rectangle(10, 10, 20, 20, expansion=4)], 32, 32)[0]
    assert torch.equal(grown[15, 6:24], torch.ones(18))
    assert grown[15, 5] == 0.0
    assert grown[15, 24] == 0.0
    assert grown[6, 6] == 0.0  # its center is √2 · 3.5 from the corner
    shrunk = rasterize([rectangle(10, 10, 20, 20, expansion=-3)], 32, 32)[0]
    assert torch.equal(shrunk[13:17, 13:17], torch.ones(4, 4))
    assert shrunk.sum() == 16.0


@pytest.mark.parametrize("feather", [6.0, 150.0])
def test_feather_is_centered_on_the_outline(feather: float) -> None:
    matte = rasterize([rectangle(-500, -500, 200, 500, feather=feather)], 400, 3)[0, 1].double()
    distance = 200.0 - (torch.arange(400, dtype=torch.float64) + 0.5)
    rise = (0.5 + distance / feather).clamp(0, 1)
    assert torch.allclose(matte, rise**2 * (3 - 2 * rise), atol=2e-3)
    assert matte[int(200 - feather / 2) - 8] == 1.0
    assert matte[int(200 + feather / 2) + 8] == 0.0


def test_five_hundred_points_at_full_hd_take_less_than_a_second() -> None:
    points = tuple(
        (
            960 + (380 + 90 * math.sin(17 * a)) * math.cos(a),
            540 + (380 + 90 * math.sin(17 * a)) * math.sin(a),
        )
        for a in (2 * math.pi * i / 500 for i in range(500))
    )
    for feather in (0.0, 30.0):
        started = time.process_time()
        rasterize([Polygon(points=points, feather=feather)], 1920, 1080)
        assert time.process_time() - started < 2.0  # CPU seconds of two cores
