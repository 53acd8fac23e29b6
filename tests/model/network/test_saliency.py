"""Evidence of a subject: any plate is taken, exposure changes little, and its weights come from one file only."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.errors import KeyingError
from model.evidence import Evidence
from model.network.saliency import Saliency
from model.training.import_saliency import saliency_from


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return Evidence(torch.device("cpu"))


def plate(height: int, width: int) -> Tensor:
    """A grey figure before a green screen."""
    rows, columns = torch.arange(height)[:, None] / height, torch.arange(width)[None, :] / width
    figure = (((columns - 0.5).abs() < 0.15) & (rows > 0.3)) | (
        ((rows - 0.25) / 0.15).square() + ((columns - 0.5) / 0.1).square() < 1.0
    )
    screen, grey = (torch.tensor(color)[:, None, None] for color in ((0.05, 0.4, 0.08), (0.3, 0.25, 0.22)))
    return torch.where(figure[None], grey, screen).expand(3, height, width).clone()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (50, 71), (33, 97)])
def test_pictures_of_any_sides_have_an_answer_for_each_pixel(height: int, width: int) -> None:
    with torch.inference_mode():
        answer = Saliency().eval()(torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(3)))
    assert answer.shape == (2, 1, height, width)
    assert float(answer.min()) >= 0.0 and float(answer.max()) <= 1.0


@torch.inference_mode()
def test_a_figure_is_found_in_a_portrait_a_wide_frame_and_a_tiny_one(evidence: Evidence) -> None:
    for size in ((480, 270), (270, 640), (40, 60)):
        found = evidence(plate(*size))
        assert found.shape == (1, 320, 320)
        assert float(found[0, 180:300, 140:180].mean()) > 0.7, size
        assert float(found[0, :, :40].mean()) < 0.1, size


@torch.inference_mode()
def test_no_light_makes_evidence_that_is_no_number(evidence: Evidence) -> None:
    bright = plate(90, 160)
    bright[:, 20:24, 20:24], bright[:, 60:62, 60:62] = 5e4, -0.5
    for light in (torch.zeros(3, 90, 160), bright, torch.full((3, 1, 1), 7.0), torch.full((3, 90, 160), 1e30)):
        found = evidence(light)
        assert bool(torch.isfinite(found).all())
        assert float(found.min()) >= 0.0 and float(found.max()) <= 1.0


@torch.inference_mode()
def test_exposure_does_not_change_what_is_found(evidence: Evidence) -> None:
    usual = plate(180, 320)
    first = evidence(usual)
    for exposure in (0.05, 40.0):
        torch.testing.assert_close(evidence(usual * exposure), first, atol=0.01, rtol=0.0)


def test_weights_are_taken_from_the_one_file_only(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    other = tmp_path / "u2netp.onnx"
    other.write_bytes(b"another network")
    with pytest.raises(KeyingError, match=r"u2netp\.onnx is not the file"):
        saliency_from(other)
