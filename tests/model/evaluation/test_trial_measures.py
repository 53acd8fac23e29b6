"""Figures of single trials, against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.evaluation.trials.measures import highlight_error, hue_error, residue

RED, YELLOW, GREEN, BLUE, GREY, BLACK = (
    (0.6, 0.0, 0.0),
    (0.5, 0.5, 0.0),
    (0.0, 0.3, 0.0),
    (0.0, 0.0, 2.0),
    (0.4, 0.4, 0.4),
    (0.0, 0.0, 0.0),
)
ALL = np.ones((1, 1), bool)


def pixel(color: tuple[float, float, float]) -> np.ndarray:
    return np.array([[color]], np.float32)


@pytest.mark.parametrize(
    ("answer", "degrees"),
    [(RED, 0.0), (YELLOW, 60.0), (GREEN, 120.0), (BLUE, 120.0), (GREY, 180.0), (BLACK, 180.0)],
)
def test_hue_error_against_red_is_the_angle_between_the_hues(
    answer: tuple[float, float, float], degrees: float
) -> None:
    assert hue_error(pixel(answer), pixel(RED), ALL) == pytest.approx(degrees, abs=1e-4)


def test_hue_error_of_orange_is_what_its_formula_says() -> None:
    # atan2(√3 · (0.2 − 0.1), 2 · 0.8 − 0.2 − 0.1) = atan2(0.1732, 1.3) = 7.589°
    assert hue_error(pixel((0.8, 0.2, 0.1)), pixel(RED), ALL) == pytest.approx(7.589, abs=1e-3)


def test_hue_error_knows_neither_exposure_nor_paleness() -> None:
    pale = pixel((3.0, 1.0, 1.0))
    assert hue_error(pale, pixel(RED), ALL) == pytest.approx(0.0, abs=1e-4)
    assert hue_error(10 * pale, pixel(RED), ALL) == pytest.approx(0.0, abs=1e-4)


def test_hue_error_is_the_mean_over_the_area_alone() -> None:
    answer = np.array([[RED, YELLOW, GREEN]], np.float32)
    truth = np.array([[RED, RED, RED]], np.float32)
    assert hue_error(answer, truth, np.array([[True, True, False]])) == pytest.approx(30.0, abs=1e-4)
    assert math.isnan(hue_error(answer, truth, np.zeros((1, 3), bool)))


def test_an_answer_that_is_not_finite_has_lost_the_hue() -> None:
    assert hue_error(pixel((math.nan, 0.0, 0.0)), pixel(RED), ALL) == pytest.approx(180.0)


def test_highlight_error_is_the_lost_share_of_the_plates_light() -> None:
    plate = np.array([[(40.0, 30.0, 20.0), (1.0, 1.0, 1.0)]], np.float32)
    bright = np.array([[True, False]])
    ones = np.ones((1, 2), np.float32)
    assert highlight_error(ones, plate, plate, bright) == 0.0
    assert highlight_error(ones, np.minimum(plate, 1.0), plate, bright) == pytest.approx(87.0 / 90.0)
    assert highlight_error(0.9 * ones, plate, plate, bright) == pytest.approx(0.1)
    assert math.isnan(highlight_error(ones, plate, plate, np.zeros((1, 2), bool)))


def test_residue_is_mean_alpha_in_the_place() -> None:
    alpha = np.array([[0.2, 0.4, 1.0]], np.float32)
    assert residue(alpha, np.array([[True, True, False]])) == pytest.approx(0.3)
    assert math.isnan(residue(alpha, np.zeros((1, 3), bool)))
