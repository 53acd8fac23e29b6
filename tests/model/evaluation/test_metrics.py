"""Every figure on cases small enough to compute by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from model.evaluation import metrics
from tests.model.evaluation.made_up import SCREEN, disc

Measure = Callable[..., float]


def row(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_mad_mse_and_sad_of_a_row_of_four() -> None:
    alpha, truth = row(0.0, 0.5, 1.0, 1.0), row(0.0, 0.25, 1.0, 0.0)
    assert metrics.mean_absolute_error(alpha, truth) == (0.25 + 1.0) / 4
    assert metrics.mean_squared_error(alpha, truth) == (0.0625 + 1.0) / 4
    assert metrics.sum_of_absolute_differences(alpha, truth) == 1.25 / 1000


def test_the_edge_band_reaches_two_pixels_beyond_soft_truth() -> None:
    truth = np.zeros((11, 11), np.float32)
    truth[5, 5] = 0.5
    band = metrics.edge_band(truth)
    assert band.sum() == 25
    assert band[3:8, 3:8].all()


@pytest.mark.parametrize("value", [0.01, 0.99, 0.0, 1.0])
def test_values_at_its_limits_make_no_edge_band(value: float) -> None:
    assert not metrics.edge_band(np.full((5, 5), value)).any()


def test_errors_outside_the_band_do_not_count_inside() -> None:
    truth = np.zeros((11, 11), np.float32)
    truth[5, 5] = 0.5
    alpha = truth.copy()
    alpha[0, 0] = 1.0
    alpha[5, 5] = 0.75
    band = metrics.edge_band(truth)
    assert metrics.mean_absolute_error(alpha, truth, band) == 0.25 / 25
    assert metrics.mean_squared_error(alpha, truth, band) == 0.0625 / 25


def test_sad_in_the_band_sums_nothing_outside() -> None:
    alpha, truth = row(0.0, 0.5, 1.0, 1.0), row(0.0, 0.25, 1.0, 0.0)
    band = np.array([[True, True, True, False]])
    assert metrics.sum_of_absolute_differences(alpha, truth, band) == 0.25 / 1000


def test_gradient_in_the_band_is_the_step_there_and_not_the_one_outside() -> None:
    """Truth has two equal steps far apart, alpha neither: each is half of the error, and one of them is in the band."""
    truth = np.zeros((31, 60))
    truth[:, 15:45] = 1.0
    nothing = np.zeros_like(truth)
    left = np.zeros(truth.shape, bool)
    left[:, :30] = True
    whole = metrics.gradient_error(nothing, truth)
    assert metrics.gradient_error(nothing, truth, left) == pytest.approx(whole / 2)
    # A band that ends at the step: the kernels see beyond it, so half of that step's response is there.
    before = np.zeros(truth.shape, bool)
    before[:, :15] = True
    assert metrics.gradient_error(nothing, truth, before) == pytest.approx(whole / 4)


def test_connectivity_in_the_band_finds_its_source_in_the_whole_picture() -> None:
    """As in the torn off island below; the band holds the bridge and the island, the body lies outside."""
    truth = np.array([[1, 1, 1, 1, 1, 1, 1, 0, 0]], float)
    alpha = np.array([[1, 1, 1, 1, 0, 0.5, 1, 0, 0]], float)
    band = np.array([[False] * 4 + [True, True] + [False] * 3])
    # Within the band alone the island would be the source, with l = 0.5 there. The source is the body, so l = 0 on
    # bridge and island: φ(truth) = 0 on both; φ(alpha) = 1 on the bridge and 0.5 on the island's first pixel.
    assert metrics.connectivity_error(alpha, truth, band) == pytest.approx(1.5 / 1000)
    only_bridge = np.array([[False] * 4 + [True] + [False] * 4])
    assert metrics.connectivity_error(alpha, truth, only_bridge) == pytest.approx(1 / 1000)


@pytest.mark.parametrize(
    "measure", [metrics.sum_of_absolute_differences, metrics.gradient_error, metrics.connectivity_error]
)
def test_sums_over_everything_are_those_of_the_whole_picture_and_none_over_nothing(measure: Measure) -> None:
    truth = disc().alpha
    alpha = np.clip(truth * 1.2 - 0.1, 0.0, 1.0)
    everywhere = np.ones(truth.shape, bool)
    assert measure(alpha, truth, everywhere) == pytest.approx(measure(alpha, truth), rel=1e-12)
    assert math.isnan(measure(alpha, truth, ~everywhere))


def test_core_and_screen_error_look_only_at_sure_truth() -> None:
    truth = row(1.0, 0.9995, 0.99, 0.5, 0.01, 0.0005, 0.0)
    alpha = row(0.75, 1.0, 0.0, 0.0, 1.0, 0.5, 0.0)
    assert metrics.core_error(alpha, truth) == pytest.approx(0.125)
    assert metrics.screen_error(alpha, truth) == pytest.approx(0.25)


def test_a_picture_without_core_gives_no_core_error() -> None:
    assert math.isnan(metrics.core_error(row(0.5), row(0.5)))


def test_gradient_of_a_step_against_nothing() -> None:
    """A unit step along one axis, by direct summation of the stated kernels."""
    truth = np.zeros((31, 31))
    truth[:, 16:] = 1.0
    place = np.arange(-4, 5)
    bell = np.exp(-(place**2) / (2 * 1.4**2)) / (1.4 * math.sqrt(2 * math.pi))
    slope = -place * bell / 1.4**2
    norm = math.sqrt((bell**2).sum() * (slope**2).sum())
    # The response at distance k of the step is the tail sum of the slope, times the whole bell.
    tails = [sum(slope[place >= k]) for k in range(-4, 5)]
    expected = 31 * sum((tail * bell.sum() / norm) ** 2 for tail in tails) / 1000
    assert metrics.gradient_error(np.zeros((31, 31)), truth) == pytest.approx(expected, rel=1e-9)


def test_gradient_ignores_a_constant_offset() -> None:
    truth = disc().alpha
    assert metrics.gradient_error(truth + 0.1, truth) == pytest.approx(0.0, abs=1e-12)


def test_connectivity_of_a_torn_off_island() -> None:
    """The island is opaque in both, so MAD sees nothing; alpha loses the bridge that ties it to the body."""
    truth = np.array([[1, 1, 1, 1, 1, 1, 1, 0, 0]], float)
    alpha = np.array([[1, 1, 1, 1, 0, 1, 1, 0, 0]], float)
    # Largest common area: the four pixels at the left. Bridge and island leave it at the first threshold, l = 0.
    # φ(truth) = 1 − 1 = 0 on bridge and island; φ(alpha) = 0 on the island, 1 on the bridge.
    assert metrics.connectivity_error(alpha, truth) == pytest.approx(1 / 1000)


def test_connectivity_forgives_less_than_theta() -> None:
    truth = np.ones((1, 6))
    alpha = np.array([[1, 1, 1, 1, 1, 0.9]])
    # The last pixel belongs to the common area up to 0.9, so l = 0.9: truth exceeds it by 0.1 < 0.15.
    assert metrics.connectivity_error(alpha, truth) == 0.0


def test_connectivity_counts_what_exceeds_theta() -> None:
    truth = np.ones((1, 6))
    alpha = np.array([[1, 1, 1, 1, 1, 0.4]])
    # l = 0.4: φ(truth) = 1 − 0.6, φ(alpha) = 1.
    assert metrics.connectivity_error(alpha, truth) == pytest.approx(0.6 / 1000)


def test_foreground_error_counts_where_alpha_exceeds_two_percent() -> None:
    truth = row(1.0, 0.03, 0.02, 0.0)
    true_foreground = np.zeros((1, 4, 3))
    foreground = np.array([[[0.3, 0.0, 0.0], [0.0, 0.6, 0.0], [9.0, 9.0, 9.0], [9.0, 9.0, 9.0]]])
    assert metrics.foreground_error(foreground, true_foreground, truth) == pytest.approx((0.1 + 0.2) / 2)


def test_foreground_error_in_display_values_uses_the_srgb_curve() -> None:
    grey = np.full((1, 1, 3), 0.21404114)  # sRGB 0.5
    assert metrics.foreground_error_display(grey, np.zeros((1, 1, 3)), row(1.0)) == pytest.approx(0.25, abs=1e-6)
    bright = np.full((1, 1, 3), 50.0)
    assert metrics.foreground_error_display(bright, np.ones((1, 1, 3)), row(1.0)) == 0.0


def test_spill_is_the_excess_of_the_screens_primary_beyond_the_truth() -> None:
    true_foreground = np.array([[[0.2, 0.3, 0.1], [0.2, 0.3, 0.1], [0.5, 0.2, 0.2]]])
    foreground = np.array([[[0.2, 0.5, 0.1], [0.2, 0.1, 0.1], [0.5, 0.4, 0.2]]])
    # Excess: 0.3 against 0.1; 0 against 0.1 (nothing is given back); 0 against 0, for 0.4 is still under red.
    assert metrics.spill_left(foreground, true_foreground, row(1.0, 1.0, 1.0), SCREEN) == pytest.approx(0.2 / 3)


def test_spill_follows_a_blue_screen() -> None:
    foreground = np.array([[[0.1, 0.2, 0.6]]])
    assert metrics.spill_left(foreground, np.zeros((1, 1, 3)), row(1.0), (0.05, 0.1, 0.5)) == pytest.approx(0.4)


def test_marker_residue_counts_bare_markers_only() -> None:
    alpha, truth = row(0.5, 0.1, 0.9), row(0.0, 0.0, 1.0)
    markers = np.array([[True, False, True]])
    assert metrics.marker_residue(alpha, truth, markers) == 0.5
    assert math.isnan(metrics.marker_residue(alpha, truth, np.zeros((1, 3), bool)))


def test_recomposition_of_white_over_black_truth() -> None:
    """Alpha 1 and white everywhere where the truth is empty: the error is 1 − background, averaged."""
    new = metrics.backgrounds(8, 8)
    expected = sum(float(np.abs(1.0 - background).mean()) for background in new) / 4
    ones, zeros = np.ones((8, 8)), np.zeros((8, 8))
    found = metrics.recomposition_error(ones, np.ones((8, 8, 3)), zeros, np.zeros((8, 8, 3)))
    assert found == pytest.approx(expected)


def test_recomposition_does_not_care_how_light_is_split_over_black() -> None:
    """Half alpha with double color is the same light; only what shines through differs."""
    truth, color = np.full((4, 4), 1.0), np.full((4, 4, 3), 0.4)
    new = metrics.backgrounds(4, 4)
    expected = sum(float(background.mean()) * 0.5 for background in new) / 4
    assert metrics.recomposition_error(truth / 2, color * 2, truth, color) == pytest.approx(expected)


def test_backgrounds_are_four_fixed_pictures() -> None:
    first, again = metrics.backgrounds(20, 30), metrics.backgrounds(20, 30)
    assert [picture.shape for picture in first] == [(20, 30, 3)] * 4
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    means = [float(picture.mean()) for picture in first]
    assert means[0] < 0.03 < means[1] < 0.6 < means[2]
    assert np.ptp(first[3].mean(axis=(0, 1))) > 0.01


def test_dtssd_sees_flicker_and_not_a_constant_error() -> None:
    truths = [np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))]
    assert metrics.temporal_error([np.full((2, 2), 0.3)] * 3, truths) == 0.0
    flicker = [np.zeros((2, 2)), np.full((2, 2), 0.2), np.full((2, 2), 0.1)]
    assert metrics.temporal_error(flicker, truths) == pytest.approx(100 * (0.2 + 0.1) / 2)
    assert math.isnan(metrics.temporal_error([truths[0]], [truths[0]]))


def test_the_truth_scores_zero_everywhere() -> None:
    example = disc()
    alpha, foreground = example.alpha, example.foreground
    assert metrics.gradient_error(alpha, alpha) == 0.0
    assert metrics.connectivity_error(alpha, alpha) == 0.0
    assert metrics.recomposition_error(alpha, foreground, alpha, foreground) == 0.0
    assert metrics.spill_left(foreground, foreground, alpha, SCREEN) == 0.0
