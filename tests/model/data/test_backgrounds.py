"""New backgrounds: light of many kinds, the same for the same draw."""

from __future__ import annotations

import pytest
import torch

from model.data import backgrounds
from model.data.backgrounds import BRIGHTEST, new_background
from model.data.seeding import Draw


def many(count: int = 48) -> torch.Tensor:
    return torch.stack([new_background(Draw(seed, "new"), 40, 56) for seed in range(count)])


def test_backgrounds_are_light_of_the_promised_shape() -> None:
    pictures = many()
    assert pictures.shape == (48, 3, 40, 56) and pictures.dtype == torch.float32
    assert bool(torch.isfinite(pictures).all())
    assert float(pictures.min()) >= 0.0 and float(pictures.max()) <= BRIGHTEST


def test_equal_draws_give_equal_bits_and_others_other_pictures() -> None:
    assert torch.equal(many(6), many(6))
    pictures = many(6)
    assert all(not torch.equal(pictures[0], other) for other in pictures[1:])


def test_they_differ_in_level_contrast_and_color_and_reach_above_one() -> None:
    pictures = many()
    levels = pictures.mean(dim=(1, 2, 3))
    contrasts = pictures.std(dim=(2, 3)).mean(dim=1) / levels
    assert float(levels.max() / levels.min()) > 8
    assert float(contrasts.min()) < 0.3 < 0.6 < float(contrasts.max())
    assert float(pictures.max()) > 1.0


@pytest.mark.parametrize("kind", sorted(backgrounds.KINDS))
def test_every_kind_can_be_drawn(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backgrounds, "KINDS", {kind: 1.0})
    picture = new_background(Draw(3), 33, 32)
    assert picture.shape == (3, 33, 32)
    assert float(picture.std()) > 0.0


def test_heaps_of_things_have_sharp_edges_and_slopes_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def steepest(kind: str) -> float:
        monkeypatch.setattr(backgrounds, "KINDS", {kind: 1.0})
        pictures = torch.stack([new_background(Draw(seed), 96, 96) for seed in range(6)])
        return float(((pictures[..., 1:] - pictures[..., :-1]).abs() / pictures.mean()).max())

    assert steepest("leaves") > 20 * steepest("slope")
