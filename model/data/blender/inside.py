"""Runs in an interpreter that has ``bpy``: ``python -m model.data.blender.inside recipe.json passes.npz``.

It needs bpy and numpy, and nothing of DropKey's other libraries.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

from model.data.blender.passes import render_passes
from model.data.blender.recipe import Recipe
from model.data.blender.stage import build_stage
from model.data.blender.subjects import build_subject


def main(recipe_file: Path, passes_file: Path) -> None:
    """Build the scene of a recipe, render its passes and store them with Blender's version."""
    recipe = Recipe.from_json(recipe_file.read_text(encoding="utf-8"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    chance = np.random.Generator(np.random.Philox(key=recipe.seed))
    stage = build_stage(recipe, chance)
    subject = build_subject(recipe, chance)
    passes = render_passes(recipe, stage, subject, passes_file.parent)
    np.savez(passes_file, version=np.array(bpy.app.version_string), **passes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
