"""Runs inside Blender's Python, alone: keys the pictures of one .npz with the Keying node and writes another .npz.

Called as ``python blender_node.py plates.npz keyed.npz``; knows only bpy and numpy, and nothing of DropKey.
"""

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np


def main(plates: Path, results: Path) -> None:
    """Key ``frames`` (N, H, W, 3) with color ``key`` and black and white ``levels``.

    The results are premultiplied RGBA (N, H, W, 4).
    """
    with np.load(plates) as stored:
        key, levels = stored["key"], stored["levels"]
        keyed = [key_frame(plate, key, levels, results.with_name("keyed.exr")) for plate in stored["frames"]]
    np.savez(results, frames=np.stack(keyed))


def key_frame(plate: Any, key: Any, levels: Any, path: Path) -> Any:
    """Build scene and node tree for one plate, render it to ``path`` and return its pixels."""
    height, width = plate.shape[:2]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)
    picture = bpy.data.images.new("plate", width, height, alpha=True, float_buffer=True)
    picture.colorspace_settings.name = "Linear Rec.709"
    opaque = np.concatenate([plate, np.ones((height, width, 1), plate.dtype)], axis=-1)
    # Blender's rows start at the bottom.
    picture.pixels.foreach_set(np.ascontiguousarray(opaque[::-1], dtype=np.float32).ravel())
    picture.update()
    picture.pack()
    build_nodes(scene, picture, key, levels)
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
    scene.view_settings.view_transform = "Raw"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    loaded = bpy.data.images.load(str(path))
    loaded.colorspace_settings.name = "Linear Rec.709"
    pixels = np.empty(width * height * 4, np.float32)
    loaded.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1]


def build_nodes(scene: Any, picture: Any, key: Any, levels: Any) -> None:
    """Image → Keying → output; but for black and white level, all with the node's own defaults."""
    tree = bpy.data.node_groups.new("keying", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    source, keying = tree.nodes.new("CompositorNodeImage"), tree.nodes.new("CompositorNodeKeying")
    output = tree.nodes.new("NodeGroupOutput")
    source.image = picture
    keying.inputs["Key Color"].default_value = (*(float(value) for value in key), 1.0)
    keying.inputs["Black Level"].default_value, keying.inputs["White Level"].default_value = map(float, levels)
    tree.links.new(source.outputs["Image"], keying.inputs["Image"])
    tree.links.new(keying.outputs["Image"], output.inputs["Image"])
    scene.compositing_node_group = tree
    scene.render.use_compositing = True


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
