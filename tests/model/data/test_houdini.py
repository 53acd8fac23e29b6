"""The script for Houdini: what can be held true without a licence, from its passes to a sound shot."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from model.data.dataset import check, read_description
from model.data.houdini import render_shot
from model.data.houdini.render_shot import PASSES, main, pass_script
from service.cli.data import read_linear
from tests.model.data.test_blender import layered_passes

PRIMS = {"subject": "/subject", "screen": "/screen", "markers": "/markers", "room": "/room"}


def test_its_docstring_says_that_it_is_untested() -> None:
    assert "UNTESTED without a licence" in (render_shot.__doc__ or "")


@pytest.mark.parametrize("name", PASSES)
def test_every_pass_is_valid_python_that_hides_something(name: str) -> None:
    calls = [
        line for line in pass_script(name, PRIMS).splitlines() if line.startswith(("unseen(", "gone(", "painted("))
    ]
    ast.parse(pass_script(name, PRIMS))
    assert calls and ("'/subject'" in "".join(calls)) == (name in ("background", "clean_plate", "alpha"))


def test_passes_become_a_sound_shot(tmp_path: Path) -> None:
    passes = layered_passes()
    for frame in (1001, 1002):
        for name in PASSES:
            channels = {letter: np.ascontiguousarray(passes[name][..., i]) for i, letter in enumerate("RGBA")}
            path = tmp_path / "passes" / f"{name}.{frame}.exr"
            path.parent.mkdir(exist_ok=True)
            OpenEXR.File({}, channels).write(str(path))
    where = ["--passes", str(tmp_path / "passes"), "--frames", "1001", "1002"]
    main([*where, "--assemble", str(tmp_path / "set"), "--name", "karma"])
    assert list(check(tmp_path / "set", read_linear)) == []
    description = read_description(tmp_path / "set" / "karma")
    assert (description.generator, description.frames, description.width, description.height) == ("houdini", 2, 60, 40)
