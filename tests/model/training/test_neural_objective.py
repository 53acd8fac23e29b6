"""The objective of the `neural` network: scenes, crops, terms, and that a run with them learns and goes on."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.data.config import DataConfig
from model.data.dataset import Picture, picture_path, write_shots
from model.data.scenes import generate
from model.data.seeding import Draw
from model.errors import KeyingError
from model.evaluation.metrics import edge_band
from model.keying.priors import FROM_SCREEN, HELD, LIGHT, expand
from model.network.neural import FEATURES, GUIDE_FEATURES, Neural
from model.network.registry import build_network
from model.training.config import TrainingConfig, training_config
from model.training.crops import ScenePool, plate_of
from model.training.curve import read_rows
from model.training.keying_terms import answers, keying_terms, new_backgrounds
from model.training.losses import weighted_sum
from model.training.objectives import begin_objective
from model.training.own_shots import OwnScenes, window
from model.training.prefetch import PrefetchedSource
from model.training.scenes import GeneratedScenes, Scene, SceneSource, make_scene
from model.training.state import TrainingState
from model.training.train import train

CPU = torch.device("cpu")
EASY = DataConfig(
    subjects={"object": 1.0}, screen_colors={"green": 1.0}, near_screen=0.0, markers=0.0, set_visible=0.0, empty=0.0
)
SMALL = {"width": 16, "guide_width": 8, "guide_maps": 8}


def tiny(**changes: object) -> TrainingConfig:
    chosen = {
        "network": "neural", "options": SMALL, "steps": 12, "batch": 4, "crop": 32, "shot_height": 64, "shot_width": 96,
        "pool": 3, "fresh": 0.5, "warmup": 3, "validation_shots": 1, "validate_every": 6, "save_every": 4, "data": EASY,
        "learning_rate": 3e-3,
    }  # fmt: skip
    return TrainingConfig.model_validate(chosen | changes)


def network() -> Neural:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return Neural(**SMALL)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return GeneratedScenes(tiny(pairs=1.0), CPU)(0)


def always(scene: Scene) -> SceneSource:
    return lambda _number: scene


def test_a_run_lowers_its_loss_and_shows_pictures(tmp_path: Path) -> None:
    train(tiny(steps=24, learning_rate=0.01, validate_every=24), tmp_path)
    losses = [row.loss for row in read_rows(tmp_path / "loss.csv")]
    assert len(losses) == 24
    assert sum(losses[-6:]) < 0.8 * sum(losses[:6])
    assert (tmp_path / "pictures.png").stat().st_size > 1000


def test_what_the_guide_decides_stays_where_the_fine_part_learns_alone(tmp_path: Path) -> None:
    config = tiny(steps=5, learns=("fine",), averaging=0.9)
    before = TrainingState.begin(config, CPU).network.state_dict()
    whole = train(config, tmp_path / "whole").network.state_dict()
    changed = {name.partition(".")[0] for name, value in before.items() if not torch.equal(value, whole[name])}
    assert changed == {"fine"}
    train(config, tmp_path / "parts", seconds=0.0)
    resumed = train(config, tmp_path / "parts", resume=True).network.state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_run_in_which_nothing_would_learn_does_not_begin(tmp_path: Path) -> None:
    with pytest.raises(KeyingError, match="begins with guise"):
        train(tiny(learns=("guise",)), tmp_path)


def test_an_interrupted_run_goes_on_with_the_same_losses(tmp_path: Path) -> None:
    config = tiny(steps=5, averaging=0.9, pairs=0.5, hints=0.5)
    whole = train(config, tmp_path / "whole")
    train(config, tmp_path / "parts", seconds=0.0)
    second = train(config, tmp_path / "parts", resume=True)
    assert read_rows(tmp_path / "parts" / "loss.csv") == read_rows(tmp_path / "whole" / "loss.csv")
    assert second.weights_id == whole.weights_id


def test_a_pool_grows_from_a_few_shots_and_then_moves_on() -> None:
    config = tiny(pool=4, begin_with=2, fresh=0.5)
    asked: list[int] = []
    made = GeneratedScenes(config, CPU)

    def source(number: int) -> Scene:
        asked.append(number)
        return made(number)

    pool = ScenePool(config, CPU, source)
    pool.batch(0)
    assert asked == [0, 1] and config.held_at(0) == range(2)
    grown = pool.batch(4)
    assert asked == [0, 1, 2, 3] and config.held_at(4) == range(4)
    pool.batch(6)
    assert asked == [0, 1, 2, 3, 4] and config.held_at(6) == range(1, 5)
    again = ScenePool(config, CPU, made).batch(4)
    assert torch.equal(grown.features, again.features), "after an interruption the same crops"


def test_every_weight_is_reached_by_the_loss(scene: Scene) -> None:
    built = network()
    batch = ScenePool(tiny(), CPU, always(scene)).batch(0)
    weighted_sum(keying_terms(built, batch, Draw(1, "b")), {}).backward()
    assert [name for name, value in built.named_parameters() if value.grad is None] == []


def test_half_precision_changes_the_terms_by_little(scene: Scene) -> None:
    built = network()
    batch = ScenePool(tiny(), CPU, always(scene)).batch(0)
    exact = keying_terms(built, batch, Draw(1, "b"))
    half = keying_terms(built, batch, Draw(1, "b"), torch.bfloat16)
    assert half.keys() == exact.keys()
    for name, value in exact.items():
        assert float(half[name].detach()) == pytest.approx(float(value.detach()), rel=0.1, abs=2e-3), name


def test_crops_show_the_guide_the_place_that_they_are_cut_from(scene: Scene) -> None:
    """Mirrored or not, anywhere: what the whole frame says of a place is what the crop shows there."""
    config = tiny(batch=12, hints=0.0)
    pool = ScenePool(config, CPU, always(scene))
    for step in range(4):
        batch = pool.batch(step)
        for index, (frame, top, left) in enumerate(batch.places):
            # The guide's factor is 1 at this size; evidence is the guide's alone.
            around = batch.small[frame, :FEATURES, top : top + 32, left : left + 32]
            torch.testing.assert_close(around, batch.features[index])
            torch.testing.assert_close(
                batch.small_alpha[frame, :, top : top + 32, left : left + 32], batch.alpha[index]
            )


def test_frames_are_shown_upright(scene: Scene) -> None:
    """What stands below and what hangs above tells subject from set: a quarter turn would hide it."""
    heights = torch.arange(64.0).view(1, 1, 64, 1).expand_as(scene.small_alpha)
    pool = ScenePool(tiny(batch=12, hints=0.0), CPU, always(replace(scene, small_alpha=heights)))
    for step in range(4):
        assert bool((pool.batch(step).small_alpha == heights[0]).all())


def test_tall_scenes_come_in_steps_of_their_own() -> None:
    config = tiny(tall=0.5, pool=12, crop=32)
    pool = ScenePool(config, CPU, GeneratedScenes(config, CPU))
    shapes = {tuple(pool.batch(step).small.shape[-2:]) for step in range(8)}
    assert shapes == {(64, 96), (96, 64)}


def test_held_out_scenes_may_be_wide_and_tall(tmp_path: Path) -> None:
    train(tiny(tall=0.5, validation_shots=6, steps=1), tmp_path)
    assert (tmp_path / "pictures.png").stat().st_size > 1000


def test_two_frames_that_follow_each_other_are_cut_at_one_place(scene: Scene) -> None:
    batch = ScenePool(tiny(), CPU, always(scene)).batch(0)
    assert len(scene.alpha) == 2
    assert batch.following == ((0, 1), (2, 3))
    for earlier, later in batch.following:
        assert batch.places[earlier][1:] == batch.places[later][1:]
        assert batch.places[later][0] == batch.places[earlier][0] + 1
    assert float(keying_terms(network(), batch, Draw(1, "b"))["consistency"].detach()) > 0


def test_the_truth_in_units_composites_to_the_plate(scene: Scene) -> None:
    config = tiny(data=EASY.model_copy(update={"camera": False, "spill": False, "shadow": 0.0, "wrinkles": 0.0}))
    batch = ScenePool(config, CPU, GeneratedScenes(config, CPU)).batch(0)
    screen = expand(batch.features[:, LIGHT]) - expand(batch.features[:, FROM_SCREEN])
    composed = batch.alpha * batch.foreground + batch.emission + (1 - batch.alpha) * screen
    error = (composed - expand(batch.features[:, LIGHT])).abs()
    assert float(error.median()) < 0.01


def test_perfect_answers_cost_nothing(scene: Scene) -> None:
    config = tiny()
    batch = ScenePool(config, CPU, always(scene)).batch(0)
    terms = keying_terms(_Oracle(batch), batch, Draw(1, "b"))  # type: ignore[arg-type]
    for name in ("alpha", "alpha_squared", "gradient", "consistency", "recomposition", "foreground"):
        assert float(terms[name]) < 2e-3, name


def test_the_edge_term_is_the_error_that_scores_count_in_the_edge_band(scene: Scene) -> None:
    batch = ScenePool(tiny(), CPU, always(scene)).batch(0)
    reading, _, _ = answers(network(), batch)
    term = keying_terms(network(), batch, Draw(1, "b"))["edge"]
    bands = np.stack([edge_band(truth) for truth in batch.alpha[:, 0].numpy()])
    error = (reading.alpha - batch.alpha).abs()[:, 0].detach().numpy()
    assert 0 < bands.sum() < bands.size
    assert float(term.detach()) == pytest.approx(float(error[bands].mean()), rel=1e-5)


def test_green_left_in_soft_pixels_is_punished_by_the_new_composite(scene: Scene) -> None:
    batch = ScenePool(tiny(), CPU, always(scene)).batch(0)
    clean = keying_terms(_Oracle(batch), batch, Draw(1, "b"))  # type: ignore[arg-type]
    green = replace(batch, foreground=batch.foreground + torch.tensor([0.0, 0.5, 0.0])[:, None, None])
    fringed = keying_terms(_Oracle(green), batch, Draw(1, "b"))  # type: ignore[arg-type]
    for name in ("recomposition", "recomposition_display", "foreground"):
        assert float(fringed[name]) > 100.0 * float(clean[name]) > 0.0, name
    assert float(fringed["alpha"]) == pytest.approx(float(clean["alpha"]))


def test_new_backgrounds_are_pictures_and_colors_fixed_by_the_draw(scene: Scene) -> None:
    batch = ScenePool(tiny(batch=8), CPU, always(scene)).batch(0)
    first, again = (new_backgrounds(batch, Draw(7, "b")) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, new_backgrounds(batch, Draw(8, "b")))
    plates = plate_of(batch).clamp(0.0, 4.0)
    is_plate = [any(bool((one - plate).abs().max() < 1e-6) for plate in plates) for one in first]
    is_new = [any(bool(torch.equal(one, new)) for new in batch.behind) for one in first]
    assert any(is_plate) and any(is_new)
    assert [a != b for a, b in zip(is_plate, is_new, strict=True)] == [True] * len(first)


def test_a_hint_tells_the_truth_coarsely(scene: Scene) -> None:
    pool = ScenePool(tiny(hints=1.0, batch=16), CPU, always(scene))
    batch = pool.batch(0)
    held = batch.features[:, HELD]
    assert bool((held != 0).any())
    assert bool((batch.alpha[held > 0] > 0.5).all())
    assert bool((batch.alpha[held < 0] < 0.5).all())
    assert not bool((scene.features[:, HELD] != 0).any())


def test_a_true_clean_plate_is_at_times_given() -> None:
    config = tiny(clean_plates=1.0)
    shot = generate([5], height=64, width=96, config=EASY)
    given, estimated = (make_scene(shot, one, Draw(1, "s")) for one in (config, tiny()))
    assert not torch.equal(given.unit, estimated.unit)


def test_a_scene_is_seen_through_its_grain_as_the_keyer_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shot = generate([5], height=64, width=96, config=EASY)
    noise = torch.randn(shot.plate.shape, generator=torch.Generator().manual_seed(3))
    grainy = replace(shot, plate=(shot.plate.clamp_min(0.0).sqrt() + 0.05 * noise).square())

    def roughness() -> float:
        return float(make_scene(grainy, tiny(), Draw(1, "s")).features[:, LIGHT].diff(dim=-1).abs().mean())

    calm = roughness()
    monkeypatch.setattr("model.keying.grain.calmed", lambda plate: plate)
    assert calm < 0.6 * roughness()


def test_scenes_made_ahead_by_other_processes_are_the_same_in_order() -> None:
    alone = GeneratedScenes(tiny(pairs=0.5, options={}), CPU)
    ahead = PrefetchedSource(alone, processes=2)
    for number in (3, 4, 5, 9, 10):  # 9 does not follow: a resumed run begins anywhere
        made, expected = ahead(number), alone(number)
        assert torch.equal(made.layers, expected.layers)
        assert torch.equal(made.soft, expected.soft)
        assert torch.equal(made.behind, expected.behind)


@pytest.mark.parametrize(("changes", "says"), [({"crop": 36}, "cannot be cut"), ({"shot_height": 131}, "evenly")])
def test_choices_that_do_not_fit_together_are_refused(changes: dict[str, int], says: str) -> None:
    with pytest.raises(KeyingError, match=says):
        begin_objective(tiny(**changes), network(), CPU)


def test_the_preset_fits_together() -> None:
    config = training_config("neural", pool=1, validation_shots=1)
    assert config.crop % Neural.multiple == 0
    begin_objective(config, Neural(), CPU)


def test_own_shots_are_mixed_with_generated_ones(tmp_path: Path) -> None:
    kept: dict[Path, Picture] = {}
    shot = generate([8], height=150, width=210, config=EASY, frames=2)
    (folder,) = write_shots(tmp_path, shot, kept.__setitem__, noiseless=True)
    assert picture_path(folder, "plate", 1) in kept
    config = tiny(own_shots=str(tmp_path), own_share=0.5, pairs=0.5)
    source = OwnScenes(GeneratedScenes(config, CPU), config, CPU, kept.__getitem__)
    alphas = [source(number).alpha[0] for number in range(12)]
    generated = [GeneratedScenes(config, CPU)(number).alpha[0] for number in range(12)]
    same = [bool(torch.equal(a, b)) for a, b in zip(alphas, generated, strict=True)]
    assert any(same) and not all(same)


def test_a_window_of_an_own_shot_still_composites_to_its_plate() -> None:
    config = EASY.model_copy(update={"camera": False, "spill": False})
    shot = generate([8], height=150, width=210, config=config, frames=2)
    for number in range(4):
        part = window(shot, 1, tiny(), Draw(number, "w"), CPU)
        assert part.plate.shape == (1, 3, 64, 96)
        torch.testing.assert_close(part.truth.recompose(), part.plate, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("size", "says"), [((48, 96), "is 48"), (None, "holds no shot")])
def test_own_shots_that_cannot_be_used_are_named(tmp_path: Path, size: tuple[int, int] | None, says: str) -> None:
    kept: dict[Path, Picture] = {}
    if size:
        write_shots(tmp_path, generate([8], height=size[0], width=size[1], config=EASY), kept.__setitem__)
    config = tiny(own_shots=str(tmp_path))
    with pytest.raises(KeyingError, match=says):
        OwnScenes(GeneratedScenes(config, CPU), config, CPU, kept.__getitem__)


def test_the_guide_is_asked_for_every_crop_at_its_place(scene: Scene) -> None:
    built = network()
    batch = ScenePool(tiny(), CPU, always(scene)).batch(0)
    reading, _, coarse = answers(built, batch)
    assert reading.alpha.shape == batch.alpha.shape
    assert coarse.shape == batch.small_alpha.shape
    assert {field.name for field in fields(reading)} >= {"alpha", "own", "projected", "foreground", "emission"}
    assert bool(np.isfinite(coarse.detach().numpy()).all())


class _Oracle(torch.nn.Module):
    """Answers what the truth of one batch is, in the form of the network's raw answers."""

    guide_maps = 8

    def __init__(self, batch: object) -> None:
        super().__init__()
        self._batch = batch

    def guide(self, small: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(small), 9, *small.shape[-2:])

    def fine(self, features: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
        from model.keying.priors import CONTINUED, compress
        from model.network.neural import ANSWERS

        batch = self._batch
        raw = torch.zeros(len(features), ANSWERS, *features.shape[-2:])
        raw[:, 5] = 60.0
        raw[:, 6:7] = torch.logit(batch.alpha.clamp(1e-6, 1 - 1e-6))  # type: ignore[attr-defined]
        raw[:, 7:10] = compress(batch.foreground) - features[:, CONTINUED]  # type: ignore[attr-defined]
        raw[:, 10] = -60.0
        return raw


def test_a_network_that_sees_more_begins_with_the_answers_of_the_one_that_it_starts_from() -> None:
    widths: dict[str, int | bool] = {"width": 16, "guide_width": 8, "guide_maps": 8}
    earlier = build_network("neural", widths)
    state = TrainingState.begin(training_config("neural", options=widths | {"outlook": True}), torch.device("cpu"))
    state.start_from(earlier)
    small = torch.rand(1, GUIDE_FEATURES, 16, 24, generator=torch.Generator().manual_seed(5))
    assert isinstance(earlier, Neural) and isinstance(state.network, Neural)
    torch.testing.assert_close(state.network.guide(small), earlier.guide(small))
    with pytest.raises(KeyingError, match="outlook"):
        TrainingState.begin(training_config("neural", options=widths), torch.device("cpu")).start_from(state.network)
