"""Renders shots with Blender, in a process of its own, and writes them as a set on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from model.data.blender.answers import Picture, answers, disagreement, rounding
from model.data.blender.choices import draw_recipe
from model.data.blender.process import run, unavailable
from model.data.blender.recipe import KINDS, Recipe
from model.data.dataset import (
    REQUIRED,
    Part,
    ShotDescription,
    WritePicture,
    picture_path,
    write_description,
)

DEADLINE_SECONDS = 3600.0
SAMPLES = 24
PARTS: tuple[Part, ...] = (*REQUIRED, "spill")


def render_set(
    folder: Path, write: WritePicture, *, count: int, size: int, first_seed: int = 1, samples: int = SAMPLES
) -> Iterator[Path]:
    """Render ``count`` shots of one frame, ``size`` pixels wide, into ``folder``; yield each when it is finished.

    The kinds of subjects take turns. The same seed gives the same bits with the same Blender on the same kind of
    machine. Raises RuntimeError where Blender is not available or fails.
    """
    why = unavailable()
    if why:
        raise RuntimeError(f"Blender is not available here: {why}")
    for seed in range(first_seed, first_seed + count):
        recipe = draw_recipe(seed, kind=KINDS[(seed - 1) % len(KINDS)], size=size, samples=samples)
        yield write_shot(folder, recipe, write)


def write_shot(folder: Path, recipe: Recipe, write: WritePicture) -> Path:
    """Render one recipe and write it as a shot into ``folder``; return the shot's folder."""
    passes, version = render(recipe)
    parts = answers(passes, recipe.screen_level, glass=recipe.kind == "glass")
    shot = folder / f"blender_{recipe.kind}_{recipe.seed}"
    for part in PARTS:
        (shot / part).mkdir(parents=True, exist_ok=True)
        write(picture_path(shot, part, 1), parts[part])
    description = ShotDescription(
        name=shot.name,
        generator="blender",
        width=recipe.width,
        height=recipe.height,
        frames=1,
        optional_parts=("spill",),
        noiseless=True,
        recompose_tolerance=rounding(parts["plate"]),
        recipe=asdict(recipe) | {"blender": version, "disagreement": round(disagreement(passes, parts), 5)},
    )
    write_description(shot, description)
    return shot


def render(recipe: Recipe) -> tuple[dict[str, Picture], str]:
    """Return the passes of a recipe (H, W, 4) and Blender's version. Raises RuntimeError with Blender's last words."""
    root = Path(__file__).parents[3]
    with tempfile.TemporaryDirectory(prefix="dropkey-render-") as folder:
        recipe_file, passes_file = Path(folder, "recipe.json"), Path(folder, "passes.npz")
        recipe_file.write_text(recipe.to_json(), encoding="utf-8")
        arguments = ["-m", "model.data.blender.inside", str(recipe_file), str(passes_file)]
        run(arguments, folder=root, result=passes_file, deadline_seconds=DEADLINE_SECONDS)
        with np.load(passes_file) as stored:
            version = str(stored["version"])
            return {name: stored[name] for name in stored.files if name != "version"}, version
