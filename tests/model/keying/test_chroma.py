"""Color that 4:2:0 took from an outline is put back, from what compositing predicts, and nothing else is touched."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.keying.chroma import lacking_chroma
from model.keying.recording import luma

SCREEN, SUBJECT = (0.05, 0.35, 0.08), (0.5, 0.3, 0.2)
BOTH, ROWS, NEITHER = torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0]), torch.zeros(2)


def flat(color: tuple[float, float, float]) -> Tensor:
    return torch.tensor(color)[:, None, None].expand(3, 48, 64).contiguous()


def disc() -> Tensor:
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    return (16.0 - torch.hypot(y - 24.0, x - 31.0) + 0.5).clamp(0.0, 1.0)[None]


def recorded(light: Tensor, step: tuple[int, int]) -> Tensor:
    signal = light.pow(1 / 2.2)
    bright = luma(signal[None])[0]
    small = functional.avg_pool2d((signal - bright)[None], step)
    large = functional.interpolate(small, scale_factor=tuple(map(float, step)), mode="bilinear", align_corners=False)
    return (bright + large[0]).clamp_min(0.0).pow(2.2)


@pytest.mark.parametrize(("step", "halved"), [((2, 2), BOTH), ((1, 2), ROWS)])
def test_most_of_what_a_recorder_took_from_an_outline_is_put_back(step: tuple[int, int], halved: Tensor) -> None:
    alpha = disc()
    whole = torch.lerp(flat(SCREEN), flat(SUBJECT), alpha)
    plate = recorded(whole, step)
    lacking = lacking_chroma(plate, flat(SCREEN), alpha, flat(SUBJECT), halved)
    mixed = ((alpha > 0) & (alpha < 1)).expand(3, -1, -1)
    before, after = ((one - whole)[mixed].abs().mean() for one in (plate, plate + lacking))
    assert float(after) < 0.5 * float(before)


def test_luma_opaque_pixels_and_the_bare_screen_are_left_alone() -> None:
    alpha = disc()
    plate = recorded(torch.lerp(flat(SCREEN), flat(SUBJECT), alpha), (2, 2))
    lacking = lacking_chroma(plate, flat(SCREEN), alpha, flat(SUBJECT), BOTH)
    mixed = ((alpha > 0) & (alpha < 1)).expand(3, -1, -1)
    assert float(lacking[~mixed].abs().max()) == 0.0 < float(lacking[mixed].abs().max())
    brightness = [luma(light.pow(1 / 2.2)[None]) for light in (plate, plate + lacking)]
    torch.testing.assert_close(brightness[0], brightness[1], atol=2e-3, rtol=0)


def test_a_plate_with_full_chroma_lacks_nothing_whatever_its_light() -> None:
    plate = torch.rand(3, 48, 64) * 1e4 - 1.0
    assert float(lacking_chroma(plate, flat(SCREEN), disc(), flat(SUBJECT), NEITHER).abs().max()) == 0.0


def test_negative_and_bright_light_stay_numbers() -> None:
    plate = torch.where(torch.rand(3, 48, 64) < 0.5, -0.1, 1e8)
    assert bool(torch.isfinite(lacking_chroma(plate, flat(SCREEN), disc(), flat(SUBJECT) * 1e6, BOTH)).all())
