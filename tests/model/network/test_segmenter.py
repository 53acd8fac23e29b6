"""The `segmenter` network: any size of frame, evidence that is heard where there is any, and none that fails."""

from __future__ import annotations

import pytest
import torch

from model.network.neural import FEATURES, GUIDE_FEATURES
from model.network.registry import build_network
from model.network.segmenter import Segmenter
from model.neural import for_guide, segmented


def seeded() -> Segmenter:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Segmenter(width=8).eval().requires_grad_(False)


def features(height: int, width: int) -> torch.Tensor:
    return torch.randn(FEATURES, height, width, generator=torch.Generator().manual_seed(11))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (201, 130), (9, 5)])
def test_every_size_of_frame_is_told_how_much_subject_is_around(height: int, width: int) -> None:
    for evidence in (None, torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(2))):
        most, least = segmented(seeded(), features(height, width), evidence)
        assert most.shape == least.shape == (1, height, width)
        assert float(least.min()) >= 0.0 and float(most.max()) <= 1.0
        assert bool((least <= most + 1e-6).all())


def test_evidence_is_heard_and_what_is_unknown_is_an_even_chance() -> None:
    frame = features(64, 96)
    network = seeded()
    unknown, even, subject = (
        segmented(network, frame, evidence)[0] for evidence in (None, torch.full((1, 8, 8), 0.5), torch.ones(1, 8, 8))
    )
    assert torch.equal(unknown, even)
    assert not torch.allclose(unknown, subject)


def test_evidence_lies_upon_the_reduced_frame_where_it_lies_upon_the_whole() -> None:
    evidence = torch.zeros(1, 320, 320)
    evidence[:, 160:, :80] = 1.0  # below, at the left
    small = for_guide(features(202, 303), 3, evidence)
    assert small.shape == (GUIDE_FEATURES, 68, 101)
    told = small[-1]
    assert bool((told[36:, :23] > 0.99).all())
    assert bool((told[:31] < -0.99).all()) and bool((told[:, 28:] < -0.99).all())


def test_maps_that_are_no_numbers_are_doubt() -> None:
    network = seeded()
    with network.register_forward_hook(lambda *given: given[2] * torch.nan):
        most, least = segmented(network, features(64, 96), None)
    assert float(most.max()) == float(least.min()) == 0.5


def test_its_options_build_an_equal_network() -> None:
    network = seeded()
    again = build_network("segmenter", network.options)
    assert again.load_state_dict(network.state_dict()) and again.options == network.options
