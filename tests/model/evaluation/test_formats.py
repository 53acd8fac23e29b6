"""What a device and a number format change is measured against the same device in float32."""

from __future__ import annotations

import pytest
import torch

from model.evaluation.formats import compare_formats


def test_the_short_formats_change_alpha_by_little_and_float32_not_at_all() -> None:
    torch.set_num_threads(1)
    exact, short = compare_formats("neural", "cpu", [(192, 108)], formats=("float32", "bfloat16"), frames=1)
    assert exact.mean_error == exact.most_error == 0.0
    assert 0.0 < short.mean_error < 5e-3
    assert short.most_error < 0.3
    assert exact.peak_mib is None and exact.device_error is None
    assert exact.seconds > 0.0


@pytest.mark.gpu
def test_a_card_answers_what_the_cpu_does() -> None:
    (found,) = compare_formats("neural", "cuda:0", [(960, 540)], formats=("float32",), frames=1)
    assert found.device_error is not None and found.device_error < 1e-3
    assert found.reserved_mib is not None and found.reserved_mib < 4096
