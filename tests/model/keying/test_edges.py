"""Edges that are solved again with the core that a first answer shows."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.color_difference import color_difference_alpha
from model.keying.compositing import over
from model.keying.edges import solve_again, solve_difference
from model.keying.screen import hue_rotation

GREEN, NEAR_IT = (0.05, 0.4, 0.08), (0.3, 0.42, 0.12)  # a screen, and an olive subject: opaque, yet no core to color


def shot() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return plate, clean plate, color difference alpha and true alpha of a wide-edged disc, with seeded grain."""
    rows, columns = torch.arange(96)[:, None] + 0.5, torch.arange(128)[None, :] + 0.5
    truth = ((30.0 - ((rows - 50.0).square() + (columns - 64.0).square()).sqrt()) / 12.0 + 0.5).clamp(0, 1)[None]
    clean, subject = (torch.tensor(color)[:, None, None].expand(3, 96, 128) for color in (GREEN, NEAR_IT))
    grain = torch.randn(3, 96, 128, generator=torch.Generator().manual_seed(5)) * 0.002
    plate = over(subject, truth, clean) + grain
    return plate, clean, color_difference_alpha(plate, clean, hue_rotation(GREEN)[0]), truth


def seen(truth: Tensor) -> Tensor:
    return (truth == 0.0).float()


def test_the_core_of_a_first_answer_shows_the_colors_that_the_edges_are_made_of() -> None:
    plate, clean, difference, truth = shot()
    edges = (truth > 0.0) & (truth < 1.0)
    coarse = torch.where(edges, torch.full_like(truth, 0.5), truth)
    again, sure = solve_again(plate, clean, difference, seen(truth), coarse)
    first = solve_difference(plate, clean, difference, seen(truth))
    assert float((again - truth).abs()[edges].mean()) < 0.05 < 0.4 * float((first - truth).abs()[edges].mean())
    assert float(sure[edges].min()) > 0.3 and not bool(sure[~edges].any())


def test_a_subject_in_many_colors_leaves_its_edges_unsure() -> None:
    plate, clean, difference, truth = shot()
    edges = (truth > 0.0) & (truth < 1.0)
    coarse = torch.where(edges, torch.full_like(truth, 0.5), truth)
    colors = torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(6))
    many = torch.where(truth >= 1.0, colors, plate)
    (_, one), (_, several) = (solve_again(light, clean, difference, seen(truth), coarse) for light in (plate, many))
    assert float(several[edges].mean()) < 0.85 * float(one[edges].mean())


def test_a_color_that_the_core_does_not_have_leaves_nothing_sure() -> None:
    """Blond strands upon a dark head: the dark core explains them only as plain screen, which they are not."""
    plate, clean, difference, truth = shot()
    edges = (truth > 0.0) & (truth < 1.0)
    dark, blond = (
        torch.tensor(color)[:, None, None].expand_as(plate) for color in ((0.03, 0.03, 0.035), (0.6, 0.45, 0.2))
    )
    grain = torch.randn(plate.shape, generator=torch.Generator().manual_seed(7)) * 0.006
    strands = over(torch.where(edges, blond, dark), torch.where(edges, 0.4, truth), clean) + grain
    coarse = torch.where(edges, torch.full_like(truth, 0.5), truth)
    _, sure = solve_again(strands, clean, difference, seen(truth), coarse)
    assert float(sure[edges].mean()) < 0.05


def test_between_the_ends_a_better_known_solution_is_not_stretched() -> None:
    plate, clean, difference, truth = shot()
    coarse = torch.where((truth > 0.0) & (truth < 1.0), torch.full_like(truth, 0.5), truth)
    again, _ = solve_again(plate, clean, difference, seen(truth), coarse)
    assert abs(float((again - truth)[(truth > 0.1) & (truth < 0.3)].mean())) < 0.005


def test_what_was_decided_stays_as_it_was() -> None:
    plate, clean, difference, truth = shot()
    decided = (truth > 0.5).float()
    decided[:, 40:44, 20:24] = 1.0  # wrong, but decided
    again, sure = solve_again(plate, clean, difference, seen(truth), decided)
    assert torch.equal(again, decided) and not bool(sure.any())


def test_an_answer_without_a_core_stays_as_it_was() -> None:
    plate, clean, difference, truth = shot()
    thin = truth * 0.6
    again, sure = solve_again(plate, clean, difference, seen(truth), thin)
    assert torch.equal(again, thin) and not bool(sure.any())
