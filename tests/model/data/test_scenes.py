"""Procedural shots: their truth is exact, their bits repeat, and every kind of subject is drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import label
from torch import Tensor

from model.data import gear
from model.data.config import DataConfig
from model.data.gear import Canvas, tripod
from model.data.lighting import Light
from model.data.materials import Stage, any_color, printed
from model.data.scenes import generate
from model.data.seeding import Draw
from model.data.subjects import KINDS
from model.data.truth import ALPHA, COLOR, ShotBatch, stack_of
from model.data.view import Motion, View

PARTS = ("plate", "foreground", "alpha", "background", "clean_plate", "spill", "emission")
LENS_ONLY = DataConfig(camera=False, spill=False)


def only(kind: str, **changes: object) -> DataConfig:
    settings: dict[str, object] = {"subjects": {kind: 1.0}, "extra_subjects": 0.0, "empty": 0.0, "zoom": (1.0, 1.5)}
    return DataConfig(**(settings | changes))  # type: ignore[arg-type]  # pydantic checks them


def same(first: ShotBatch, second: ShotBatch) -> bool:
    return all(torch.equal(getattr(first, part), getattr(second, part)) for part in PARTS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_drawn_and_recomposes_to_its_noiseless_plate(kind: str) -> None:
    batch = generate(range(3), height=96, width=112, config=only(kind, camera=False, spill=False))
    error = (batch.truth.recompose() - batch.plate).abs().max()
    assert error <= 1e-5 * max(1.0, float(batch.plate.max()))
    assert all(recipe["subjects"] == [kind] for recipe in batch.recipes)
    assert float((batch.alpha + batch.emission.amax(1, keepdim=True)).max()) > 0.02
    assert float(batch.alpha.min()) >= 0 and float(batch.alpha.max()) <= 1
    assert float((batch.foreground * (batch.alpha == 0)).abs().max()) == 0


def test_a_print_changes_the_colors_of_a_subject_and_neither_its_alpha_nor_the_exactness_of_the_truth() -> None:
    plain, worn = (generate(range(3), height=96, width=112, config=only("fur", prints=share)) for share in (0.0, 1.0))
    assert torch.equal(plain.alpha, worn.alpha)
    assert torch.equal(plain.clean_plate, worn.clean_plate)
    hues = [shot.foreground / shot.foreground.sum(1, keepdim=True).clamp_min(1e-6) for shot in (plain, worn)]
    opaque = (plain.alpha > 0.99).expand_as(plain.foreground)
    assert float((hues[0] - hues[1])[opaque].abs().mean()) > 0.02
    bare = generate(range(3), height=96, width=112, config=only("fur", prints=1.0, camera=False))
    assert float((bare.truth.noiseless() - bare.plate).abs().max()) <= 1e-5 * max(1.0, float(bare.plate.max()))


def test_a_print_moves_with_its_subject() -> None:
    view = View(64, 96, 2, 0.01, 0.0, (0.0, 0.0), (0.0, 0.0), torch.device("cpu"))
    stage = Stage(
        view,
        *view.world(),
        Light((0.0, 0.0, 1.0), (1.0, 1.0, 1.0), (0.2, 0.2, 0.2), (0.0, 0.0, 0.0)),
        (0.05, 0.35, 0.08),
        0.0,
    )
    steady = stack_of(torch.ones(2, 3, 64, 96), torch.ones(2, 64, 96))
    worn = printed(Draw(5), stage, Motion((0.0, 0.0), 0.3, velocity=(0.08, 0.0)), steady)
    assert torch.allclose(worn[0, COLOR, :, :-8], worn[1, COLOR, :, 8:], atol=1e-3)
    assert float(worn[0, COLOR].std()) > 0.1


@pytest.mark.parametrize("kind", ["fire", "glass", "hair", "veil", "mirror"])
def test_with_spill_the_noiseless_plate_is_truth_plus_spill(kind: str) -> None:
    batch = generate(range(4), height=96, width=96, config=only(kind, camera=False))
    assert float((batch.truth.noiseless() - batch.plate).abs().max()) <= 1e-5 * max(1.0, float(batch.plate.max()))
    assert float(batch.spill.max()) > 0


@pytest.mark.parametrize("kind", ["fire", "glass", "gel", "glow", "hair", "mirror", "person", "smoke"])
def test_the_cameras_color_matrix_reaches_every_part_of_the_truth(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.data.scenes.record", lambda draw, light, camera: light)
    batch = generate(range(3), height=96, width=96, config=only(kind, camera=True))
    assert float((batch.truth.noiseless() - batch.plate).abs().max()) <= 1e-5 * max(1.0, float(batch.plate.max()))
    without = generate(range(3), height=96, width=96, config=only(kind, camera=False))
    assert torch.equal(batch.alpha, without.alpha)
    for part in ("plate", "foreground", "background", "clean_plate", "spill", "emission"):
        before, after = getattr(without, part), getattr(batch, part)
        assert not before.any() or not torch.equal(before, after), f"{part} did not go through the matrix"


def test_fire_is_light_without_coverage_that_reaches_above_one() -> None:
    batch = generate(range(6), height=96, width=96, config=only("fire", camera=False, spill=False))
    bright = batch.emission.amax(1, keepdim=True) > 1.0
    assert bool(bright.any())
    assert float(batch.alpha[bright].mean()) < 0.3


def test_glass_bends_the_background_behind_it_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    config = only("glass", markers=1.0, shadow=0.0, camera=False, spill=False)
    bent = generate(range(4), height=128, width=128, config=config)
    monkeypatch.setattr("model.data.scenes.shift", lambda pictures, dx, dy: pictures)
    unbent = generate(range(4), height=128, width=128, config=config)
    difference = (bent.background - unbent.background).abs().amax(1, keepdim=True)
    glass = bent.alpha > 0
    for shot in range(4):
        assert float(difference[shot][glass[shot]].max()) > 1e-3
        assert float(difference[shot][~glass[shot]].max()) < 1e-4
    assert float(difference.max()) > 0.1, "markers are drawn aside"
    assert all(
        torch.equal(getattr(bent, part), getattr(unbent, part)) for part in ("alpha", "foreground", "clean_plate")
    )


def test_the_truth_holds_no_screen_light_so_spill_can_be_switched_off_without_changing_it() -> None:
    with_spill = generate(range(4), height=64, width=64, config=DataConfig(camera=False, spill=True))
    without = generate(range(4), height=64, width=64, config=DataConfig(camera=False, spill=False))
    assert torch.equal(with_spill.foreground, without.foreground)
    assert torch.equal(with_spill.alpha, without.alpha)
    assert float(without.spill.abs().max()) == 0


# Of a subject before a bare, even screen: an effect, off and on, where it shows, and the answers that it may change.
EFFECTS = {
    "shadow": (0.0, 1.0, "screen", {"background"}),
    "wrinkles": (0.0, 1.0, "screen", {"background", "clean_plate"}),
    "markers": (0.0, 1.0, "screen", {"background"}),
    "set_visible": (0.0, 1.0, "screen", {"background", "clean_plate"}),
    "spill": (False, True, "subject", {"spill"}),  # no lens of these seeds has glare, which would veil the screen too
    "light": ((1.0, 1.0), (2.0, 2.0), "subject", {"foreground"}),
}


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_changes_the_plate_in_its_place_alone_and_no_bit_of_alpha(effect: str) -> None:
    off, on, place, answers = EFFECTS[effect]
    bare: dict[str, object] = dict.fromkeys(("shadow", "wrinkles", "markers", "set_visible", "defocus"), 0.0)
    bare |= {"camera": False, "spill": False}
    without, with_it = (
        generate(range(4), height=96, width=96, config=only("person", **(bare | {effect: value})))
        for value in (off, on)
    )
    assert torch.equal(without.alpha, with_it.alpha)
    assert {part for part in PARTS[1:] if not torch.equal(getattr(without, part), getattr(with_it, part))} == answers
    change = (with_it.plate - without.plate).abs().amax(1, keepdim=True)
    places = {"screen": without.alpha == 0, "subject": without.alpha >= 0.9999}
    for shot in range(4):
        largest = {name: float(change[shot][where[shot]].max()) for name, where in places.items()}
        assert largest.pop(place) > 1e-3
        assert max(largest.values()) < 1e-4, "all the rest stays as it was"


def test_crew_at_the_sides_of_the_set_is_background_and_no_subject() -> None:
    bare = {
        "set_visible": 1.0,
        "shadow": 0.0,
        "markers": 0.0,
        "camera": False,
        "spill": False,
        "zoom": (1.0, 1.0),
        "upright": 1.0,
    }
    alone, crewed = (
        generate(range(6), height=96, width=160, config=only("object", **bare, crew=crew)) for crew in (0.0, 1.0)
    )
    assert [recipe.get("crew", False) for recipe in alone.recipes + crewed.recipes] == [False] * 6 + [True] * 6
    for part in ("alpha", "foreground", "emission"):
        assert torch.equal(getattr(alone, part), getattr(crewed, part)), part
    assert torch.equal(crewed.background, crewed.clean_plate), "a clean plate is shot with the crew in place"
    change = (crewed.background - alone.background).abs().amax(1)
    people = (change > 0.01).float().mean(0)
    assert float((change > 0.01).float().flatten(1).mean(1).min()) > 0.005, "every shot shows some of them"
    assert float(people[:, :40].mean() + people[:, -40:].mean()) > 4 * float(people[:, 60:100].mean())


def test_gear_before_the_screen_is_background_in_the_clean_plate_too() -> None:
    bare = {"shadow": 0.0, "markers": 0.0, "camera": False, "spill": False, "zoom": (1.0, 1.0), "upright": 1.0}
    alone, geared = (
        generate(range(6), height=96, width=160, config=only("object", **bare, set_visible=0.0, gear=gear))
        for gear in (0.0, 1.0)
    )
    assert [recipe.get("gear", False) for recipe in alone.recipes + geared.recipes] == [False] * 6 + [True] * 6
    for part in ("alpha", "foreground", "emission"):
        assert torch.equal(getattr(alone, part), getattr(geared, part)), part
    assert torch.equal(geared.background, geared.clean_plate), "stands are not taken away for a clean plate"
    change = ((geared.background - alone.background).abs().amax(1) > 0.01).float()
    assert float(change.flatten(1).mean(1).min()) > 0.001, "every shot shows some of it"
    border = torch.cat((change[:, 0], change[:, -1], change[:, :, 0], change[:, :, -1]), dim=1)
    assert float(border.amax(1).mean()) > 0.6, "most of it reaches in from the border"


def left_by(piece: Callable[..., None], seed: int) -> Tensor:
    """Return the share (96, 160) of the background that a piece of gear leaves to be seen."""
    view = View(96, 160, 1, 1 / 96, 0.0, (0.0, 0.0), (0.0, 0.0), torch.device("cpu"))
    canvas = Canvas(view, *view.world(), torch.ones(1, 3, 96, 160), torch.ones(1, 1, 96, 160))
    piece(Draw(seed), canvas, 80 / 96)
    return canvas.share[0, 0]


@pytest.mark.parametrize("piece", [gear._stand, gear._lamp, gear._pipe, gear._grid, gear._rack])
def test_gear_that_does_not_stand_on_the_floor_reaches_in_from_the_border(piece: Callable[..., None]) -> None:
    for seed in range(12):
        share = left_by(piece, seed)
        assert float(torch.cat((share[0], share[-1], share[:, 0], share[:, -1])).min()) < 1.0, seed


def test_a_tripod_is_seen_whole_and_widest_where_it_stands() -> None:
    view = View(96, 160, 1, 1 / 96, 0.0, (0.0, 0.0), (0.0, 0.0), torch.device("cpu"))
    x, y = view.world()
    wider = 0
    for seed in range(12):
        canvas = Canvas(view, x, y, torch.ones(1, 3, 96, 160), torch.ones(1, 1, 96, 160))
        tripod(Draw(seed), canvas, 0.6)
        rows = (canvas.share[0, 0] < 0.9).nonzero()
        standing = rows[:, 0].max()
        feet, waist = (rows[rows[:, 0] == row][:, 1] for row in (standing - 1, (rows[:, 0].min() + standing) // 2))
        wider += int((feet.max() - feet.min()) > (waist.max() - waist.min()))
    assert wider >= 9  # a bar or a lamp may be wider than the legs are


def test_lines_that_are_no_gear_have_no_stand_among_them() -> None:
    drawn = {kind: generate(range(30), height=48, width=80, config=only(kind)).alpha for kind in ("thin", "rods")}
    same_shot = (drawn["thin"] == drawn["rods"]).flatten(1).all(1)
    assert bool(same_shot.any()), "poles, ropes and spokes are those of the kind that has stands"
    assert not bool(same_shot.all()), "another thing stands where the stand was"


def test_a_camera_that_looks_at_the_upper_outline_has_the_subject_below() -> None:
    anywhere, below = (
        generate(range(16), height=48, width=80, config=only("fur", zoom=(3.0, 3.0), upright=1.0, from_below=share))
        for share in (0.0, 1.0)
    )
    lower = (below.alpha[:, :, 24:].flatten(1).mean(1) - below.alpha[:, :, :24].flatten(1).mean(1)).mean()
    balanced = (anywhere.alpha[:, :, 24:].flatten(1).mean(1) - anywhere.alpha[:, :, :24].flatten(1).mean(1)).mean()
    assert float(lower) > 0.2 and float(lower) > 2 * abs(float(balanced))


@pytest.mark.parametrize("upright", [0.0, 1.0])
def test_a_set_can_be_but_a_strip_at_one_border_or_two(upright: float) -> None:
    bare = {"shadow": 0.0, "markers": 0.0, "camera": False, "spill": False, "zoom": (1.0, 3.0), "upright": upright}
    filling, ending = (
        generate(range(8), height=96, width=160, config=only("object", **bare, set_visible=visible, strips=1.0))
        for visible in (0.0, 1.0)
    )
    for part in ("alpha", "foreground", "emission"):
        assert torch.equal(getattr(filling, part), getattr(ending, part)), part
    change = ((ending.background - filling.background).abs().amax(1) > 0.01).float()
    assert float(change.flatten(1).mean(1).min()) > 0.005, "every shot shows some of the set"
    assert float(change[:, 24:-24, 32:-32].max()) == 0, "the middle is screen"
    border = torch.cat((change[:, 0], change[:, -1], change[:, :, 0], change[:, :, -1]), dim=1)
    assert bool((border.amax(1) > 0).all())


def test_a_close_subject_fills_much_of_the_picture_and_runs_out_of_it() -> None:
    far, near = (
        generate(range(12), height=96, width=160, config=only("fur", zoom=(1.0, 1.0), upright=0.5, close=close))
        for close in (0.0, 1.0)
    )
    filled = [(shots.alpha > 0.5).float().flatten(1).mean(1) for shots in (far, near)]
    assert float(filled[1].median()) > 1.5 * float(filled[0].median())
    assert float(filled[1].max()) < 0.98, "screen is left to be seen"
    solid = (near.alpha[:, 0] > 0.9).float()
    border = torch.cat((solid[:, 0], solid[:, -1], solid[:, :, 0], solid[:, :, -1]), dim=1)
    assert float(border.amax(1).mean()) > 0.6
    assert near.recipes[0]["screen_color"] == far.recipes[0]["screen_color"], "only the framing changes"


def test_a_person_can_be_seen_whole_from_afar_standing_upright() -> None:
    changes: dict[str, object] = {"zoom": (1.0, 2.0), "upright": 1.0}
    usual, whole = (
        generate(range(12), height=96, width=160, config=only("person", **changes, whole=share)) for share in (0.0, 1.0)
    )
    solid = [(shots.alpha[:, 0] > 0.5).float() for shots in (usual, whole)]
    heads = [person.amax(2).argmax(1).float().mean() for person in solid]  # the highest row
    assert float(heads[1]) < 48 and float(solid[1].mean()) < 0.5 * float(solid[0].mean())
    width = solid[1].amax(1).sum(1)
    height = solid[1].amax(2).sum(1)
    assert float((height > width).float().mean()) > 0.6


def test_the_walls_of_a_corner_are_screen_in_lights_of_their_own() -> None:
    bare = {"shadow": 0.0, "markers": 0.0, "camera": False, "spill": False, "set_visible": 0.0, "wrinkles": 0.0}
    flat, cornered = (
        generate(range(8), height=96, width=160, config=only("object", **bare, corners=corners, zoom=(1.0, 1.0)))
        for corners in (0.0, 1.0)
    )
    assert [recipe.get("corner", False) for recipe in flat.recipes + cornered.recipes] == [False] * 8 + [True] * 8
    for part in ("alpha", "foreground", "emission"):
        assert torch.equal(getattr(flat, part), getattr(cornered, part)), part
    assert torch.equal(cornered.background, cornered.clean_plate)
    light = (cornered.background / flat.background.clamp_min(1e-6)).mean(1).flatten(1)
    assert float((light.amax(1) - light.amin(1)).min()) > 0.02, "one wall is darker than the other"


def test_lamps_throw_shadows_that_begin_at_the_foot_and_change_nothing_else() -> None:
    bare = {"markers": 0.0, "camera": False, "spill": False, "set_visible": 0.0, "shadow_strength": (0.5, 0.6)}
    without, lit = (
        generate(range(8), height=96, width=160, config=only("object", **bare, shadow=shadow, lamps=1.0))
        for shadow in (0.0, 1.0)
    )
    for part in ("alpha", "foreground", "emission", "clean_plate"):
        assert torch.equal(getattr(without, part), getattr(lit, part)), part
    kept = (lit.background / without.background.clamp_min(1e-6)).mean(1)
    assert float(kept.max()) < 1.05
    assert float(kept.min()) >= 0.05, "some light of the room is left"
    dark = ((kept < 0.9) & (lit.alpha[:, 0] < 0.01)).float().flatten(1).mean(1)
    assert int((dark > 0.005).sum()) >= 6, "nearly every shot shows a shadow"


def test_red_gel_over_green_is_half_transparent_and_never_of_the_screens_hue() -> None:
    config = only("gel", screen_colors={"green": 1.0}, near_screen=0.0, camera=False, spill=False)
    batch = generate(range(8), height=64, width=64, config=config)
    clear = (batch.alpha > 0.2) & (batch.alpha < 0.95)
    assert bool(clear.any())
    excess = batch.foreground[:, 1:2] - torch.maximum(batch.foreground[:, 0:1], batch.foreground[:, 2:3])
    assert float(excess[clear].max()) < 0.05


def test_a_palette_dresses_everything_and_paints_the_gel() -> None:
    view = View(48, 64, 1, 1 / 48, 0.0, (0.0, 0.0), (0.0, 0.0), torch.device("cpu"))
    x, y = view.world()
    light = Light((0.0, -0.6, 0.8), (0.7, 0.7, 0.7), (0.3, 0.3, 0.3), (0.0, 0.0, 0.0))
    stage = Stage(view, x, y, light, (0.06, 0.34, 0.08), 0.0, palette=((0.6, 0.02, 0.02),))
    assert any_color(Draw(1), stage) == (0.6, 0.02, 0.02)
    gel = KINDS["gel"].draw(Draw(1), stage, Motion((0.0, 0.0), 0.4)).stack
    inside = gel[:, ALPHA] > 0.2
    assert bool((gel[:, 0:1] > gel[:, 1:2])[inside].all())


def test_same_seed_gives_the_same_bits() -> None:
    assert same(generate([5, 6], height=64, width=80), generate([5, 6], height=64, width=80))


def test_a_shot_does_not_depend_on_its_batch() -> None:
    alone = generate([11], height=64, width=64)
    among = generate([3, 11, 8], height=64, width=64)
    assert all(torch.equal(getattr(alone, part)[0], getattr(among, part)[1]) for part in PARTS)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_card_gives_the_same_bits_twice_and_a_truth_that_recomposes(kind: str) -> None:
    seen = only(kind, real_codec=0.0, motion_blur=0.5, defocus=0.5)
    first, again = (generate(range(3), height=96, width=112, frames=2, device="cuda", config=seen) for _ in range(2))
    assert first.plate.device.type == "cuda"
    assert same(first, again)
    noiseless = seen.model_copy(update={"camera": False})
    batch = generate(range(3), height=96, width=112, frames=2, device="cuda", config=noiseless)
    assert float((batch.truth.noiseless() - batch.plate).abs().max()) <= 1e-5 * max(1.0, float(batch.plate.max()))


def test_different_seeds_give_different_shots() -> None:
    batch = generate([1, 2], height=64, width=64)
    assert not torch.equal(batch.plate[0], batch.plate[1])


def test_everything_is_finite_float32_of_the_promised_shape() -> None:
    batch = generate(range(24), height=64, width=72)
    for part in PARTS:
        tensor = getattr(batch, part)
        assert tensor.dtype == torch.float32
        assert tensor.shape == (24, 1 if part == "alpha" else 3, 64, 72)
        assert bool(torch.isfinite(tensor).all()), part


def test_markers_are_background_and_not_in_the_clean_plate() -> None:
    config = DataConfig(markers=1.0, shadow=0.0, empty=1.0, spill=False, camera=False, set_visible=0.0)
    batch = generate(range(6), height=96, width=96, config=config)
    assert float(batch.alpha.max()) == 0
    assert torch.allclose(batch.plate, batch.background)
    assert float((batch.background - batch.clean_plate).abs().max()) > 0.05


def test_values_above_one_occur_in_foreground_and_plate() -> None:
    batch = generate(range(32), height=64, width=64)
    assert float(batch.foreground.max()) > 1.0
    assert float(batch.plate.max()) > 1.0


def test_config_can_be_saved_and_read_back() -> None:
    config = DataConfig(spill=False, zoom=(2.0, 3.0))
    assert DataConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("piece", [gear._stand, gear._lamp, gear._pipe, gear._grid, gear._rack])
def test_no_part_of_gear_floats(piece: Callable[..., None]) -> None:
    """What hangs from nowhere tells nobody whether it is a stand's or a subject's."""
    for seed in range(40):
        parts, count = label((left_by(piece, seed) < 0.999).numpy(), structure=np.ones((3, 3)))
        rim = set(np.concatenate((parts[0], parts[-1], parts[:, 0], parts[:, -1])).tolist())
        floating = [part for part in range(1, count + 1) if part not in rim and (parts == part).sum() >= 6]
        assert not floating, seed
