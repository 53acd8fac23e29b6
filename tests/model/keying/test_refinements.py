"""The refinements between a network's answer and alpha: what each does, by itself, and how they are left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model.errors import KeyingError
from model.keying.edges import stretch
from model.keying.refinements import (
    NEAR,
    REFINEMENTS,
    BlendEstimates,
    CloseGaps,
    GrowConnected,
    KeepWithin,
    KeyEstimate,
    SnapConfident,
    begin,
    blend_edge_estimates,
    close_gaps,
    grow_connected,
    keep_within_segments,
    ramp,
    refined,
    snap_confident,
)

NAMES = tuple(one.name for one in REFINEMENTS)
GREEN = (0.05, 0.4, 0.05)


def estimate(height: int = 60, width: int = 90, **known: Tensor) -> KeyEstimate:
    """Return what is known of a bare screen, but for what is given: parts of `KeyEstimate` that fit the size."""
    nothing = torch.zeros(1, height, width)
    screen = torch.tensor(GREEN)[:, None, None].expand(3, height, width)
    begun = begin(
        plate=known.get("plate", screen),
        clean_plate=known.get("clean_plate", screen),
        seen=nothing,
        unit=torch.full_like(nothing, 0.35),
        difference=nothing,
        recording=torch.zeros(2, height, width),
        alpha=known.get("alpha", nothing),
        plain=known.get("alpha", nothing),
        foreground=screen,
        projection=nothing,
        most=nothing,
        least=nothing,
        near=nothing,
        solid=nothing,
    )
    return replace(begun, **known)


def test_solvers_are_followed_where_a_pixel_near_the_subject_is_half_transparent() -> None:
    mixed = torch.tensor([0.0, 0.02, 0.5, 0.5, 0.5, 1.0]).view(1, 1, 6)
    near = torch.tensor([1.0, 1.0, 1.0, 0.5, 0.0, 1.0]).view(1, 1, 6)
    bright = torch.full((3, 1, 6), 100.0)
    known = estimate(
        1, 6, alpha=mixed, near=near, again=torch.full((1, 1, 6), 0.9),
        clean_plate=torch.zeros(3, 1, 6), plate=0.7 * bright, foreground=bright,
    )  # fmt: skip
    found = blend_edge_estimates(known, BlendEstimates(margin=0.0)).alpha.flatten()
    assert found[[0, 2, 3, 4, 5]].tolist() == pytest.approx([0.0, 2.5 / 3, 2.0 / 3, 0.5, 1.0])
    assert 0.02 < float(found[1]) < 0.06
    with_margin = blend_edge_estimates(known, BlendEstimates(margin=0.02)).alpha.flatten()
    torch.testing.assert_close(with_margin, stretch(found, 0.02))


def confident(alpha: Tensor, difference: Tensor, projected: Tensor) -> Tensor:
    known = estimate(*alpha.shape[-2:], alpha=alpha, difference=difference, first_projection=projected)
    found = snap_confident(known, SnapConfident())
    assert torch.equal(found.alpha, found.plain), "an artist who wants no edges refined has no doubt either"
    return found.alpha


def test_doubt_is_decided_where_no_screen_shows_and_left_where_it_does_and_at_edges() -> None:
    alpha, difference = torch.full((1, 60, 90), 0.8), torch.ones(1, 60, 90)
    alpha[:, :, 45:], difference[:, :, 60:] = 0.3, 0.5
    found = confident(alpha, difference, torch.ones(1, 60, 90))[0, 30]
    assert float(found[20]) > 0.95 and float(found[50]) < 0.1
    assert bool((found[58:] == 0.3).all()), "two pixels inside the edge are left alone"


def test_where_alpha_is_open_the_projection_must_find_no_screen_either() -> None:
    """The blur of a warm color, in which the color difference already finds none."""
    opened, nearly = torch.full((1, 60, 90), 0.6), torch.full((1, 60, 90), 0.92)
    difference, projected = torch.ones(1, 60, 90), torch.full((1, 60, 90), 0.6)
    assert torch.equal(confident(opened, difference, projected), opened)
    assert float(confident(nearly, difference, projected).min()) > 0.99


def test_what_was_decided_already_and_an_even_chance_stay() -> None:
    alpha = torch.tensor([0.0, 0.5, 1.0]).repeat_interleave(20)[None, None].expand(1, 40, 60)
    torch.testing.assert_close(confident(alpha, *torch.ones(2, 1, 40, 60)), alpha)


def test_near_is_where_the_segmenter_is_sure_enough_of_a_subject() -> None:
    most = torch.tensor([0.0, 0.62, NEAR[0], 0.8, NEAR[1], 1.0]).view(1, 1, 6)
    near = ramp(most, *NEAR).flatten().tolist()
    assert near == pytest.approx([0.0, 0.0, 0.0, 0.5, 1.0, 1.0], abs=1e-5)


@pytest.mark.parametrize("enlarged", [1, 3])
def test_near_follows_a_twig_and_neither_a_marker_beside_it_nor_a_wall_behind_it(enlarged: int) -> None:
    height, width = 270, 400
    near, difference, alpha = torch.zeros(3, 1, height, width)
    near[..., 100:200, 100:200] = 1.0
    difference[..., 150:153, 150:290] = difference[..., 120:130, 230:240] = 1.0  # a twig; a marker
    alpha[..., 150:153, 150:290] = alpha[..., 120:130, 230:240] = 0.3
    difference[..., :150, 150:180] = 1.0  # a wall, which the network leaves out
    found = connected(
        *(each.repeat_interleave(enlarged, 1).repeat_interleave(enlarged, 2) for each in (near, difference, alpha))
    )[0, enlarged // 2 :: enlarged, enlarged // 2 :: enlarged]
    assert found.shape == (height, width)
    assert bool((found[151, 100:285] == 1.0).all()), "to its tip"
    assert bool((found[120:130, 230:240] == 0.0).all())
    assert bool((found[:95, 150:180] == 0.0).all())
    assert bool((found[151, 300:] == 0.0).all()) and bool((found[160:, 210:] == 0.0).all()), "not beside it"


def test_near_follows_no_further_than_two_fifths_of_the_frame() -> None:
    near, solid = torch.zeros(1, 100, 300), torch.ones(1, 100, 300)
    near[..., :10] = 1.0
    found = connected(near, solid, solid)[0, 50]
    assert float(found[45]) == 1.0 and float(found[60]) == 0.0


def connected(near: Tensor, difference: Tensor, alpha: Tensor) -> Tensor:
    known = estimate(*near.shape[-2:], near=near, difference=difference, alpha=alpha)
    return grow_connected(known, GrowConnected()).near


def kept(**known: Tensor) -> Tensor:
    found = keep_within_segments(estimate(4, 4, **known), KeepWithin())
    assert torch.equal(found.alpha, found.plain), "whether edges are refined or not"
    return found.alpha


def all_over(value: float) -> Tensor:
    return torch.full((1, 4, 4), value)


def given(alpha: float, **known: float) -> Tensor:
    answers = {"alpha": all_over(alpha), "plain": all_over(alpha)}
    return kept(**answers, **{name: all_over(value) for name, value in known.items()})


def test_what_is_far_from_any_subject_is_emptied_and_what_hangs_on_one_stays() -> None:
    assert float(given(0.9, most=0.01).max()) == 0.0
    assert torch.equal(given(0.4, most=0.01, near=1.0), all_over(0.4))
    assert torch.equal(given(0.4, most=0.5), all_over(0.4))
    assert 0.0 < float(given(0.4, most=0.07).max()) < 0.4, "between, gradually"


def test_a_thin_place_inside_something_opaque_is_closed_and_smoke_and_holes_are_not() -> None:
    assert float(given(0.8, most=1.0, least=1.0, solid=1.0).min()) > 0.98
    assert torch.equal(given(0.8, most=1.0, least=1.0, solid=0.3), all_over(0.8)), "smoke"
    assert torch.equal(given(0.8, most=1.0, least=0.5, solid=1.0), all_over(0.8)), "an edge"
    assert torch.equal(given(0.3, most=1.0, least=1.0, solid=1.0), all_over(0.3)), "a hole"


def test_an_edge_keeps_its_alpha_though_something_opaque_is_around_it() -> None:
    alpha = torch.ones(1, 40, 40)
    alpha[..., :10], alpha[..., 10:12], alpha[..., 20:22] = 0.0, 0.7, 0.7  # screen, an edge, a thin fold
    known = {name: torch.ones(1, 40, 40) for name in ("most", "least", "solid")}
    found = keep_within_segments(estimate(40, 40, alpha=alpha, plain=alpha, **known), KeepWithin()).alpha
    assert torch.equal(found[..., :12], alpha[..., :12])
    assert float(found[..., 20:22].min()) > 0.97


@pytest.mark.parametrize(
    ("what", "first", "width", "around", "closed"),
    [
        ("a jewel in the screen's color", 0.6, 3, 1.0, True),
        ("a gap between leaves", 0.1, 3, 1.0, False),
        ("a gap too wide for a jewel", 0.6, 9, 1.0, False),
        ("a gap at an outline", 0.6, 3, 0.7, False),
    ],
)
def test_a_gap_is_closed_where_it_is_narrow_inside_and_hardly_screen(
    what: str, first: float, width: int, around: float, closed: bool
) -> None:
    alpha = torch.ones(1, 40, 40)
    alpha[..., 20 : 20 + width] = first
    known = {"least": torch.full_like(alpha, around), "solid": torch.ones_like(alpha)}
    found = close_gaps(estimate(40, 40, alpha=alpha, plain=alpha, first=alpha, **known), CloseGaps())
    assert torch.equal(found.alpha, torch.ones_like(alpha) if closed else alpha), what
    assert torch.equal(found.alpha, found.plain)


def test_a_gap_beside_plain_screen_stays() -> None:
    alpha = torch.ones(1, 40, 40)
    alpha[..., 21:22], alpha[..., 23:25] = 0.6, 0.0
    known = {name: torch.ones_like(alpha) for name in ("least", "solid")}
    found = close_gaps(estimate(40, 40, alpha=alpha, plain=alpha, first=alpha, **known), CloseGaps())
    assert torch.equal(found.alpha, alpha)


EXTREMES = [(alpha, near, around) for alpha in (0.0, 0.5, 1.0) for near in (0.0, 1.0) for around in (0.0, 1.0)]


@pytest.mark.parametrize("name", NAMES)
def test_at_every_extreme_a_refinement_answers_numbers_between_nothing_and_all(name: str) -> None:
    (step,) = (one for one in REFINEMENTS if one.name == name)
    for alpha, near, around in EXTREMES:
        for plain in (0.0, 1.0):
            flat = {"alpha": alpha, "plain": plain, "first": alpha, "again": 1.0 - alpha, "near": near}
            flat |= {"most": around, "least": around, "solid": 1.0 - around, "difference": plain, "sure": near}
            flat |= {"first_projection": 1.0 - plain, "seen": 1.0 - alpha}
            known = {part: torch.full((1, 24, 32), value) for part, value in flat.items()}
            known["alpha"] = known["first"] = known["alpha"].clone().index_fill_(2, torch.tensor([3, 4]), 0.5)
            found = step.apply(estimate(24, 32, **known), step.constants)
            for part in ("alpha", "plain", "near", "again", "sure"):
                value = getattr(found, part)
                assert bool(torch.isfinite(value).all()), (part, alpha, near, around, plain)
                assert float(value.min()) >= 0.0 and float(value.max()) <= 1.0 + 1e-6, (
                    part,
                    alpha,
                    near,
                    around,
                    plain,
                )
            assert bool(torch.isfinite(found.lacking).all())


def test_names_that_are_none_are_refused_with_those_there_are() -> None:
    with pytest.raises(KeyingError, match="no refinement polish, shine") as refused:
        refined(estimate(4, 4), {"shine", "snap-confident", "polish"})
    assert all(name in refused.value.fix for name in NAMES)


def test_without_any_refinement_alpha_is_the_networks_own() -> None:
    answered = torch.linspace(0.0, 1.0, 24 * 32).view(1, 24, 32)
    known = estimate(24, 32, alpha=answered, plain=answered.sqrt(), near=torch.ones(1, 24, 32))
    assert refined(known, NAMES) is known
    assert not torch.equal(refined(known).alpha, answered)
