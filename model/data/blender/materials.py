"""Surfaces as Cycles shades them; each can turn into plain light for the alpha pass and keeps its transparency then."""

from __future__ import annotations

from typing import Any

import bpy

from model.data.blender.recipe import Color

COVER = "cover"
"""Name of the node that mixes a surface with what lies straight behind it."""


def matter(
    name: str,
    color: Color,
    *,
    rough: float = 0.6,
    metal: float = 0.0,
    sheen: float = 0.0,
    soft: float = 0.0,
    grain: float = 0.0,
    grain_scale: float = 60.0,
) -> Any:
    """Return an opaque surface; ``soft`` lets light in under it as skin does, ``grain`` varies color and relief."""
    material, tree = _new(name)
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    values = {"Roughness": rough, "Metallic": metal, "Sheen Weight": sheen, "Subsurface Weight": soft}
    for socket, value in values.items():
        shader.inputs[socket].default_value = value
    shader.inputs["Subsurface Radius"].default_value = (0.04, 0.015, 0.008)
    shader.inputs["Base Color"].default_value = (*color, 1.0)
    if grain:
        _roughen(tree, shader, color, grain, grain_scale)
    _finish(tree, shader)
    return material


def hair(name: str, color: Color) -> Any:
    """Return hair by Chiang et al. (2016), colored as a head of it looks; strands differ a little."""
    material, tree = _new(name)
    shader = tree.nodes.new("ShaderNodeBsdfHairPrincipled")
    shader.parametrization = "COLOR"
    shader.inputs["Color"].default_value = (*color, 1.0)
    # Sharper highlights would need many times the samples: single strands are thinner than a pixel.
    shader.inputs["Roughness"].default_value = 0.45
    shader.inputs["Radial Roughness"].default_value = 0.5
    _finish(tree, shader)
    return material


def glass(name: str, color: Color = (1.0, 1.0, 1.0), rough: float = 0.0) -> Any:
    """Return glass that bends light (index 1.47). It has no plain form: its alpha comes from the light itself."""
    material, tree = _new(name)
    shader = tree.nodes.new("ShaderNodeBsdfGlass")
    shader.inputs["Color"].default_value = (*color, 1.0)
    shader.inputs["Roughness"].default_value = rough
    shader.inputs["IOR"].default_value = 1.47
    tree.links.new(shader.outputs[0], tree.nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return material


def veiling(name: str, color: Color, cover: float, *, gloss: float = 0.0, lace: float = 0.0) -> Any:
    """Return a thin sheet that covers ``cover`` of what is behind it and lets light through; ``lace`` cuts holes."""
    material, tree = _new(name)
    front, through = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeBsdfTranslucent")
    for shader in (front, through):
        shader.inputs["Color"].default_value = (*color, 1.0)
    both = _mix(tree, 0.5, front, through)
    if gloss:
        mirror = tree.nodes.new("ShaderNodeBsdfGlossy")
        mirror.inputs["Roughness"].default_value = 0.12
        both = _mix(tree, gloss, both, mirror)
    node = _finish(tree, both)
    node.inputs[0].default_value = cover
    if lace:
        _cut_lace(tree, node, cover, lace)
    return material


def plain(material: Any) -> None:
    """Turn a surface into plain white light that covers as before; glass stays as it is."""
    tree = material.node_tree
    node = tree.nodes.get(COVER)
    if node is not None:
        tree.links.new(tree.nodes.new("ShaderNodeEmission").outputs[0], node.inputs[2])


def blacken(material: Any) -> None:
    """Turn a surface into black that sends no light back."""
    tree = material.node_tree
    black = tree.nodes.new("ShaderNodeBsdfDiffuse")
    black.inputs["Color"].default_value = (0.0, 0.0, 0.0, 1.0)
    tree.links.new(black.outputs[0], tree.nodes[COVER].inputs[2])


def _new(name: str) -> tuple[Any, Any]:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.node_tree.nodes.clear()
    return material, material.node_tree


def _mix(tree: Any, share: float, first: Any, second: Any) -> Any:
    node = tree.nodes.new("ShaderNodeMixShader")
    node.inputs[0].default_value = share
    tree.links.new(first.outputs[0], node.inputs[1])
    tree.links.new(second.outputs[0], node.inputs[2])
    return node


def _finish(tree: Any, shader: Any) -> Any:
    node = _mix(tree, 1.0, tree.nodes.new("ShaderNodeBsdfTransparent"), shader)
    node.name = COVER
    tree.links.new(node.outputs[0], tree.nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return node


def _roughen(tree: Any, shader: Any, color: Color, grain: float, scale: float) -> None:
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 4.0
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    for element, factor in zip(ramp.color_ramp.elements, (1 - grain, 1 + grain), strict=True):
        element.color = (*(value * factor for value in color), 1.0)
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.3, 0.7
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = min(1.0, grain)
    bump.inputs["Distance"].default_value = 0.01
    tree.links.new(noise.outputs[0], ramp.inputs[0])
    tree.links.new(noise.outputs[0], bump.inputs["Height"])
    tree.links.new(ramp.outputs[0], shader.inputs["Base Color"])
    tree.links.new(bump.outputs[0], shader.inputs["Normal"])


def _cut_lace(tree: Any, node: Any, cover: float, scale: float) -> None:
    """Dense threads along the borders of cells, a fine net between them."""
    cells = tree.nodes.new("ShaderNodeTexVoronoi")
    cells.feature = "DISTANCE_TO_EDGE"
    cells.inputs["Scale"].default_value = scale
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    thread, net = ramp.color_ramp.elements
    thread.color, net.color = (0.92, 0.92, 0.92, 1.0), (cover, cover, cover, 1.0)
    thread.position, net.position = 0.05, 0.09
    tree.links.new(cells.outputs[0], ramp.inputs[0])
    tree.links.new(ramp.outputs[0], node.inputs[0])
