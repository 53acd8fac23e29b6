"""What is doubtful about a screen that was found: said in one sentence each, before an artist wonders at the key."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from model.settings import Color, Screen

_SIDE = 160  # pixels; enough to see walls
_BORDER = 0.05  # of the width; the bottom is left out: there stands the subject
_NEAR = 0.12  # distance of chromaticities that are one paint
_SMOOTH = 0.06  # roughness of a wall
_SATURATED = 0.45  # 1 − min / max, linear
_SECOND = 0.15  # of the border: a second screen
_DARKEST = 1e-4  # linear: no hue below
_SKIN = (-15.0, 60.0)  # degrees of hue: skin, wood, brick, beige walls; a screen in these is saturated
_SATURATED_SKIN = 0.75
_LITTLE = 0.08  # coverage
_PALE = 0.3  # saturation
_FADE = 3.0  # times as light in one frame as in another
_KEYED = (0.05, 0.999)  # share of an alpha of 0: more is a channel that nobody wrote


def is_no_screen(color: Color) -> bool:
    """Tell whether a color is that of skin, wood or a beige wall rather than a screen's."""
    return _SKIN[0] < _hue(color) < _SKIN[1] and _saturation(color) < _SATURATED_SKIN


def doubts_about(screen: Screen, pictures: Sequence[Tensor], empty: float | None, *, asked: bool) -> str:
    """Return what is doubtful as sentences, an empty text for nothing.

    ``pictures`` (3, H, W) are those surveyed, scene-linear; ``empty`` is the share of them whose own alpha is 0;
    ``asked``: the artist named the color.
    """
    small = [_small(picture) for picture in pictures]
    found = []
    if empty is not None and _KEYED[0] < empty < _KEYED[1]:
        found.append(
            f"{empty:.0%} of the plate has an alpha of 0 of its own: it was probably keyed before. "
            "Key the plate from which it was made."
        )
    if not asked and screen.coverage < _LITTLE:
        found.append(
            f"What was taken for the screen, {written(screen.color)}, covers only {screen.coverage:.1%} of the picture."
            " If it belongs to the subject, set screen_color to the screen's."
        )
    if _saturation(screen.color) < _PALE:
        found.append(
            f"The screen's color {written(screen.color)} is pale: what is grey or white in the subject may go with it."
        )
    elif _SKIN[0] < _hue(screen.color) < _SKIN[1]:
        found.append(f"The screen's color {written(screen.color)} is near that of skin: skin may go with it.")
    second = _second(small, screen.color)
    if second is not None:
        color, share = second
        found.append(
            f"A second color, {written(color)}, covers {share:.0%} of the border and stays. If it is a screen, too, "
            f"key the shot again with screen_color {written(color)}."
        )
    times = _fade(small, screen.color)
    if times > _FADE:
        found.append(
            f"The screen is {times:.0f} times as light in one frame as in another, as in a fade: if the dark frames "
            "key badly, key them as a shot of their own."
        )
    return " ".join(found)


def likely_color(pictures: Sequence[Tensor]) -> Color | None:
    """Return the color that most of the border has, however dark, of those with a hue; None where there is none."""
    border = torch.cat([_border(_small(picture)) for picture in pictures], dim=1)
    with_hue = _saturations(border) > _PALE
    if int(with_hue.sum()) < _SECOND * border.shape[1]:
        return None
    return _triple(border[:, with_hue].median(dim=1).values)


def written(color: Color) -> str:
    """Return a color as `--screen-color` takes it."""
    return ",".join(f"{channel:.3g}" for channel in color)


def _second(small: Sequence[Tensor], color: Color) -> tuple[Color, float] | None:
    """Return another saturated color and its share of the border, where it is one smooth area."""
    parts = [_border(torch.cat([picture, _roughness(picture)])) for picture in small]
    border = torch.cat(parts, dim=1)
    colors, rough = border[:3], border[3]
    chromaticity = colors / colors.sum(dim=0).clamp_min(1e-6)
    own = torch.tensor(color).clamp_min(0.0)
    own = own / own.sum().clamp_min(1e-6)
    others = (_saturations(colors) > _SATURATED) & (rough < _SMOOTH) & (colors.max(dim=0).values > 20 * _DARKEST)
    others &= (chromaticity - own[:, None]).norm(dim=0) > 2 * _NEAR
    if int(others.sum()) < _SECOND * colors.shape[1]:
        return None
    center = chromaticity[:, others].median(dim=1).values
    same = others & ((chromaticity - center[:, None]).norm(dim=0) < _NEAR)
    share = float(same.float().mean())
    if share < _SECOND:
        return None
    found = _triple(colors[:, same].median(dim=1).values)
    return None if is_no_screen(found) else (found, share)


def _fade(small: Sequence[Tensor], color: Color) -> float:
    """Return how many times lighter the screen is in the lightest picture than in the darkest."""
    own = torch.tensor(color).clamp_min(0.0)
    own = own / own.sum().clamp_min(1e-6)
    levels = []
    for picture in small:
        total = picture.sum(dim=0)
        near = ((picture / total.clamp_min(1e-6)) - own[:, None, None]).norm(dim=0) < _NEAR
        near &= total > _DARKEST
        if float(near.float().mean()) > _LITTLE / 4:
            levels.append(float(total[near].median()))
    return max(levels) / min(levels) if len(levels) > 1 else 1.0


def _small(picture: Tensor) -> Tensor:
    picture = torch.nan_to_num(picture.float(), nan=0.0, posinf=0.0, neginf=0.0)
    scale = min(1.0, _SIDE / max(picture.shape[-2:]))
    size = [max(1, round(side * scale)) for side in picture.shape[-2:]]
    return interpolate(picture[None], size=size, mode="area")[0].clamp_min(0.0)


def _border(planes: Tensor) -> Tensor:
    """Return the pixels (C, N) above, left and right."""
    depth = max(1, round(_BORDER * planes.shape[-1]))
    sides = (planes[:, :depth], planes[:, depth:, :depth], planes[:, depth:, -depth:])
    return torch.cat([side.reshape(planes.shape[0], -1) for side in sides], dim=1)


def _roughness(picture: Tensor) -> Tensor:
    blurred = torch.nn.functional.avg_pool2d(picture[None], 3, 1, 1, count_include_pad=False)[0]
    return ((picture - blurred).abs().sum(dim=0) / blurred.sum(dim=0).clamp_min(1e-4))[None]


def _saturations(colors: Tensor) -> Tensor:
    return 1 - colors.min(dim=0).values / colors.max(dim=0).values.clamp_min(_DARKEST)


def _saturation(color: Color) -> float:
    return 1 - max(min(color), 0.0) / max(*color, 1e-9)


def _hue(color: Color) -> float:
    red, green, blue = color
    return math.degrees(math.atan2(math.sqrt(3.0) / 2.0 * (green - blue), red - (green + blue) / 2.0))


def _triple(color: Tensor) -> Color:
    red, green, blue = (float(channel) for channel in color)
    return red, green, blue
