"""The figures of a frame see what was planted, and nothing else."""

from __future__ import annotations

import pytest
import torch

from model.quality import BLOCK, measure, small_alpha
from model.settings import Screen

GREEN = Screen(color=(0.05, 0.45, 0.10), coverage=0.5)
BLUE = Screen(color=(0.04, 0.10, 0.50), coverage=0.5)


def disc(height: int = 120, width: int = 160, shift: float = 0.0) -> torch.Tensor:
    """A subject with an edge eight pixels wide."""
    y, x = torch.meshgrid(torch.arange(height) - height / 2, torch.arange(width) - width / 2 - shift, indexing="ij")
    return ((40 - torch.hypot(x, y)) / 8).clamp(0, 1)[None]


def skin(alpha: torch.Tensor) -> torch.Tensor:
    return torch.where(alpha > 0, torch.tensor([0.7, 0.4, 0.3])[:, None, None], torch.zeros(3, 1, 1))


def test_a_clean_key_has_nothing_but_its_edge() -> None:
    alpha = disc()
    figures = measure(alpha, skin(alpha), GREEN, small_alpha(alpha))
    assert figures.edge_spill == 0 and figures.screen_noise == 0 and figures.core_noise == 0 and figures.change == 0
    assert figures.soft_share == pytest.approx(float(((alpha > 0.02) & (alpha < 0.98)).float().mean()), abs=1e-6)


@pytest.mark.parametrize("screen", [GREEN, BLUE])
@pytest.mark.parametrize("amount", [0.1, 0.5])
def test_spill_is_told_in_parts_of_the_screen(screen: Screen, amount: float) -> None:
    alpha = disc()
    grey = torch.where(alpha > 0, torch.full((3, 1, 1), 0.3), torch.zeros(3, 1, 1))
    ordered = sorted(screen.color)
    main = screen.color.index(ordered[2])
    grey[main] += amount * (ordered[2] - ordered[1])
    assert measure(alpha, grey, screen, None).edge_spill == pytest.approx(amount, abs=1e-3)


@pytest.mark.parametrize("amount", [0.02, 0.08])
def test_noise_in_screen_and_core_is_told_where_it_is(amount: float) -> None:
    alpha = disc()
    means = small_alpha(alpha)
    full = torch.nn.functional.interpolate(means[None], scale_factor=BLOCK)[0, :, :120, :160]
    generator = torch.Generator().manual_seed(1)
    grain = amount * torch.randn(alpha.shape, generator=generator)
    noisy_screen = torch.where(full == 0, grain.abs(), alpha)
    figures = measure(noisy_screen, skin(alpha), GREEN, None)
    assert figures.screen_noise == pytest.approx(amount, rel=0.1) and figures.core_noise == 0
    noisy_core = torch.where(full == 1, 1 - grain.abs(), alpha)
    figures = measure(noisy_core, skin(alpha), GREEN, None)
    assert figures.core_noise == pytest.approx(amount, rel=0.1) and figures.screen_noise == 0


def test_change_grows_with_what_changed() -> None:
    still = disc()
    changes = [measure(disc(shift=s), skin(still), GREEN, small_alpha(still)).change for s in (0.0, 2.0, 8.0)]
    assert changes[0] == 0 and changes[1] is not None and changes[2] is not None and changes[1] < changes[2]
    assert measure(0.8 * still, skin(still), GREEN, small_alpha(still)).change == pytest.approx(0.2 * 0.85, rel=0.15)


def test_a_pop_is_what_one_frame_has_and_both_its_neighbors_have_not() -> None:
    still = disc()
    holed, stays = still.clone(), small_alpha(still)
    holed[:, 52:68, 72:88] = 0.8
    popped = measure(still, skin(still), GREEN, small_alpha(holed), stays).popped
    assert popped == pytest.approx(4 / 188, rel=0.5)
    assert measure(still, skin(still), GREEN, stays, stays).popped == 0
    assert measure(holed, skin(holed), GREEN, small_alpha(holed), stays).popped == 0, "it stays"
    assert measure(still, skin(still), GREEN, stays, small_alpha(holed)).popped == 0, "it was there before"
    assert measure(still, skin(still), GREEN, stays).popped is None
    moving = [disc(shift=shift) for shift in (0.0, 2.0, 4.0)]
    first, second = (small_alpha(one) for one in moving[:2])
    assert measure(moving[2], skin(moving[2]), GREEN, second, first).popped == 0, "motion is none"


def test_what_is_nowhere_has_no_figure() -> None:
    nothing, all_of_it = torch.zeros(1, 64, 64), torch.ones(1, 64, 64)
    assert measure(nothing, torch.zeros(3, 64, 64), GREEN, None).core_noise is None
    assert measure(all_of_it, torch.ones(3, 64, 64), GREEN, None).screen_noise is None
    empty = measure(nothing, torch.zeros(3, 64, 64), GREEN, small_alpha(nothing))
    assert empty.edge_spill is None and empty.change == 0
    assert measure(nothing, torch.zeros(3, 64, 64), GREEN, torch.zeros(1, 3, 3)).change is None


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (8, 8), (9, 17)])
def test_any_size_can_be_measured(size: tuple[int, int]) -> None:
    alpha = torch.full((1, *size), 0.5)
    assert measure(alpha, torch.ones(3, *size), GREEN, small_alpha(alpha)).soft_share == 1


def test_values_that_are_no_numbers_spoil_no_figure() -> None:
    alpha = disc()
    color = skin(alpha)
    color[:, 20, 80] = float("nan")
    color[:, 60, 42] = float("inf")
    figures = measure(alpha, color, GREEN, None)
    assert figures.edge_spill is not None and figures.edge_spill < 1
