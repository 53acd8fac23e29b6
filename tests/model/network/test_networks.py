"""The two networks of 2019: sizes, the layers torch names otherwise, and how classes are read."""

from __future__ import annotations

import pytest
import torch

from model.errors import KeyingError
from model.network.classification import CLASSES, Classification, local_response_norm
from model.network.interface import AlphaNetwork
from model.network.registry import build_network
from model.network.regression import max_over_depth
from model.tiling import in_tiles

ALPHA_NETWORKS = ("classification", "regression")
EVERY_NETWORK = pytest.mark.parametrize("name", ALPHA_NETWORKS)


def seeded(name: str, **options: bool | str) -> AlphaNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = build_network(name, options).eval().requires_grad_(False)
    assert isinstance(network, AlphaNetwork)
    return network


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(7))


@EVERY_NETWORK
@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 40)])
def test_a_network_answers_all_but_its_context(name: str, height: int, width: int) -> None:
    network = seeded(name)
    around = sum(network.context)
    raw = network(noise(2, 3, height + around, width + around))
    assert raw.shape == (2, 1 if name == "regression" else CLASSES, height, width)
    alpha = network.alpha(raw)
    assert alpha.shape == (2, 1, height, width)
    assert float(alpha.min()) >= 0.0 and float(alpha.max()) <= 1.0


@EVERY_NETWORK
@pytest.mark.parametrize(("height", "width"), [(90, 122), (64, 64), (9, 30)])
def test_a_frame_in_tiles_is_the_frame_in_one_piece(name: str, height: int, width: int) -> None:
    network = seeded(name)
    plate = noise(3, height, width)

    def keyed(tiles: int, context: tuple[int, int]) -> torch.Tensor:
        return in_tiles(
            plate,
            lambda tile: network.alpha(network(tile)),
            tiles=tiles,
            context=context,
            multiple=network.multiple,
        )

    torch.testing.assert_close(keyed(network.tiles, network.context), keyed(1, network.context), atol=1e-6, rtol=0)


@EVERY_NETWORK
def test_no_pixel_outside_the_context_reaches_an_answer(name: str) -> None:
    network = seeded(name)
    before, after = network.context
    plate = noise(1, 3, before + 32 + after, before + 32 + after)
    other = plate.clone()
    other[..., 0, :] = 1.0 - other[..., 0, :]
    changed = (network(plate) - network(other)).abs().amax(dim=(0, 1, 3))
    assert changed[0] > 0, "the context is not wider than it must be"
    assert float(changed[16:].max()) == 0.0


def test_depth_is_halved_by_the_larger_of_two_neighbouring_maps() -> None:
    maps = torch.tensor([1.0, 4.0, 3.0, 2.0])[None, :, None, None]
    assert max_over_depth(maps).flatten().tolist() == [4.0, 3.0]


def test_local_response_norm_divides_as_tensorflow_does() -> None:
    layer = local_response_norm(depth_radius=1, bias=2.0, alpha=0.5, beta=0.75)
    maps = torch.tensor([1.0, 2.0, 3.0])[None, :, None, None]
    # x / (bias + alpha · Σ x² over one map to each side) ^ beta; outside the maps there is 0.
    by_hand = [1 / (2 + 0.5 * 5) ** 0.75, 2 / (2 + 0.5 * 14) ** 0.75, 3 / (2 + 0.5 * 13) ** 0.75]
    torch.testing.assert_close(layer(maps).flatten(), torch.tensor(by_hand))


def test_local_response_norm_has_tensorflows_defaults() -> None:
    layer = local_response_norm()
    assert layer.size == 11
    maps = torch.zeros(1, 20, 1, 1)
    maps[0, 3] = 2.0
    assert float(layer(maps)[0, 3]) == pytest.approx(2.0 / (1.0 + 4.0) ** 0.5)


def test_classes_are_read_as_mean_likeliest_or_median() -> None:
    scores = torch.full((1, CLASSES, 1, 1), -1e9)
    scores[0, [0, 51, 102], 0, 0] = torch.log(torch.tensor([0.4, 0.3, 0.3]))
    assert float(Classification(reading="likeliest").alpha(scores)) == 0.0
    assert float(Classification(reading="expected").alpha(scores)) == pytest.approx(0.18)
    assert float(Classification(reading="median").alpha(scores)) == pytest.approx(0.2)


def test_the_last_relu_lets_no_class_score_below_zero() -> None:
    plate = noise(1, 3, 45, 45)
    with_relu, without = (seeded("classification", last_relu=wanted)(plate) for wanted in (True, False))
    assert float(without.min()) < 0.0
    torch.testing.assert_close(with_relu, without.clamp_min(0.0))


def test_coarse_maps_are_enlarged_onto_the_grid_they_came_from() -> None:
    """A light dot moves the answer of stream 1 around the dot, not beside it."""
    network = seeded("classification")
    dark = torch.zeros(1, 3, 37 + 64, 37 + 64)
    lit = dark.clone()
    lit[..., 18 + 32, 18 + 32] = 1.0
    network.color.weight.zero_()  # only the surroundings speak
    change = (network(lit) - network(dark)).abs().sum(dim=1)[0]
    place = torch.arange(64.0)
    center = float((change.sum(dim=0) * place).sum() / change.sum())
    assert abs(center - 32.0) < 2.0


def test_unknown_networks_options_and_readings_are_refused() -> None:
    for name, options in (("resnet", {}), ("regression", {"width": 3}), ("classification", {"reading": "mode"})):
        with pytest.raises(KeyingError) as caught:
            build_network(name, options)
        assert caught.value.fix
