"""Edges and colors of a key can be changed on what was inferred once, and defaults change nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.difference import DifferenceKeyer
from model.finishing import RawKey
from model.keyer import FINISHING, KeyedFrame, Mattes
from model.keying.compositing import over
from model.settings import KeySettings, Screen

GREEN, SKIN = (0.05, 0.4, 0.08), (0.5, 0.32, 0.25)
HEIGHT, WIDTH = 120, 160


def flat(color: tuple[float, float, float]) -> Tensor:
    return torch.tensor(color)[:, None, None].expand(3, HEIGHT, WIDTH).clone()


@pytest.fixture(scope="module")
def raw() -> tuple[RawKey, Screen]:
    """Return what the keyer infers of a disc of skin with screen light on it, before a screen with grain."""
    down, right = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    alpha = ((40.0 - torch.hypot(right - 80.0, down - 60.0)) / 3.0 + 0.5).clamp(0.0, 1.0)[None]
    spilled = flat(SKIN) + 0.1 * flat(GREEN)
    grain = torch.randn(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5)) * 0.004
    plate = (over(spilled, alpha, flat(GREEN)).sqrt() + grain).square()  # as of a camera, which counts photons
    keyer = DifferenceKeyer(torch.device("cpu"))
    screen = keyer.survey([plate], KeySettings())
    return keyer.infer(plate, screen, Mattes(), KeySettings()), screen


def finished(raw: tuple[RawKey, Screen], mattes: Mattes | None = None, **choices: object) -> KeyedFrame:
    keyer = DifferenceKeyer(torch.device("cpu"))
    return keyer.finish(raw[0], raw[1], mattes or Mattes(), KeySettings.model_validate(choices))


EDGES = {"choke": 0.7, "soften": 4.0, "edge_extend": 10.0, "grain_match": 1.0, "despill_where": "edges"}
COLORS = {"despill_bias": SKIN, "spill_replacement": (0.1, 0.2, 0.6)}


def test_none_of_them_needs_the_plate_to_be_inferred_again() -> None:
    assert {*EDGES, *COLORS} <= FINISHING


def test_edges_at_zero_leave_every_bit(raw: tuple[RawKey, Screen]) -> None:
    plain, asked = finished(raw), finished(raw, choke=0.0, soften=0.0, edge_extend=0.0, grain_match=0.0)
    assert torch.equal(plain.alpha, asked.alpha) and torch.equal(plain.foreground, asked.foreground)


def test_the_same_settings_give_the_same_bits(raw: tuple[RawKey, Screen]) -> None:
    once, again = finished(raw, **EDGES), finished(raw, **EDGES)
    assert torch.equal(once.alpha, again.alpha) and torch.equal(once.foreground, again.foreground)


@pytest.mark.parametrize("choices", [{"choke": -4.0}, {"soften": 12.0}])
def test_an_edge_that_moves_outward_shows_the_subjects_color_and_not_the_screens(
    raw: tuple[RawKey, Screen], choices: dict[str, float]
) -> None:
    keyed = finished(raw, **choices)
    grown = (finished(raw).alpha <= 0.0) & (keyed.alpha > 0.0)
    assert int(grown.sum()) > 100
    found = keyed.foreground[:, grown[0]].mean(dim=1)
    torch.testing.assert_close(found, torch.tensor(SKIN), atol=0.05, rtol=0)
    assert not keyed.foreground[:, (keyed.alpha <= 0.0)[0]].any()


def test_garbage_and_core_hold_what_edges_would_move(raw: tuple[RawKey, Screen]) -> None:
    garbage, core = torch.zeros(1, HEIGHT, WIDTH), torch.zeros(1, HEIGHT, WIDTH)
    garbage[..., :80], core[..., 118:124] = 1.0, 1.0
    spread = finished(raw, Mattes(garbage=garbage), choke=-4.0, soften=8.0)
    choked = finished(raw, Mattes(core=core), choke=4.0)
    assert not spread.alpha[..., :80].any()
    assert bool((choked.alpha[..., 118:124] == 1.0).all())


def test_extended_color_is_delivered_where_there_is_no_alpha(raw: tuple[RawKey, Screen]) -> None:
    keyed = finished(raw, edge_extend=10.0)
    outside = keyed.foreground[:, 60, 32]  # eight pixels from the edge
    assert float(keyed.alpha[0, 60, 32]) == 0.0 and torch.equal(keyed.alpha, finished(raw).alpha)
    torch.testing.assert_close(outside, torch.tensor(SKIN), atol=0.06, rtol=0)
    assert not keyed.foreground[:, 60, 10].any()


def test_continued_color_gets_the_plates_grain_and_seen_color_keeps_its_bits(raw: tuple[RawKey, Screen]) -> None:
    plain, grained = finished(raw, edge_extend=20.0), finished(raw, edge_extend=20.0, grain_match=1.0)
    beyond = ((plain.alpha <= 0.0) & plain.foreground.any(dim=0, keepdim=True))[0]
    seen = plain.foreground[0, 45:75, 65:95].std()
    assert float(plain.foreground[0, beyond].std()) < 0.5 * float(seen)
    assert 0.6 * float(seen) < float(grained.foreground[0, beyond].std()) < 1.6 * float(seen)
    core = (plain.alpha >= 1.0)[0]
    assert torch.equal(plain.foreground[:, core], grained.foreground[:, core])


def test_skin_keeps_its_hue_where_it_is_the_bias_color(raw: tuple[RawKey, Screen]) -> None:
    found = finished(raw, despill_bias=SKIN).foreground[:, 45:75, 65:95].mean(dim=(1, 2))
    plain = finished(raw).foreground[:, 45:75, 65:95].mean(dim=(1, 2))
    skin = torch.tensor(SKIN)
    assert float((found / found.sum() - skin / skin.sum()).abs().max()) < 0.003
    assert float((plain / plain.sum() - skin / skin.sum()).abs().max()) > 0.01
