"""The keyers `regression` and `classification`: shipped weights key a plate by the same contract as every keyer."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from model.baselines import BASELINES, WEIGHTS, BaselineKeyer, as_green_screen
from model.checkpoint import Checkpoint, Provenance, load_checkpoint, save_checkpoint
from model.color import srgb_from_linear
from model.data.config import DataConfig
from model.data.scenes import generate
from model.data.truth import ShotBatch
from model.errors import KeyingError, UnknownKeyerError
from model.keyer import KEYER_NAMES, KeyedFrame, Mattes, load_keyer
from model.network.registry import build_network
from model.settings import KeySettings
from model.training.config import TrainingConfig

EVERY_BASELINE = pytest.mark.parametrize("name", BASELINES)
CALM = DataConfig(
    subjects={"object": 1.0}, screen_colors={"green": 1.0}, near_screen=0.0, markers=0.0, set_visible=0.0, empty=0.0,
    zoom=(1.0, 1.0), extra_subjects=0.0, motion_blur=0.0, defocus=0.0, low_resolution=0.0, real_codec=0.0,
)  # fmt: skip
UNSEEN = 4_100_000_000


@pytest.fixture(scope="module")
def shot() -> ShotBatch:
    return generate([UNSEEN], height=90, width=122, config=CALM)


def keyed(name: str, plate: torch.Tensor, mattes: Mattes | None = None, **choices: object) -> KeyedFrame:
    torch.set_num_threads(1)
    keyer = load_keyer(name)
    settings = KeySettings.model_validate({"keyer": name} | choices)
    return keyer.key(plate, keyer.survey([plate], settings), mattes or Mattes(), settings)


@EVERY_BASELINE
def test_shipped_weights_say_where_they_come_from(name: str) -> None:
    shipped = load_checkpoint(WEIGHTS / f"{name}.safetensors", name)
    told = shipped.provenance
    assert told.command.startswith(f"dropkey train --network {name}")
    assert told.date and told.commit and told.machine and told.steps and told.seconds
    assert "-dirty" not in told.commit
    assert not TrainingConfig.model_validate(shipped.training).shuffled_truth


@EVERY_BASELINE
def test_shipped_weights_key_a_plate(name: str, shot: ShotBatch) -> None:
    frame = keyed(name, shot.plate[0])
    assert frame.alpha.shape == (1, 90, 122) and frame.foreground.shape == (3, 90, 122)
    assert float((frame.alpha - shot.alpha[0]).abs().mean()) < 0.1
    assert float((1.0 - shot.alpha[0] - frame.alpha).abs().mean()) > 0.5
    assert torch.equal(frame.foreground * (frame.alpha <= 0), torch.zeros_like(frame.foreground))


@EVERY_BASELINE
def test_keying_is_pure(name: str, shot: ShotBatch) -> None:
    one, two = keyed(name, shot.plate[0]), keyed(name, shot.plate[0])
    assert torch.equal(one.alpha, two.alpha) and torch.equal(one.foreground, two.foreground)


@EVERY_BASELINE
def test_the_artists_mattes_are_obeyed(name: str, shot: ShotBatch) -> None:
    plate = shot.plate[0]
    left, right = torch.zeros(1, 90, 122), torch.zeros(1, 90, 122)
    left[..., :40], right[..., 80:] = 1.0, 1.0
    frame = keyed(name, plate, Mattes(garbage=left, core=right))
    assert float(frame.alpha[..., :40].max()) == 0.0
    assert float(frame.alpha[..., 80:].min()) == 1.0
    assert torch.equal(frame.foreground[..., 80:], plate[..., 80:])


@EVERY_BASELINE
def test_pixels_that_are_no_numbers_are_repaired_and_counted(name: str, shot: ShotBatch) -> None:
    plate = shot.plate[0].clone()
    plate[:, 4, 5] = math.nan
    frame = keyed(name, plate)
    assert frame.notes.nan_repaired == 1
    assert bool(frame.alpha.isfinite().all()) and bool(frame.foreground.isfinite().all())


@EVERY_BASELINE
def test_weights_of_the_other_network_are_refused(name: str, tmp_path: Path) -> None:
    other = next(baseline for baseline in BASELINES if baseline != name)
    save_checkpoint(tmp_path / "w.safetensors", Checkpoint(build_network(other), {}, Provenance()))
    with pytest.raises(KeyingError, match=f"not '{name}'"):
        BaselineKeyer(name, torch.device("cpu"), tmp_path / "w.safetensors")


def test_both_are_among_the_keyers_and_known_by_their_weights() -> None:
    assert set(BASELINES) < set(KEYER_NAMES)
    names = {str(load_keyer(name).weights_id) for name in BASELINES}
    assert len(names) == 2
    with pytest.raises(UnknownKeyerError):
        BaselineKeyer("difference", torch.device("cpu"))


@pytest.mark.parametrize(
    "color", [(0.05, 0.4, 0.06), (0.02, 0.04, 0.2), (0.5, 0.1, 0.6), (0.3, 0.5, 0.28), (0, 0.1, 0)]
)
def test_the_networks_see_every_screen_as_the_same_well_lit_green_one(color: tuple[float, float, float]) -> None:
    screen = torch.tensor(color)[:, None, None].expand(3, 2, 2)
    red, green, blue = as_green_screen(screen, color)[:, 0, 0].tolist()
    assert green == pytest.approx(float(srgb_from_linear(torch.tensor(0.4))), abs=0.5 / 255)
    assert red == pytest.approx(blue, abs=0.6 / 255) and red < green
    assert red == pytest.approx(float(srgb_from_linear(torch.tensor(0.1))), abs=1.1 / 255)


def test_what_the_networks_see_has_the_steps_of_an_eight_bit_file() -> None:
    seen = as_green_screen(torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(1)), (0.1, 0.5, 0.2)) * 255.0
    torch.testing.assert_close(seen, seen.round(), atol=1e-3, rtol=0)
