"""The camera's faults: each does what its name says, and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.data.blur import disc, gaussian
from model.data.camera import Camera, draw_camera, record
from model.data.codecs import round_trip
from model.data.compression import compress, from_chroma, quantize_blocks, to_chroma
from model.data.config import DataConfig
from model.data.encodings import ENCODINGS
from model.data.scenes import generate
from model.data.seeding import Draw


@pytest.fixture
def clean_camera() -> Camera:
    drawn = draw_camera(Draw(1), DataConfig(low_resolution=0.0))
    return replace(
        drawn, shot_noise=0.0, read_noise=0.0, sharpening=0.0, quality=None, chroma="4:4:4", bits=10, clip=1.0,
        encoding="srgb", enlarged=1.0, codec=None,
    )  # fmt: skip


def ramp() -> torch.Tensor:
    return torch.linspace(0, 0.8, 64).view(1, 1, 1, -1).expand(1, 3, 64, 64).contiguous()


@pytest.mark.parametrize("name", sorted(ENCODINGS))
def test_encodings_come_back(name: str) -> None:
    light = torch.linspace(0.0, 8.0 if "log" in name else 1.0, 500)
    transfer = ENCODINGS[name]
    assert torch.allclose(transfer.decode(transfer.encode(light)), light, rtol=2e-4, atol=2e-5)


def test_mid_gray_lands_where_the_standards_say() -> None:
    gray = torch.tensor(0.18)
    assert float(ENCODINGS["logc3"].encode(gray)) == pytest.approx(0.391, abs=1e-3)
    assert float(ENCODINGS["slog3"].encode(gray)) == pytest.approx(420 / 1023, abs=1e-4)
    assert float(ENCODINGS["srgb"].encode(gray)) == pytest.approx(0.4614, abs=1e-3)


def test_a_camera_without_faults_returns_the_light_within_its_quantization(clean_camera: Camera) -> None:
    assert float((record(Draw(0), ramp(), clean_camera) - ramp()).abs().max()) < 2e-3


def test_eight_bits_leave_no_more_than_256_levels(clean_camera: Camera) -> None:
    plate = record(
        Draw(0), torch.linspace(0, 0.8, 4096).view(1, 1, 64, 64).expand(1, 3, -1, -1), replace(clean_camera, bits=8)
    )
    assert len(torch.unique(plate[:, 0])) <= 256


def test_light_above_the_clip_is_lost_and_log_keeps_it(clean_camera: Camera) -> None:
    bright = torch.full((1, 3, 16, 16), 4.0)
    assert float(record(Draw(0), bright, clean_camera).max()) <= 1.001
    log = replace(clean_camera, encoding="logc3", clip=8.0)
    assert float(record(Draw(0), bright, log).mean()) == pytest.approx(4.0, rel=0.02)


def test_noise_grows_with_light(clean_camera: Camera) -> None:
    noisy = replace(clean_camera, shot_noise=1e-3, read_noise=1e-3, noise_size=0.0)
    dark, light = torch.full((1, 3, 64, 64), 0.02), torch.full((1, 3, 64, 64), 0.5)
    assert record(Draw(0), light, noisy).std() > 3 * record(Draw(0), dark, noisy).std()


def test_sharpening_overshoots_at_an_edge(clean_camera: Camera) -> None:
    edge = torch.full((1, 3, 32, 32), 0.1)
    edge[..., 16:] = 0.4
    sharp = record(Draw(0), edge, replace(clean_camera, sharpening=1.0))
    assert float(sharp.max()) > 0.43 and float(sharp.min()) < 0.09


def test_chroma_planes_come_back() -> None:
    signal = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    for matrix in ("rec709", "rec601"):
        assert torch.allclose(from_chroma(to_chroma(signal, matrix), matrix), signal, atol=1e-6)


def test_subsampled_chroma_blurs_color_but_not_gray() -> None:
    checker = ((torch.arange(16).view(-1, 1) + torch.arange(16)) % 2).float()
    gray = checker.expand(1, 3, -1, -1) * 0.5 + 0.25
    settings = {"quality": None, "bits": 10, "matrix": "rec709", "origin": (0, 0)}
    assert torch.allclose(compress(gray, scheme="4:2:0", **settings), gray, atol=2e-3)  # type: ignore[arg-type]  # a plain dict
    red = gray * torch.tensor((1.0, 0.0, 0.0)).view(1, 3, 1, 1)
    assert float((compress(red, scheme="4:2:0", **settings) - red).abs().max()) > 0.05  # type: ignore[arg-type]  # as above


def test_lower_quality_loses_more_and_smooth_pictures_lose_little() -> None:
    noise = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    fine, coarse = (quantize_blocks(noise, q, color=False) for q in (95.0, 30.0))
    assert (coarse - noise).abs().mean() > 2 * (fine - noise).abs().mean()
    flat = torch.full((1, 1, 20, 28), 0.5)
    assert float((quantize_blocks(flat, 50.0, color=False, origin=(3, 5)) - flat).abs().max()) < 0.02


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_real_encoders_return_all_frames_close_to_what_they_got(codec: str) -> None:
    y, x = np.mgrid[0:48, 0:64]
    frames = [np.stack((x * 3, y * 4, np.full_like(x, 60 + 20 * n)), -1).astype(np.uint8) for n in range(3)]
    decoded = round_trip(frames, codec, 0.9)
    assert len(decoded) == 3
    error = np.abs(np.stack(decoded).astype(float) - np.stack(frames)).mean()
    assert 0 < error < 8


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_real_encoders_lose_more_at_lower_quality_and_repeat_their_bits(codec: str) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (48, 64, 3)).astype(np.uint8)

    def error(quality: float) -> float:
        return float(np.abs(round_trip([noise], codec, quality)[0].astype(float) - noise).mean())

    assert error(0.2) > 1.02 * error(0.95)
    assert np.array_equal(round_trip([noise], codec, 0.5)[0], round_trip([noise], codec, 0.5)[0])


def test_a_plate_may_go_through_a_real_encoder_whatever_its_size() -> None:
    batch = generate(range(4), height=45, width=51, config=DataConfig(real_codec=1.0), frames=2)
    assert batch.plate.shape == (8, 3, 45, 51)
    assert all(recipe["camera"]["codec"] in ("jpeg", "h264") for recipe in batch.recipes)
    assert bool(torch.isfinite(batch.plate).all())


def test_a_codec_may_be_handed_in(clean_camera: Camera) -> None:
    assert torch.equal(record(Draw(0), ramp(), clean_camera, codec=torch.zeros_like), torch.zeros_like(ramp()))


def test_blurs_keep_the_light() -> None:
    spot = torch.zeros(1, 1, 65, 65)
    spot[..., 32, 32] = 1.0
    for blurred in (gaussian(spot, 1.3), gaussian(spot, 6.0), disc(spot, 4.5)):
        assert float(blurred.sum()) == pytest.approx(1.0, abs=0.02)
    spread = gaussian(spot, 2.0)[0, 0].sum(0)
    position = torch.arange(65.0) - 32
    assert math.sqrt(float((spread * position**2).sum())) == pytest.approx(2.0, rel=0.05)
