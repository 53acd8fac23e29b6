"""Puts surfaces and strands into Blender's scene."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from model.data.blender.strands import Strands
from model.data.blender.surfaces import Surface


def add_surface(name: str, surface: Surface, material: Any, *, smooth: bool = True) -> Any:
    """Add a mesh object and return it."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(surface.corners.tolist(), [], surface.faces.tolist())
    mesh.polygons.foreach_set("use_smooth", [smooth] * len(mesh.polygons))
    mesh.materials.append(material)
    return _linked(bpy.data.objects.new(name, mesh))


def add_strands(name: str, strands: Strands, material: Any) -> Any:
    """Add an object of hair curves and return it."""
    curves = bpy.data.hair_curves.new(name)
    count, points = strands.radii.shape
    curves.add_curves([points] * count)
    curves.points.foreach_set("position", strands.points.astype(np.float32).ravel())
    curves.points.foreach_set("radius", strands.radii.astype(np.float32).ravel())
    curves.materials.append(material)
    return _linked(bpy.data.objects.new(name, curves))


def add_area_light(name: str, place: tuple[float, float, float], aim: Any, *, power: float, size: float) -> Any:
    """Add a soft box at ``place`` that looks at ``aim``; the camera does not see it. ``power`` in watts."""
    from mathutils import Vector

    light = bpy.data.lights.new(name, "AREA")
    light.shape, light.size, light.energy = "SQUARE", size, power
    lamp = _linked(bpy.data.objects.new(name, light))
    lamp.location = place
    lamp.rotation_euler = (Vector(aim) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    lamp.visible_camera = False
    return lamp


def _linked(thing: Any) -> Any:
    bpy.context.scene.collection.objects.link(thing)
    return thing
