"""The neural keyer with its weights so far: opaque pixels stay the plate's, helpers are heard, nothing fails silently.

What these weights do not do yet is written down as tests that are expected to fail: they tell when training gets there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import model.neural
from model.checkpoint import load_checkpoint
from model.errors import KeyingError, NoScreenError, UnknownKeyerError
from model.keyer import KeyedFrame, Mattes, TwoStepKeyer, load_keyer
from model.keying.compositing import over
from model.keying.priors import Priors
from model.network.neural import Neural
from model.neural import WEIGHTS, FrameAnswer, NeuralKeyer, answer_frame, tile_side
from model.settings import KeySettings
from model.training.config import TrainingConfig
from tests.model.test_difference import BLUE, GREEN, disc, flat, shot


@pytest.fixture(scope="module")
def keyer() -> NeuralKeyer:
    loaded = load_keyer("neural")
    assert isinstance(loaded, NeuralKeyer)
    return loaded


def key(keyer: NeuralKeyer, plate: Tensor, mattes: Mattes | None = None, **choices: object) -> KeyedFrame:
    settings = KeySettings.model_validate(choices)
    return keyer.key(plate, keyer.survey([plate], settings), mattes or Mattes(), settings)


@pytest.mark.parametrize("screen", [GREEN, BLUE], ids=["green", "blue"])
def test_a_soft_disc_is_keyed(keyer: NeuralKeyer, screen: tuple[float, float, float]) -> None:
    plate, alpha, _ = shot(screen, subject=(0.4, 0.38, 0.42))
    keyed = key(keyer, plate)
    assert float((keyed.alpha - alpha).abs().mean()) < 0.01
    assert float(keyed.alpha[:, :8].max()) < 0.02


def with_highlight() -> Tensor:
    plate, _, _ = shot(subject=(0.4, 0.38, 0.42))
    plate[:, 50:54, 60:66] = torch.tensor([50.0, 48.0, 40.0])[:, None, None]
    return plate


def test_opaque_pixels_are_the_plates_own_bit_for_bit(keyer: NeuralKeyer) -> None:
    plate, _, _ = shot(subject=(0.2, 0.1, 0.1))
    keyed = key(keyer, plate)
    inside = keyed.alpha[0] >= 1.0
    assert float(inside.float().mean()) > 0.1
    assert torch.equal(keyed.foreground[:, inside], plate[:, inside])


def test_highlights_in_a_core_matte_are_the_plates_own(keyer: NeuralKeyer) -> None:
    plate, core = with_highlight(), torch.zeros(1, 96, 128)
    core[:, 44:60, 54:72] = 1.0
    keyed = key(keyer, plate, Mattes(core=core))
    assert torch.equal(keyed.foreground[:, 44:60, 54:72], plate[:, 44:60, 54:72])


def test_highlights_are_opaque_without_a_matte(keyer: NeuralKeyer) -> None:
    assert bool((key(keyer, with_highlight()).alpha[0, 48:56, 58:68] >= 1.0).all())


def test_the_same_plate_gives_the_same_bits(keyer: NeuralKeyer) -> None:
    plate, _, _ = shot()
    first, second = key(keyer, plate), key(load_fresh(), plate)
    assert torch.equal(first.alpha, second.alpha)
    assert torch.equal(first.foreground, second.foreground)


def test_key_is_finish_of_infer(keyer: NeuralKeyer) -> None:
    plate, _, _ = shot()
    settings = KeySettings(despill=0.4)
    screen = keyer.survey([plate], settings)
    assert isinstance(keyer, TwoStepKeyer)
    raw = keyer.infer(plate, screen, Mattes(), KeySettings())
    finished = keyer.finish(raw, screen, Mattes(), settings)
    whole = keyer.key(plate, screen, Mattes(), settings)
    assert torch.equal(finished.foreground, whole.foreground)


def test_pixels_that_are_no_numbers_are_repaired_and_counted(keyer: NeuralKeyer) -> None:
    plate, alpha, _ = shot()
    plate[1, 50, 64], plate[0, 5, 5], plate[2, 80, 100] = torch.nan, torch.inf, -torch.inf
    keyed = key(keyer, plate)
    assert keyed.notes.nan_repaired == 3
    assert bool(torch.isfinite(keyed.alpha).all()) and bool(torch.isfinite(keyed.foreground).all())
    assert float((keyed.alpha - alpha).abs().mean()) < 0.03


def test_answers_that_are_no_numbers_are_told_to_the_artist() -> None:
    own = load_fresh()
    plate, _, _ = shot()

    def spoil(_module: torch.nn.Module, _inputs: object, answer: Tensor) -> Tensor:
        answer = answer.clone()
        answer[0, :, 40:44, 60:64] = torch.nan
        return answer

    with own.network.fine.register_forward_hook(spoil):
        keyed = key(own, plate)
    assert bool(torch.isfinite(keyed.alpha).all())
    assert any("no number at 16 pixels" in warning for warning in keyed.notes.warnings)


def test_float32_is_not_rounded_to_tf32(keyer: NeuralKeyer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    plate, _, _ = shot()
    seen: list[bool] = []

    def look(*_: object) -> None:
        seen.append(torch.backends.cudnn.allow_tf32)

    with keyer.network.fine.register_forward_hook(look), keyer.network.guide.register_forward_hook(look):
        key(keyer, plate)
    assert seen == [False, False]
    assert torch.backends.cudnn.allow_tf32, "other work in the process keeps what it chose"


def test_a_plate_without_a_screen_is_refused(keyer: NeuralKeyer) -> None:
    with pytest.raises(NoScreenError, match="No screen was found"):
        key(keyer, flat((0.4, 0.39, 0.38)))


def test_hint_garbage_and_core_are_honored(keyer: NeuralKeyer) -> None:
    plate, _, _ = shot()
    green_patch = plate.clone()
    green_patch[:, 45:65, 54:74] = torch.tensor(GREEN)[:, None, None]
    mask = torch.zeros(1, 96, 128)
    mask[:, 42:68, 50:78] = 1.0
    bare = key(keyer, green_patch).alpha[0, 50:60, 58:70].mean()
    assert float(key(keyer, green_patch, Mattes(core=mask)).alpha[0, 50:60, 58:70].min()) == 1.0
    assert float(key(keyer, green_patch, Mattes(hint=mask)).alpha[0, 52:58, 60:68].min()) == 1.0
    assert float(bare) < 0.5
    assert float(key(keyer, plate, Mattes(garbage=mask)).alpha[0, 50:60, 58:70].max()) == 0.0


@pytest.mark.parametrize("outside", [Mattes(hint=torch.zeros(1, 96, 128)), Mattes(garbage=torch.ones(1, 96, 128))])
def test_light_without_coverage_goes_where_a_matte_says_outside(keyer: NeuralKeyer, outside: Mattes) -> None:
    plate, _, _ = shot()
    settings = KeySettings()
    screen = keyer.survey([plate], settings)
    raw = keyer.infer(plate, screen, Mattes(), settings)
    glowing = replace(raw, solved=replace(raw.solved, emission=torch.full((3, 96, 128), 0.5)))
    assert float(keyer.finish(glowing, screen, Mattes(), settings).alpha.min()) > 0.0
    assert float(keyer.finish(glowing, screen, outside, settings).alpha.max()) == 0.0


@pytest.mark.parametrize(("screen", "stays"), [(GREEN, True), ((0.45, 0.06, 0.05), False)])
def test_cloth_in_a_color_near_the_screens_keeps_some_of_it_but_before_red(
    keyer: NeuralKeyer, screen: tuple[float, float, float], stays: bool
) -> None:
    """Before red, skin is near the screen's color, and what the network expects of it is not to be relied on."""
    cloth = (0.25 * screen[0] + 0.1, 0.25 * screen[1] + 0.1, 0.25 * screen[2] + 0.1)
    kept = key(keyer, over(flat(cloth), disc(), flat(screen))).foreground[:, 44:52, 60:68].mean((1, 2))
    excess = float(kept.max() - kept.median()) / (max(cloth) - sorted(cloth)[1])
    assert excess > 0.2 if stays else excess < 0.02


def test_a_given_clean_plate_settles_a_dark_corner(keyer: NeuralKeyer) -> None:
    """A screen whose light falls off in one corner as if something stood there."""
    light = torch.ones(1, 96, 128)
    light[:, :30, :30] = 0.1
    behind = flat(GREEN) * light
    plate = over(flat((0.5, 0.35, 0.3)), disc(), behind)
    given = key(keyer, plate, Mattes(clean_plate=behind)).alpha[0, 4:24, 4:24].mean()
    assert float(given) < 0.02


def test_without_evidence_a_plain_plate_is_keyed_as_well() -> None:
    own = NeuralKeyer(torch.device("cpu"), without=frozenset({"evidence"}))
    plate, alpha, _ = shot(subject=(0.4, 0.38, 0.42))
    assert own.evidence_of(plate) is None
    assert float((key(own, plate).alpha - alpha).abs().mean()) < 0.01


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_short_number_formats_change_alpha_by_little(keyer: NeuralKeyer, precision: str) -> None:
    plate, _, _ = shot()
    exact, short = key(keyer, plate).alpha, key(keyer, plate, precision=precision).alpha
    assert float((exact - short).abs().mean()) < 2e-3


def test_without_refined_edges_the_color_difference_stands_where_the_solved_alpha_was_chosen(
    keyer: NeuralKeyer,
) -> None:
    plate, alpha, _ = shot(GREEN, subject=(0.4, 0.38, 0.42))
    refined, plain = key(keyer, plate), key(keyer, plate, refine_edges=False)
    soft = (alpha > 0.0) & (alpha < 1.0)
    change = (refined.alpha - plain.alpha).abs()
    assert float(change[soft].max()) > 0.01
    assert float(change[~soft].max()) < 0.03, "screen and core stay as they are"


@pytest.mark.parametrize("refined", [True, False])
def test_doubt_inside_is_decided_whether_edges_are_refined_or_not(
    keyer: NeuralKeyer, monkeypatch: pytest.MonkeyPatch, refined: bool
) -> None:
    def doubtful(network: Neural, known: Priors, precision: torch.dtype) -> FrameAnswer:
        answer = answer_frame(network, known, precision=precision)
        return replace(answer, alpha=answer.alpha * 0.9, unsolved=answer.unsolved * 0.9)

    monkeypatch.setattr(model.neural, "answer_frame", doubtful)
    plate, _, _ = shot(subject=(0.4, 0.38, 0.42))
    assert float(key(keyer, plate, refine_edges=refined).alpha[0, 46:50, 62:66].min()) == 1.0


def test_a_frame_is_answered_whole_where_there_is_room_and_in_tiles_where_there_is_not() -> None:
    gib = 1024**3
    assert tile_side(1080, 1917, torch.float32) == tile_side(1080, 1917, torch.float32, 20 * gib) == 1920
    sides = [tile_side(2160, 3840, torch.float16, memory) for memory in (None, 20 * gib, gib)]
    assert 3840 > sides[0] > sides[1] > sides[2] > Neural.context
    assert tile_side(1080, 1920, torch.float16, gib) == sides[2], "a small frame too, where memory is short"
    assert tile_side(2160, 3840, torch.float32, 20 * gib) < sides[1], "cuDNN's buffers are larger in float32"


def test_weights_say_how_they_were_made() -> None:
    checkpoint = load_checkpoint(WEIGHTS, "neural")
    assert TrainingConfig.model_validate(checkpoint.training).network == "neural"
    told = checkpoint.provenance
    assert told.command.startswith("dropkey train") and told.commit and told.steps > 0 and told.seconds > 0
    assert {"procedural mad", "rendered mad", "quick procedural mad"} <= told.metrics.keys()
    assert WEIGHTS.stat().st_size < 16 * 1024**2


def test_weights_of_ones_own_are_a_keyer_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").write_bytes(WEIGHTS.read_bytes())
    own = load_keyer("neural:mine", "cpu", tmp_path)
    assert own.name == "neural:mine"
    assert own.weights_id == load_fresh().weights_id
    with pytest.raises(KeyingError, match="no weights file"):
        load_keyer("neural:yours", "cpu", tmp_path)


def test_a_damaged_installation_is_told_the_keyer_that_needs_no_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "neural.safetensors"
    damaged.write_bytes(WEIGHTS.read_bytes()[:5000])
    monkeypatch.setattr(model.neural, "WEIGHTS", damaged)
    with pytest.raises(KeyingError, match=r"no readable safetensors file") as told:
        load_keyer(KeySettings().keyer)
    assert "difference" in told.value.fix
    assert load_keyer("difference").name == "difference"


@pytest.mark.parametrize("name", ["neural:../mine", "neural:", "neural:a/b", "neural:.hidden", "neural:a b"])
def test_names_of_weights_lead_out_of_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownKeyerError):
        load_keyer(name, "cpu", tmp_path)


def load_fresh() -> NeuralKeyer:
    return NeuralKeyer(torch.device("cpu"))
