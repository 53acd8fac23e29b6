"""Renders one shot of a Houdini scene into DropKey's layout: ``hython render_shot.py --help``.

UNTESTED without a licence: this script has never run in Houdini. `dropkey data check DIR` says whether what it wrote
holds together.

It expects, on the stage of one LOP network, the subject, screen, markers and room below one prim each, a camera,
lights, and a ``usdrender`` node at the end that Karma renders. For every pass it puts a Python script LOP before that
node, which hides prims from the camera (Karma's ``karma:object:rendervisibility``), paints the screen black or makes
the subject plain. The passes are those of ``model.data.blender.passes``, as RGBA EXR; afterwards, ``--assemble`` in
DropKey's own Python turns them into a shot of the layout. Glass needs a pass of its own, which this script lacks.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PASSES = ("background", "clean_plate", "spilled", "subject", "alpha")

HIDE = """
from pxr import UsdGeom, Sdf, UsdShade
stage = hou.pwd().editableStage()
def unseen(path):
    prim = stage.GetPrimAtPath(path)
    if prim:
        name = "primvars:karma:object:rendervisibility"
        prim.CreateAttribute(name, Sdf.ValueTypeNames.String).Set("-primary")
def gone(path):
    prim = stage.GetPrimAtPath(path)
    if prim:
        UsdGeom.Imageable(prim).MakeInvisible()
def painted(path, color, emission):
    prim = stage.GetPrimAtPath(path)
    if not prim:
        return
    place = "/dropkey/" + ("plain" if emission else "black")
    material = UsdShade.Material.Define(stage, place)
    shader = UsdShade.Shader.Define(stage, place + "/surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set((0, 0, 0))
    shader.CreateInput("emissiveColor", Sdf.ValueTypeNames.Color3f).Set(color)
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(1.0)
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    UsdShade.MaterialBindingAPI.Apply(prim).Bind(material, UsdShade.Tokens.strongerThanDescendants)
"""


def pass_script(name: str, prims: dict[str, str]) -> str:
    """Return the Python of the LOP that prepares one pass; ``prims`` names subject, screen, markers and room."""
    behind = [prims[part] for part in ("screen", "markers", "room")]
    lines = {
        "background": [f"unseen({prims['subject']!r})"],
        "clean_plate": [f"gone({prims['subject']!r})", f"gone({prims['markers']!r})"],
        "spilled": [f"unseen({path!r})" for path in behind],
        "subject": [
            *(f"unseen({path!r})" for path in behind),
            *(f"painted({prims[part]!r}, (0, 0, 0), False)" for part in ("screen", "markers")),
        ],
        "alpha": [*(f"unseen({path!r})" for path in behind), f"painted({prims['subject']!r}, (1, 1, 1), True)"],
    }
    return HIDE + "\n".join(lines[name]) + "\n"


def render_passes(scene: Path, node: str, prims: dict[str, str], frames: Sequence[int], folder: Path) -> None:
    """Render every pass as ``<folder>/<pass>.<frame, four digits>.exr``, RGBA; runs in hython only."""
    import hou

    hou.hipFile.load(str(scene), suppress_save_prompt=True, ignore_load_warnings=True)
    rop: Any = hou.node(node)
    if rop is None or not rop.inputs():
        raise SystemExit(f"{node} is no usdrender node with an input in {scene}.")
    source = rop.inputs()[0]
    changes = rop.parent().createNode("pythonscript", "dropkey_pass")
    changes.setInput(0, source)
    rop.setInput(0, changes)
    for name in PASSES:
        changes.parm("python").set(pass_script(name, prims))
        rop.parm("outputimage").set(str(folder / f"{name}.$F4.exr"))
        rop.render(frame_range=(frames[0], frames[-1], 1), verbose=False)


def assemble(folder: Path, output: Path, name: str, frames: Sequence[int]) -> None:
    """Turn rendered passes into a shot of the layout; runs in DropKey's Python."""
    import numpy as np
    import OpenEXR

    from model.data.blender.answers import answers, rounding
    from model.data.dataset import REQUIRED, Part, ShotDescription, picture_path, write_description

    made: tuple[Part, ...] = (*REQUIRED, "spill")

    shot = output / name
    height = width = 0
    tolerance = 0.0
    for number, frame in enumerate(frames, start=1):
        passes = {}
        for step in PASSES:
            with OpenEXR.File(str(folder / f"{step}.{frame:04d}.exr"), separate_channels=True) as file:
                channels = file.channels()
                size = channels["R"].pixels.shape
                planes = [channels[c].pixels if c in channels else np.ones(size) for c in "RGBA"]
            passes[step] = np.stack(planes, axis=-1).astype(np.float32)
        level = float(np.median(passes["clean_plate"][..., :3].max(axis=-1)))
        parts = answers(passes, level, glass=False)
        for part in made:
            path = picture_path(shot, part, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, {"RGB": np.ascontiguousarray(parts[part])}).write(
                str(path)
            )
        height, width = size
        tolerance = max(tolerance, rounding(parts["plate"]))
    write_description(
        shot,
        ShotDescription(
            name=name,
            generator="houdini",
            width=width,
            height=height,
            frames=len(frames),
            optional_parts=("spill",),
            noiseless=True,
            recompose_tolerance=tolerance,
            recipe={"passes": folder.name},
        ),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Render in hython, or assemble in DropKey's Python."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=Path, required=True, help="folder of the rendered passes")
    parser.add_argument("--frames", type=int, nargs=2, default=(1, 1), metavar=("FIRST", "LAST"))
    parser.add_argument("--assemble", type=Path, metavar="DIR", help="write the passes as a shot into this set")
    parser.add_argument("--name", default="houdini_1", help="name of the shot")
    parser.add_argument("--scene", type=Path, help="the .hip file")
    parser.add_argument("--node", default="/stage/usdrender_rop1", help="the usdrender node")
    parser.add_argument(
        "--prims",
        type=json.loads,
        default={"subject": "/subject", "screen": "/screen", "markers": "/markers", "room": "/room"},
        help="JSON: prim of subject, screen, markers, room",
    )
    chosen = parser.parse_args(arguments)
    frames = range(chosen.frames[0], chosen.frames[1] + 1)
    if chosen.assemble:
        assemble(chosen.passes, chosen.assemble, chosen.name, frames)
    else:
        chosen.passes.mkdir(parents=True, exist_ok=True)
        render_passes(chosen.scene, chosen.node, chosen.prims, frames, chosen.passes)


if __name__ == "__main__":
    main()
