"""Dilation and erosion: the same as looking at every square, at every radius."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional

from model.keying.fill import dilate, erode


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 7, 40])
def test_a_dilated_mask_holds_the_most_of_each_square_and_an_eroded_one_the_least(radius: int) -> None:
    mask = torch.rand(1, 23, 31, generator=torch.Generator().manual_seed(radius))
    most = functional.max_pool2d(functional.pad(mask, 4 * (radius,), value=-1.0), 2 * radius + 1, stride=1)
    least = -functional.max_pool2d(functional.pad(-mask, 4 * (radius,), value=-2.0), 2 * radius + 1, stride=1)
    assert torch.equal(dilate(mask, radius), most)
    assert torch.equal(erode(mask, radius), least)
