"""Rendered shots: recipes and strands repeat anywhere; with Blender at hand, whole shots do, and their parts add up."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.data.blender import answers as blender_answers
from model.data.blender.answers import answers, composed, disagreement
from model.data.blender.choices import draw_recipe
from model.data.blender.process import unavailable
from model.data.blender.recipe import KINDS, Recipe
from model.data.blender.render import render, render_set, write_shot
from model.data.blender.strands import HairStyle, fur, head_of_hair
from model.data.blender.surfaces import ellipsoid, turned
from model.data.dataset import check, find_shots, picture_path, read_description
from service.cli.data import linear_writer, read_linear

needs_blender = pytest.mark.skipif(bool(unavailable()), reason=f"rendering is NOT tested: {unavailable()}")
INSIDE = ("recipe", "strands", "surfaces", "materials", "objects", "stage", "subjects", "passes", "inside")


def small(kind: str, seed: int = 16) -> Recipe:
    recipe = draw_recipe(seed, kind=kind, size=64, samples=4)
    return replace(recipe, f_stop=0.0, motion=(0.0, 0.0, 0.0))


def layered_passes() -> dict[str, np.ndarray]:
    """Passes of a disc with a soft edge, as a renderer without noise would give them."""
    rows, columns = np.mgrid[:40, :60]
    alpha = np.clip((14.0 - np.hypot(rows - 20, columns - 30)) / 5, 0, 1)[..., None].astype(np.float32)
    screen, shadow = np.array((0.1, 1.2, 0.2)), 0.8
    color, spill = np.array((0.5, 0.3, 0.2)), np.array((0.0, 0.1, 0.0))
    flat, one = np.ones((40, 60, 1)), np.ones((40, 60, 1))

    def rgba(light: np.ndarray, cover: np.ndarray) -> np.ndarray:
        return np.concatenate([light, cover], axis=-1).astype(np.float32)

    return {
        "plate": rgba(alpha * (color + spill) + (1 - alpha) * screen * shadow, one),
        "background": rgba(flat * screen * shadow, one),
        "clean_plate": rgba(flat * screen, one),
        "spilled": rgba(alpha * (color + spill), alpha),
        "subject": rgba(alpha * color, alpha),
        "alpha": rgba(np.repeat(alpha, 3, axis=-1), alpha),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_recipe_and_json_carries_it(kind: str) -> None:
    recipe = draw_recipe(7, kind=kind, size=320, samples=8)
    assert recipe == draw_recipe(7, kind=kind, size=320, samples=8) != draw_recipe(8, kind=kind, size=320, samples=8)
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert (recipe.width, recipe.height) == (320, 180)


def test_light_and_turn_of_many_shots_span_their_ranges() -> None:
    recipes = [draw_recipe(seed, kind="cloth", size=64, samples=1) for seed in range(300)]
    lights, turns = [r.key_light for r in recipes], [r.turn for r in recipes]
    assert 0.5 <= min(lights) < 0.55 and 1.85 < max(lights) <= 2.0
    assert min(turns) < 10 and max(turns) > 350
    assert 0.15 < np.mean([r.screen_color[2] > r.screen_color[1] for r in recipes]) < 0.45


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no subject 'smoke'"):
        draw_recipe(1, kind="smoke", size=64, samples=1)


def test_hair_repeats_and_stays_outside_the_head() -> None:
    radii, center = (0.165, 0.2, 0.235), (0.0, 0.0, 2.28)
    style = HairStyle(strands=400, clumps=30, curl=0.0)
    first, again = (head_of_hair(np.random.Generator(np.random.Philox(key=5)), radii, center, style) for _ in range(2))
    assert np.array_equal(first.points, again.points) and first.points.shape == (400, 20, 3)
    depth = np.linalg.norm((first.points - np.array(center)) / np.array(radii), axis=-1)
    assert (depth > 0.9).mean() > 0.99
    assert (first.radii[:, 0] > first.radii[:, -1]).all()


def test_fur_is_as_dense_as_asked_for() -> None:
    coat = fur(
        np.random.Generator(np.random.Philox(key=5)),
        (0.5, 0.5, 0.5),
        (0, 0, 0),
        density=200,
        length=0.1,
        thickness=0.001,
    )
    assert len(coat.points) == pytest.approx(200 * 4 * np.pi * 0.25, rel=0.02)


def test_turned_bodies_close_around_their_axis() -> None:
    cup = turned([(1.0, 0.0), (2.0, 1.0), (1.5, 2.0)], around=12, rows=9)
    assert cup.corners.shape == (108, 3) and cup.faces.shape == (96, 4) and cup.faces.max() == 107
    assert np.hypot(cup.corners[:12, 0], cup.corners[:12, 1]) == pytest.approx(1.0)
    ball = ellipsoid((1.0, 2.0, 3.0), (0.0, 0.0, 1.0))
    assert np.linalg.norm((ball.corners - (0, 0, 1)) / (1, 2, 3), axis=1) == pytest.approx(1.0)


def test_answers_of_known_passes_are_the_known_layers() -> None:
    parts = answers(layered_passes(), 0.36, glass=False)
    assert parts["clean_plate"][0, 0] == pytest.approx((0.03, 0.36, 0.06), rel=1e-3)
    solid = parts["alpha"][..., 0] == 1
    assert parts["foreground"][solid] == pytest.approx(np.broadcast_to((0.15, 0.09, 0.06), (solid.sum(), 3)), rel=2e-3)
    assert parts["spill"][20, 30] == pytest.approx((0.0, 0.03, 0.0), abs=2e-4)
    edge = (parts["alpha"][..., 0] > 0.3) & ~solid
    assert parts["foreground"][edge] == pytest.approx(np.broadcast_to((0.15, 0.09, 0.06), (edge.sum(), 3)), rel=5e-3)
    assert np.abs(composed(parts) - parts["plate"]).max() < 3e-4
    assert disagreement(layered_passes(), parts) < 1e-3


def test_a_pass_that_does_not_belong_is_measured() -> None:
    passes = layered_passes()
    passes["background"][..., :3] *= 1.25
    assert disagreement(passes, answers(passes, 0.36, glass=False)) > 0.05


def test_glass_shows_the_bent_background() -> None:
    passes = layered_passes()
    passes["alpha"][..., 3] *= 0.5
    passes["spilled"] *= 0.5
    passes["subject"] *= 0.5
    bent = np.array((0.3, 0.9, 0.6))
    half = passes["alpha"][..., 3:]
    screen = passes["background"][..., :3]
    behind = np.where(half > 0, bent, screen)
    passes["plate"][..., :3] = passes["spilled"][..., :3] + (1 - half) * behind
    parts = answers(passes, 1.2, glass=True)
    assert parts["background"][20, 30] == pytest.approx(bent, rel=2e-3)
    assert parts["background"][0, 0] == pytest.approx(screen[0, 0], rel=2e-3)


def test_what_runs_inside_blender_needs_only_bpy_and_numpy() -> None:
    folder = Path(blender_answers.__file__).parent
    allowed = ("bpy", "mathutils", "numpy", "model.data.blender", "__future__")
    standard = ("collections", "dataclasses", "json", "math", "pathlib", "sys", "typing")
    for name in INSIDE:
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                assert module.startswith(allowed) or module.split(".")[0] in standard, f"{name}: {module}"


def test_an_interpreter_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DROPKEY_BLENDER_PYTHON", str(tmp_path / "python"))
    with pytest.raises(RuntimeError, match="does not exist"):
        next(render_set(tmp_path, linear_writer(), count=1, size=64))


@needs_blender
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["hair", "gel"])
def test_the_same_seed_renders_the_same_bits(kind: str) -> None:
    (first, version), (again, _) = render(small(kind)), render(small(kind))
    assert version.count(".") == 2
    for name, pixels in first.items():
        assert np.array_equal(pixels, again[name]), name


@needs_blender
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["cloth", "glass"])
def test_a_rendered_shot_is_sound_and_agrees_with_the_render_of_everything(kind: str, tmp_path: Path) -> None:
    shot = write_shot(tmp_path, small(kind), linear_writer())
    assert find_shots(tmp_path) == [shot] and list(check(tmp_path, read_linear)) == []
    description = read_description(shot)
    assert description.recipe["disagreement"] < 0.05
    alpha, plate = (read_linear(picture_path(shot, part, 1)) for part in ("alpha", "plate"))
    assert alpha.shape == (36, 64, 3) and 0.05 < (alpha[..., 0] > 0.5).mean() < 0.9
    foreground, spill = (read_linear(picture_path(shot, part, 1)) for part in ("foreground", "spill"))
    screen = description.recipe["screen_color"]
    own = int(np.argmax(screen))
    assert spill[..., own].sum() > 1.5 * np.abs(spill[..., (own + 2) % 3]).sum() > 0
    assert foreground.max() > 0 and plate.min() > -0.01
