"""Looks: curves that drift as real cameras' do, and a truth that stays exact behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from model.data.camera import draw_camera, record
from model.data.config import DataConfig
from model.data.looks import Look, draw_look
from model.data.scenes import generate
from model.data.seeding import Draw
from model.data.truth import ShotBatch

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
GREEN, BLUE = (0.06, 0.34, 0.085), (0.03, 0.09, 0.42)
STILLS = ("fire", "glass", "hair", "object", "person", "smoke")


def shots(kind: str, **changes: object) -> ShotBatch:
    settings: dict[str, object] = {"subjects": {kind: 1.0}, "extra_subjects": 0.3, "empty": 0.0, "zoom": (1.0, 2.0)}
    return generate(range(3), height=72, width=96, config=DataConfig(**(settings | changes)))  # type: ignore[arg-type]  # pydantic checks them


def look_of(seed: int) -> Look:
    look = draw_camera(Draw(seed).child("camera"), DataConfig(looks=1.0)).look
    assert look is not None
    return look


def shares(light: Tensor) -> Tensor:
    return light / light.sum(dim=0, keepdim=True).clamp_min(1e-6)


@pytest.mark.parametrize("kind", STILLS)
def test_behind_a_look_the_truth_is_what_stands_in_the_scene_seen_through_the_curve(kind: str) -> None:
    linear, curved = shots(kind), shots(kind, looks=1.0)
    assert torch.equal(linear.alpha, curved.alpha), "alpha stays the coverage"
    scene = linear.truth.noiseless()
    for shot in range(3):
        look = look_of(shot)

        def seen(light: Tensor, look: Look = look) -> Tensor:
            return look(light[None])[0]

        assert torch.equal(curved.background[shot], seen(linear.background[shot]))
        assert torch.equal(curved.clean_plate[shot], seen(linear.clean_plate[shot]))
        there = (linear.alpha[shot] > 0).expand(3, -1, -1)
        assert torch.equal(curved.foreground[shot][there], seen(linear.foreground[shot])[there])
        assert not curved.foreground[shot][~there].any(), "no black of a flat profile where nothing is"
        sure = ((linear.alpha[shot] == 0) | (linear.alpha[shot] == 1)).expand(3, -1, -1)
        rest = (curved.truth.noiseless()[shot] - seen(scene[shot])).abs()
        assert not (rest[sure] > 2e-5).any(), "the answers make up the curved plate where alpha is sure"


def test_a_recorded_plate_without_noise_is_the_curve_of_the_scene() -> None:
    light = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2
    for seed in range(4):
        camera = draw_camera(Draw(seed), DataConfig(looks=1.0, low_resolution=0.0, real_codec=0.0))
        assert camera.look is not None
        assert camera.encoding in ("srgb", "rec709"), "the keyer is told of no look"
        spotless = replace(
            camera, shot_noise=0.0, read_noise=0.0, sharpening=0.0, quality=None, chroma="4:4:4", bits=10
        )
        plate = record(Draw(0), light, spotless)
        assert float((plate - camera.look(light)).abs().max()) < 4e-3


def test_curves_are_monotone_in_each_channel_and_end_between_black_and_white() -> None:
    ramp = torch.linspace(0.0, 20.0, 4000).view(1, 1, 1, -1).expand(1, 3, -1, -1)
    for seed in range(60):
        look = draw_look(Draw(seed))
        signal = replace(look, matrix=IDENTITY)(ramp)
        assert float((signal[..., 1:] - signal[..., :-1]).min()) > -1e-6, seed  # but for rounding
        seen = look(ramp)
        assert bool(torch.isfinite(seen).all())
        assert float(seen.min()) >= 0 and float(seen.max()) <= 1


def test_the_color_of_a_paint_drifts_with_light_as_in_real_plates() -> None:
    """A phone's screen runs by 0.19 in R, G, B shares between its dark and its bright half, a hot spot by 0.23."""
    drifts = []
    for seed in range(300):
        color = torch.tensor(BLUE if seed % 4 == 0 else GREEN).view(1, 3, 1, 1)
        light = color * torch.tensor([0.3, 2.4]).view(1, 1, 1, 2)  # over a factor of eight
        dark, bright = shares(draw_look(Draw(seed))(light)[0, :, 0]).unbind(1)
        drifts.append(float((dark - bright).norm()))
    assert np.mean(np.array(drifts) > 0.1) > 0.4
    assert np.mean(np.array(drifts) > 0.19) > 0.15
    assert np.mean(np.array(drifts) < 0.06) > 0.15, "mild looks are among them"


def test_a_look_changes_no_other_choice_of_a_shot() -> None:
    plain, graded = (shots("person", looks=share).recipes for share in (0.0, 1.0))
    for before, after in zip(plain, graded, strict=True):
        own = {"look", "encoding"}
        assert {k: v for k, v in before["camera"].items() if k not in own} == {
            k: v for k, v in after["camera"].items() if k not in own
        }
        assert before["camera"]["look"] is None and after["camera"]["look"] is not None
        assert {k: v for k, v in before.items() if k != "camera"} == {k: v for k, v in after.items() if k != "camera"}


def test_shots_with_looks_repeat_their_bits_whatever_the_batch() -> None:
    config = DataConfig(looks=1.0, processing=1.0, uneven=1.0, scattered=1.0, amid=0.5, contact_shadow=1.0)
    together = generate([1, 2], height=48, width=64, config=config)
    alone = generate([2], height=48, width=64, config=config)
    for part in ("plate", "foreground", "alpha", "background", "clean_plate", "spill", "emission"):
        assert torch.equal(getattr(together, part)[1], getattr(alone, part)[0]), part


def test_a_phone_smears_flat_places_and_puts_halos_along_edges() -> None:
    camera = draw_camera(Draw(1), DataConfig(processing=1.0, low_resolution=0.0, real_codec=0.0))
    assert camera.smoothing > 0 and camera.sharpening > 0
    plain = replace(
        camera, shot_noise=1e-4, read_noise=2e-3, noise_size=0.0, quality=None, chroma="4:4:4", bits=10,
        encoding="srgb", smoothing=0.0, sharpening=0.0,
    )  # fmt: skip
    phone = replace(plain, smoothing=0.05, smoothing_radius=2.0, sharpening=1.5, sharpening_radius=1.5)
    edge = torch.full((1, 3, 48, 64), 0.1)
    edge[..., 32:] = 0.5
    raw, seen = (record(Draw(0), edge, one) for one in (plain, phone))
    flat = (..., slice(8, 40), slice(4, 24))
    assert float(seen[flat].std()) < 0.6 * float(raw[flat].std())
    across = seen.mean(dim=(0, 1, 2))
    assert float(across.max()) > 0.52 and float(across.min()) < 0.095, "halos"
    assert float(across[33] - across[30]) > 0.35, "the edge itself stays"
