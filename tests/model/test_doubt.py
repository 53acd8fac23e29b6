"""Doubt says how likely alpha is wrong, and holds on shots that it was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.evaluation.doubt import HELD_OUT_SEED, curve, fitted, gathered
from model.keyer import Mattes, load_keyer
from model.keying.doubt import FEATURES, WEIGHTS, doubt
from model.settings import DeliverySettings, KeySettings
from tests.model.test_difference import shot


def test_of_pixels_that_say_eight_tenths_at_least_half_are_wrong_on_shots_it_was_not_fitted_on() -> None:
    rows, wrong = gathered("difference", range(HELD_OUT_SEED + 500, HELD_OUT_SEED + 503))
    said = (rows @ torch.tensor(WEIGHTS["difference"])).sigmoid()
    sure, unsure = said < 0.1, said >= 0.8
    assert int(unsure.sum()) > 200
    assert float(wrong[unsure].mean()) > 0.5
    assert float(wrong[sure].mean()) < 0.5 * float(wrong[unsure].mean())


def test_a_fit_finds_the_weights_that_made_its_data() -> None:
    source = torch.Generator().manual_seed(2)
    rows = torch.rand(20_000, FEATURES, generator=source)
    rows[:, 0] = 1.0
    made = torch.linspace(-2.0, 2.0, FEATURES)
    wrong = (torch.rand(20_000, generator=source) < (rows @ made).sigmoid()).float()
    bins = curve((rows @ fitted(rows, wrong)).sigmoid().numpy(), wrong.numpy() > 0.5)
    assert all(abs(one.said - one.wrong) < 0.05 for one in bins if one.pixels > 500)


def test_a_curve_counts_each_pixel_once() -> None:
    said = np.array([0.0, 0.05, 0.55, 1.0], np.float32)
    bins = curve(said, np.array([False, False, True, True]))
    assert sum(one.pixels for one in bins) == 4 and bins[-1].wrong == 1.0


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_edges_are_doubted_more_than_screen_and_core(name: str) -> None:
    plate, alpha, _ = shot()
    found = doubt(alpha, alpha, plate, plate, name)
    edge = (alpha > 0.2) & (alpha < 0.8)
    assert float(found[edge].mean()) > 2.0 * float(found[:, :8].mean())
    assert 0.0 <= float(found.min()) and float(found.max()) <= 1.0


def test_nothing_is_doubted_where_the_artist_said_what_is_there() -> None:
    plate, alpha, _ = shot()
    settings = KeySettings(keyer="difference", delivery=DeliverySettings(layers=("doubt",)))
    keyer = load_keyer("difference")
    screen = keyer.survey([plate], settings)
    plain = keyer.key(plate, screen, Mattes(), settings)
    held = keyer.key(plate, screen, Mattes(core=(alpha > 0.0).float()), settings)
    edge = (plain.alpha > 0.05) & (plain.alpha < 0.95)
    assert float(plain.layers["doubt"][edge].mean()) > 0.05
    assert not held.layers["doubt"][edge & (alpha > 0.0)].any()
