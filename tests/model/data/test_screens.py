"""Screens and floors as real shoots have them: uneven light, small things, rooms on all sides, plain clothes."""

from __future__ import annotations

import pytest
import torch

from model.data.config import DataConfig
from model.data.materials import plain_palette
from model.data.scenes import generate
from model.data.screens import draw_color
from model.data.seeding import Draw
from model.data.truth import ShotBatch
from tests.model.data.test_scenes import only

BARE: dict[str, object] = {
    "shadow": 0.0, "markers": 0.0, "wrinkles": 0.0, "set_visible": 0.0, "camera": False, "spill": False,
    "zoom": (1.0, 2.0), "upright": 1.0,
}  # fmt: skip


def off_and_on(kind: str, effect: str, seeds: int = 12) -> tuple[ShotBatch, ShotBatch]:
    """Return shots of ``kind`` on a bare screen, 96 × 160, without an effect and with it; it changes no subject."""
    without, with_it = (
        generate(range(seeds), height=96, width=160, config=only(kind, **(BARE | {effect: share})))
        for share in (0.0, 1.0)
    )
    for part in ("alpha", "foreground", "emission"):
        assert torch.equal(getattr(without, part), getattr(with_it, part)), part
    return without, with_it


def test_uneven_light_reaches_from_a_shade_to_clipping_and_is_in_the_clean_plate() -> None:
    even, uneven = off_and_on("object", "uneven", seeds=24)
    assert torch.equal(uneven.background, uneven.clean_plate)
    light = [
        shots.clean_plate.sum(1).flatten(1).quantile(torch.tensor([0.02, 0.98]), dim=1) for shots in (even, uneven)
    ]
    ratios = [high / low.clamp_min(1e-6) for low, high in light]
    assert float(ratios[1].median()) > 1.3 * float(ratios[0].median())
    assert int((ratios[1] > 4).sum()) >= 6, "a quarter of them run over a factor of four"
    assert int((uneven.clean_plate.amax(1).flatten(1).amax(1) > 1.0).sum()) >= 3, "hot spots clip"
    kinds = {kind for recipe in uneven.recipes for kind in recipe["uneven"]}
    assert kinds == {"spot", "side", "falloff", "colored"}


def test_small_things_lie_on_the_screen_and_are_not_in_the_clean_plate() -> None:
    bare, strewn = off_and_on("object", "scattered", seeds=16)
    assert torch.equal(bare.clean_plate, strewn.clean_plate)
    hidden = ((strewn.background - strewn.clean_plate).abs().amax(1) > 0.02).float().flatten(1).mean(1)
    assert int((hidden > 0.002).sum()) >= 12, "nearly every shot shows some"
    assert float(hidden.max()) < 0.3, "the screen is left to be seen"
    colors = strewn.background - strewn.clean_plate
    assert float(colors.amax(1).flatten(1).amax(1).median()) > 0.1


def test_a_screen_amid_a_room_ends_inside_the_picture_on_all_four_sides() -> None:
    filling, amid = off_and_on("person", "amid")
    ends = [recipe.get("set", False) for recipe in amid.recipes]
    assert sum(ends) >= 6, "but for subjects that would hide it"
    for shot in range(12):
        changed = (amid.clean_plate[shot] - filling.clean_plate[shot]).abs().amax(0) > 1e-4
        if not ends[shot]:
            assert not changed.any()
            continue
        border = torch.cat((changed[0], changed[-1], changed[:, 0], changed[:, -1]))
        assert float(border.float().mean()) > 0.98
        assert 0.08 < float(1 - changed.float().mean()) < 0.55


def test_a_second_paint_is_a_part_of_the_screen_in_a_color_like_the_first() -> None:
    one, two = off_and_on("object", "two_paints")
    assert torch.equal(two.background, two.clean_plate)
    factor = (two.clean_plate / one.clean_plate.clamp_min(1e-6)).flatten(2)
    other = (factor - 1).abs().amax(1) > 0.01
    shares = other.float().mean(1)
    assert int(((shares > 0.02) & (shares < 0.98)).sum()) >= 7, "mostly both are seen"
    first, second = (shots.clean_plate / shots.clean_plate.sum(1, keepdim=True) for shots in (one, two))
    apart = (first - second).norm(dim=1).flatten(1).amax(1)
    assert float(apart.max()) < 0.3 and float(apart.median()) < 0.12


def test_light_on_the_screen_is_as_bright_as_asked_for_and_leaves_the_subject_alone() -> None:
    usual, bright = (
        generate(range(3), height=96, width=160, config=only("object", **(BARE | {"screen_light": (level, level)})))
        for level in (1.0, 2.0)
    )
    assert torch.equal(usual.foreground, bright.foreground)
    assert torch.allclose(bright.clean_plate, 2 * usual.clean_plate, rtol=1e-4)


def test_a_furnished_room_has_edges_and_touches_no_screen() -> None:
    rooms = BARE | {"set_visible": 1.0, "zoom": (1.0, 1.0)}
    soft, furnished = (
        generate(range(6), height=96, width=160, config=only("object", **(rooms | {"furnished": share})))
        for share in (0.0, 1.0)
    )
    for part in ("alpha", "foreground", "emission"):
        assert torch.equal(getattr(soft, part), getattr(furnished, part)), part
    changed = (soft.clean_plate - furnished.clean_plate).abs().amax(1) > 1e-6
    assert 0.02 < float(changed.float().mean()) < 0.8, "the screen stays"
    for shot in range(6):
        steps = [
            (one[shot, :, :, 1:] - one[shot, :, :, :-1]).abs().amax(0) / one[shot].mean()
            for one in (soft.clean_plate, furnished.clean_plate)
        ]
        room = changed[shot, :, 1:] & changed[shot, :, :-1]
        assert float(steps[1][room].max()) > 0.2, shot
    assert furnished.recipes == soft.recipes, "no other choice changes"


def test_the_floor_is_dark_where_a_foot_stands_and_nowhere_else() -> None:
    floating, standing = off_and_on("object", "contact_shadow")
    assert torch.equal(floating.clean_plate, standing.clean_plate)
    kept = (standing.background / floating.background.clamp_min(1e-6)).mean(1)
    assert float(kept.max()) < 1.001 and float(kept.min()) >= 0.05
    seen = 0
    for shot in range(12):
        solid = standing.alpha[shot, 0] > 0.5
        lost = 1 - kept[shot]
        if not solid.any() or bool(solid[-1].any()):
            assert float(lost.max()) == 0, "a subject that the border cuts stands elsewhere"
            continue
        lowest = int(solid.any(1).nonzero().max())
        around = lost[max(0, lowest - 20) : lowest + 20]
        assert float(around.sum()) > 0.9 * float(lost.sum())
        seen += int(float(lost.max()) > 0.1)
    assert seen >= 3


def test_plain_clothes_change_the_colors_of_a_person_alone() -> None:
    varied, plain = (
        generate(range(4), height=96, width=160, config=only("person", **(BARE | {"plain_clothes": share})))
        for share in (0.0, 1.0)
    )
    for part in ("alpha", "clean_plate", "background", "emission"):
        assert torch.equal(getattr(varied, part), getattr(plain, part)), part
    assert all(not torch.equal(varied.foreground[n], plain.foreground[n]) for n in range(4))
    colors = [color for seed in range(100) for color in plain_palette(Draw(seed))]
    assert max(max(color) - min(color) for color in colors) < 0.35, "white, grey, olive and black"
    assert max(min(color) for color in colors) > 0.7 and min(max(color) for color in colors) < 0.05


def test_pale_screens_are_hardly_colored_and_all_of_them_are_drawn() -> None:
    saturation = []
    for seed in range(60):
        name, color = draw_color(Draw(seed), DataConfig(screen_colors={"pale": 1.0}))
        assert name == "pale"
        saturation.append(1 - min(color) / max(color))
    assert 0.15 <= min(saturation) < 0.2 and 0.4 < max(saturation) <= 0.5


@pytest.mark.parametrize(
    "field",
    [
        "looks",
        "processing",
        "uneven",
        "scattered",
        "amid",
        "contact_shadow",
        "plain_clothes",
        "furnished",
        "two_paints",
    ],
)
def test_what_came_after_the_fixed_sets_is_off_unless_asked_for(field: str) -> None:
    assert getattr(DataConfig(), field) == 0.0
