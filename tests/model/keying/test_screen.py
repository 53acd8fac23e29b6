"""What the survey takes for the screen when it is seen through smoke, and when something purer stands before it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.keying.fill import box_blur
from model.keying.screen import find_screen
from model.settings import Color

GREEN, BLUE, PALE = (0.04, 0.40, 0.06), (0.02, 0.03, 0.50), (0.30, 0.50, 0.28)
HEIGHT, WIDTH = 108, 192


def flat(color: Color) -> Tensor:
    return torch.tensor(color)[:, None, None].expand(3, HEIGHT, WIDTH).clone()


def smoke(bare: float) -> Tensor:
    """Billows (1, H, W) between 0 and 0.9; about ``bare`` of the picture is free of them, at the border too."""
    rows, columns = torch.arange(HEIGHT)[:, None] / HEIGHT, torch.arange(WIDTH)[None, :] / HEIGHT
    billows = torch.sin(5.0 * columns + 2.0 * rows) + torch.sin(3.0 * rows - 4.0 * columns + 1.0)
    billows = billows - billows.flatten().quantile(bare)
    return (billows / billows.max() * 0.9).clamp_min(0.0)[None]


def grain(size: float) -> Tensor:
    return size * torch.randn(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5))


def distance(color: Color, truth: Color) -> float:
    found, known = torch.tensor(color), torch.tensor(truth)
    return float((found / found.sum() - known / known.sum()).norm())


@pytest.mark.parametrize("color", [GREEN, BLUE], ids=["green", "blue"])
@pytest.mark.parametrize("bare", [0.08, 0.3])
def test_behind_smoke_the_bare_screen_is_found_not_the_veiled_one(color: Color, bare: float) -> None:
    veil = smoke(bare)
    plate = flat(color) * (1.0 - veil) + flat((0.33, 0.35, 0.36)) * veil + grain(0.002)
    assert distance(find_screen([plate]).color, color) < 0.04


def test_the_bare_screen_is_found_where_another_frame_shows_it() -> None:
    thick, thin = smoke(0.01), smoke(0.12)
    plates = [flat(BLUE) * (1.0 - veil) + 0.35 * veil + grain(0.002) for veil in (thick, thin)]
    assert distance(find_screen(plates).color, BLUE) < 0.04


def test_a_purer_subject_at_the_border_is_no_bare_screen() -> None:
    subject = torch.zeros(1, HEIGHT, WIDTH)
    subject[:, 20:90, :40] = 1.0
    subject = box_blur(subject, 1)  # a lens's edge
    plate = flat(PALE) * (1.0 - subject) + flat(GREEN) * subject + grain(0.002)
    assert distance(find_screen([plate]).color, PALE) < 0.02


def test_a_purer_subject_out_of_focus_is_no_bare_screen() -> None:
    rows, columns = torch.arange(HEIGHT)[:, None] + 0.5, torch.arange(WIDTH)[None, :] + 0.5
    soft = torch.sigmoid((45.0 - ((rows - 54.0).square() + (columns - 96.0).square()).sqrt()) / 4.0)[None]
    plate = flat(PALE) * (1.0 - soft) + flat(GREEN) * soft + grain(0.002)
    assert distance(find_screen([plate]).color, PALE) < 0.02


def test_uneven_light_does_not_move_the_color() -> None:
    light = torch.linspace(0.4, 1.6, WIDTH)[None, None, :]
    assert distance(find_screen([flat(GREEN) * light + grain(0.004)]).color, GREEN) < 0.02
