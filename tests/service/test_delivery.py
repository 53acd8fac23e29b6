"""Other programs read what was delivered: its color space, depth, layers, alpha and rate."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenEXR
import OpenImageIO as oiio
import PyOpenColorIO as ocio
import pytest
from numpy.typing import NDArray

from model.keyer import load_keyer
from model.settings import DeliverySettings, KeySettings
from service.errors import BadInput
from service.messages import ShotOrder
from service.pipeline import key_shot
from service.plates.encodings import CONFIG
from service.plates.working_space import working_space
from service.previews.frames import Frames
from service.previews.messages import Pass, Source
from service.settings import Settings
from tests.service.pipeline_runs import QUICK, manifest_of
from tests.service.shots_on_disk import Listener, order_for, write_shot

FRAMES = (1001, 1002)


def delivered(folder: Path, **delivery: Any) -> ShotOrder:
    """Key a small shot and return its order."""
    settings = KeySettings(keyer="difference", delivery=DeliverySettings(**delivery))
    order = order_for(write_shot(folder / "plates", FRAMES), folder / "out", settings=settings)
    key_shot(
        order,
        load_keyer("difference"),
        job_id="job",
        attempt=1,
        report=Listener(),
        stopped=lambda: False,
        limits=QUICK,
    )
    return order


def file_of(order: ShotOrder, name: str = "foreground") -> Path:
    return sorted((order.output / name).glob("*.exr"))[0]


def by_openimageio(path: Path) -> tuple[oiio.ImageSpec, NDArray[np.float32]]:
    read = oiio.ImageBuf(str(path))
    return read.spec(), read.get_pixels(oiio.FLOAT)


SPACES = {
    "ACEScg": ("lin_ap1_scene", (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)),
    "ACES2065-1": ("lin_ap0_scene", (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)),
    "Linear Rec.2020": ("lin_rec2020_scene", (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329)),
    "Linear P3-D65": ("lin_p3d65_scene", (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329)),
}


@pytest.mark.parametrize("space", SPACES)
def test_another_working_space_is_the_same_light_once_opencolorio_has_brought_it_back(
    tmp_path: Path, space: str
) -> None:
    _, plain = by_openimageio(file_of(delivered(tmp_path / "plain")))
    order = delivered(tmp_path / "other", color_space=space)
    spec, other = by_openimageio(file_of(order))
    assert not np.allclose(other[..., :3], plain[..., :3], atol=1e-3)
    config = ocio.Config.CreateFromBuiltinConfig(CONFIG)
    back = np.ascontiguousarray(other[..., :3])
    config.getProcessor(space, "Linear Rec.709 (sRGB)").getDefaultCPUProcessor().applyRGB(back)
    assert np.abs(back - plain[..., :3]).max() < 1e-5
    assert np.array_equal(other[..., 3], plain[..., 3])
    interop, chromaticities = SPACES[space]
    assert spec.getattribute("colorInteropID") == interop
    assert spec.getattribute("chromaticities") == pytest.approx(chromaticities)
    assert manifest_of(order).color_space == space


def test_plain_results_say_that_they_are_linear_rec709(tmp_path: Path) -> None:
    order = delivered(tmp_path)
    spec, _ = by_openimageio(file_of(order))
    assert spec.getattribute("colorInteropID") == "lin_rec709_scene"
    assert manifest_of(order).color_space == "scene-linear Rec.709 D65"


def test_the_page_shows_another_working_space_as_it_shows_plain_results(tmp_path: Path) -> None:
    plain, other = delivered(tmp_path / "plain"), delivered(tmp_path / "other", color_space="ACEScg")
    pictures = []
    for order in (plain, other):
        source = Source(shot=order.shot, settings=order.settings, output=order.output, frame=1001, name=Pass.FOREGROUND)
        pictures.append(Frames(Settings(), 2**30).read(source).associated())
    assert np.abs(pictures[0] - pictures[1]).max() < 1e-5


def test_half_floats_are_read_as_such_and_never_infinite(tmp_path: Path) -> None:
    _, plain = by_openimageio(file_of(delivered(tmp_path / "plain")))
    spec, half = by_openimageio(file_of(delivered(tmp_path / "half", depth="half")))
    assert str(spec.format) == "half"
    np.testing.assert_allclose(half, plain, rtol=2**-11, atol=1e-7)
    assert np.isfinite(half).all()


@pytest.mark.parametrize("compression", ["dwaa", "dwab"])
def test_lossy_compression_comes_by_name_and_stays_near(tmp_path: Path, compression: str) -> None:
    settings = KeySettings.model_validate({"keyer": "difference", "compression": compression})
    order = order_for(write_shot(tmp_path / "plates", FRAMES), tmp_path / "out", settings=settings)
    key_shot(
        order, load_keyer("difference"), job_id="", attempt=1, report=Listener(), stopped=lambda: False, limits=QUICK
    )
    spec, found = by_openimageio(file_of(order))
    _, plain = by_openimageio(file_of(delivered(tmp_path / "plain")))
    assert str(spec.getattribute("compression")).startswith(compression)
    assert np.abs(found - plain).max() < 0.05


LAYERS = ("alpha", "clean_plate", "screen_removed", "spill", "doubt")
CHANNELS = {
    "R",
    "G",
    "B",
    "A",
    "alpha",
    "doubt",
    *(f"{layer}.{channel}" for layer in LAYERS[1:4] for channel in "RGB"),
}


def test_layers_lie_in_one_file_under_their_usual_names(tmp_path: Path) -> None:
    order = delivered(tmp_path, layers=LAYERS)
    spec, pixels = by_openimageio(file_of(order))
    assert set(spec.channelnames) == CHANNELS
    with OpenEXR.File(str(file_of(order)), separate_channels=True) as opened:
        assert set(opened.channels()) == CHANNELS
    plane = {name: pixels[..., index] for index, name in enumerate(spec.channelnames)}
    assert np.array_equal(plane["alpha"], plane["A"])
    (passed,) = (one for one in manifest_of(order).passes if one.name == "foreground")
    assert set(passed.channels) == CHANNELS
    _, plain = by_openimageio(file_of(delivered(tmp_path / "plain")))
    assert np.array_equal(np.stack([plane[name] for name in "RGBA"], axis=-1), plain)


def test_the_layers_add_up_to_the_plate(tmp_path: Path) -> None:
    order = delivered(tmp_path, layers=LAYERS)
    spec, pixels = by_openimageio(file_of(order))
    plane = {name: pixels[..., index] for index, name in enumerate(spec.channelnames)}
    _, plate = by_openimageio(sorted(order.shot.folder.glob("*.exr"))[0])
    for index, channel in enumerate("RGB"):
        behind = (1.0 - plane["A"]) * plane[f"clean_plate.{channel}"]
        np.testing.assert_allclose(plane[f"screen_removed.{channel}"] + behind, plate[..., index], atol=1e-6)
        solid = plane["A"] == 1.0
        whole = plane[channel] + plane[f"spill.{channel}"]
        np.testing.assert_allclose(whole[solid], plate[..., index][solid], atol=1e-6)


def test_ffmpeg_reads_the_foreground_with_its_alpha(tmp_path: Path) -> None:
    path = file_of(delivered(tmp_path))
    _, plain = by_openimageio(path)
    with av.open(str(path)) as opened:
        frame = next(opened.decode(video=0))
    assert frame.format.name.startswith("gbrapf32")
    planes = [np.frombuffer(plane, np.float32).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes]
    for found, channel in zip(planes, (1, 2, 0, 3), strict=True):
        assert np.array_equal(found, plain[..., channel])


@pytest.mark.parametrize("name", ["ARRI LogC4", "sRGB - Display", "Raw", "no such space", "ocio:ACEScg"])
def test_a_space_that_cannot_be_delivered_in_is_refused_with_what_can(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    with pytest.raises(BadInput) as refused:
        working_space(name)
    assert refused.value.fix


def test_roles_and_aliases_are_names_too() -> None:
    assert working_space("scene_linear").name == working_space("acescg").name == "ACEScg"
    assert working_space("lin_rec709").name == "linear"


STUDIO = """
import sys
import numpy as np
from service.plates.working_space import working_space
space = working_space("ocio:show_linear")
color = np.array([[[0.2, 0.5, 0.1]]], dtype=np.float32)
there = space.from_linear(color)
assert np.allclose(there, working_space("ACEScg").from_linear(color), atol=1e-6), there
assert np.allclose(space.to_linear(there), color, atol=1e-6)
print(space.name)
"""


def test_the_config_that_ocio_names_has_spaces_of_its_own(tmp_path: Path) -> None:
    config = copy.deepcopy(ocio.Config.CreateFromBuiltinConfig(CONFIG))
    own = copy.deepcopy(config.getColorSpace("ACEScg"))
    own.setName("Show AP1")
    own.clearAliases()
    own.addAlias("show_linear")
    config.addColorSpace(own)
    file = tmp_path / "show.ocio"
    file.write_text(config.serialize(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", STUDIO],
        env={**os.environ, "OCIO": str(file)},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "ocio:Show AP1"


def test_a_value_over_time_is_the_frames_own_in_the_whole_shot_and_in_every_part(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates", (1001, 1002, 1003))
    moving = KeySettings.model_validate({"keyer": "difference", "choke": {"1001": 0.0, "1003": 3.0}})

    def alpha(name: str, settings: KeySettings, frames: tuple[int, ...]) -> NDArray[np.float32]:
        order = order_for(shot, tmp_path / name, settings=settings, frames=frames)
        keyer = load_keyer("difference")
        key_shot(order, keyer, job_id="", attempt=1, report=Listener(), stopped=lambda: False, limits=QUICK)
        return np.asarray(by_openimageio(sorted((order.output / "alpha").glob("*1002.exr"))[0])[1])

    whole = alpha("whole", moving, (1001, 1002, 1003))
    assert np.array_equal(whole, alpha("part", moving, (1002,)))
    assert np.array_equal(whole, alpha("still", moving.at(1002), (1001, 1002, 1003)))
    assert whole.sum() < alpha("plain", KeySettings(keyer="difference"), (1001, 1002, 1003)).sum()
