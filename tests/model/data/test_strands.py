"""Strands cover pixels by exact area."""

from __future__ import annotations

import math

import pytest
import torch

from model.data.shapes import line_coverage, polygon
from model.data.strands import rasterize


def drawn(points: list[tuple[float, float]], width: float, size: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    curve = torch.tensor(points).view(1, 1, -1, 2)
    pieces = len(points) - 1
    one = torch.ones(1)
    return rasterize(curve, torch.full((1, pieces), width), torch.full((1, pieces, 3), 0.3), one, one, size, size)


@pytest.mark.parametrize("width", [0.2, 0.7, 1.0, 2.5])
@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 4, 1.2, math.pi / 2])
def test_a_strand_covers_its_width_times_its_length(width: float, angle: float) -> None:
    start, length = (10.3, 10.7), 17.0
    end = (start[0] + length * math.cos(angle), start[1] + length * math.sin(angle))
    _, alpha = drawn([start, end], width)
    assert float(alpha.sum()) == pytest.approx(width * length, rel=0.01)


def test_a_strand_of_a_fifth_of_a_pixel_covers_a_fifth() -> None:
    _, alpha = drawn([(20.5, 5.0), (20.5, 35.0)], 0.2)
    assert float(alpha[0, 20, 20]) == pytest.approx(0.2, abs=1e-3)
    assert float(alpha[0, 20, 22]) == 0


def test_pieces_of_one_strand_join_without_a_gap_or_a_knot() -> None:
    whole = drawn([(20.3, 5.0), (20.3, 35.0)], 0.6)[1]
    split = drawn([(20.3, 5.0), (20.3, 12.4), (20.3, 21.7), (20.3, 35.0)], 0.6)[1]
    assert float((whole - split).abs().max()) < 0.01


def test_color_is_straight() -> None:
    color, alpha = drawn([(5.0, 5.0), (35.0, 33.0)], 0.4)
    assert torch.allclose(color[0, :, alpha[0] > 0.05], torch.tensor(0.3), atol=2e-3)


def test_nothing_in_the_picture_gives_nothing() -> None:
    color, alpha = drawn([(-50.0, -50.0), (-60.0, -50.0)], 1.0)
    assert float(alpha.max()) == 0 and float(color.abs().max()) == 0


def test_lines_thinner_than_a_pixel_keep_their_area() -> None:
    position = torch.arange(-5.0, 6.0)
    assert float(line_coverage(position, 0.1, 1.0).sum()) == pytest.approx(0.2, abs=1e-5)
    assert float(line_coverage(position + 0.37, 0.1, 1.0).sum()) == pytest.approx(0.2, abs=1e-5)


def test_polygons_are_negative_inside_whichever_way_they_turn() -> None:
    square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    x, y = torch.tensor([0.5, 0.9, 1.5, -0.2]), torch.tensor([0.5, 0.5, 0.5, 0.4])
    expected = torch.tensor([-0.5, -0.1, 0.5, 0.2])
    assert torch.allclose(polygon(x, y, square), expected, atol=1e-6)
    assert torch.allclose(polygon(x, y, square[::-1]), expected, atol=1e-6)
