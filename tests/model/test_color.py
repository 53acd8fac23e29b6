"""sRGB and its 256 steps."""

from __future__ import annotations

import pytest
import torch

from model.color import eight_bit_srgb, srgb_from_linear


def test_srgb_has_the_standards_values() -> None:
    light = torch.tensor([0.0, 0.0031308, 0.18, 0.5, 1.0])
    expected = [0.0, 0.0404500, 0.4613561, 0.7353570, 1.0]
    assert srgb_from_linear(light).tolist() == pytest.approx(expected, abs=2e-6)


def test_light_beyond_the_display_is_clamped() -> None:
    assert srgb_from_linear(torch.tensor([-0.2, 7.0])).tolist() == pytest.approx([0.0, 1.0])


def test_eight_bit_signal_has_whole_steps() -> None:
    steps = eight_bit_srgb(torch.linspace(0.0, 1.0, 999)) * 255.0
    torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
    assert len(steps.round().unique()) > 200
