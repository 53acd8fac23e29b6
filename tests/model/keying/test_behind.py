"""What a shot shows bare behind its subject, on painted shots whose subject and markers are known."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.keyer import FarSeeingKeyer, Mattes, load_keyer
from model.keying.behind import Behind, bare, find_behind, sample
from model.keying.steadiness import Around
from model.settings import KeySettings, Screen

HEIGHT, WIDTH = 240, 426
SCREEN = Screen(color=(0.05, 0.4, 0.08), coverage=0.7)
MARKERS = [(60, 50), (60, 210), (60, 370), (130, 130), (130, 300), (200, 60)]  # top, left
MARKER = 8
STAND = (slice(90, HEIGHT), slice(200, 212))
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Painted:
    """One frame of a painted shot."""

    plate: Tensor
    subject: NDArray[np.bool_]
    markers: NDArray[np.bool_]  # bare ones
    stand: NDArray[np.bool_]


def paint(
    left: int | None, seed: int, *, moved: tuple[int, int] = (0, 0), gain: float = 1.0, stand: bool = False
) -> Painted:
    """Paint a subject, 90 wide, at ``left`` before a screen with markers; the camera ``moved`` down and right."""
    behind = np.full((HEIGHT, WIDTH, 3), (0.05, 0.4, 0.08), np.float32)
    behind *= np.linspace(0.8, 1.2, WIDTH, dtype=np.float32)[None, :, None]
    markers = np.zeros((HEIGHT, WIDTH), bool)
    for top, at in MARKERS:
        markers[top : top + MARKER, at : at + MARKER] = True
    behind[markers] = (0.6, 0.55, 0.5)
    stands = np.zeros_like(markers)
    if stand:
        stands[STAND] = True
        behind[stands] = (0.02, 0.02, 0.02)
    shift = np.float32([[1, 0, moved[1]], [0, 1, moved[0]]])
    behind = cv2.warpAffine(behind, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    markers, stands = (cv2.warpAffine(mask.astype(np.uint8), shift, (WIDTH, HEIGHT)) > 0 for mask in (markers, stands))
    subject = np.zeros_like(markers)
    if left is not None:
        subject[80:, left : left + 90] = True
        texture = np.random.default_rng(5).uniform(0.1, 0.8, (20, 12, 3)).astype(np.float32)
        behind[80:, left : left + 90] = cv2.resize(texture, (90, HEIGHT - 80))
    grain = np.random.default_rng(seed).normal(0, 0.003, behind.shape).astype(np.float32)
    plate = torch.from_numpy(np.ascontiguousarray((behind * gain + grain).transpose(2, 0, 1)))
    return Painted(plate, subject, markers & ~subject, stands & ~subject)


def learned(frames: Sequence[Painted]) -> Behind | None:
    seen = [torch.from_numpy(cv2.resize(frame.subject.astype(np.float32), (320, 320)))[None] for frame in frames]
    return find_behind([sample(frame.plate, one) for frame, one in zip(frames, seen, strict=True)], SCREEN)


def shown(behind: Behind | None, frame: Painted) -> Array:
    return np.zeros((HEIGHT, WIDTH), np.float32) if behind is None else bare(behind, frame.plate)[0].numpy()


test_behind = sys.modules[__name__]
WALK = [20, 55, 90, 125, 160, 195, 230, 265, 300]


def test_markers_of_a_locked_off_shot_are_known_wherever_they_are_bare() -> None:
    frames = [paint(left, seed) for seed, left in enumerate(WALK)]
    behind = learned(frames)
    everywhere = np.any([frame.markers for frame in frames], axis=0)
    around = cv2.dilate(everywhere.astype(np.uint8), np.ones((9, 9))) > 0
    for frame in frames:
        found = shown(behind, frame)
        away = cv2.dilate(frame.subject.astype(np.uint8), np.ones((9, 9))) == 0
        assert found[frame.markers & away].min() > 0.99
        assert found[frame.subject].max() < 0.01
        assert found[~around].max() == 0.0


def test_a_subject_that_never_moves_teaches_nothing() -> None:
    assert learned([paint(150, seed) for seed in range(9)]) is None


def test_a_stand_that_the_subject_uncovers_is_known() -> None:
    frames = [paint(left, seed, stand=True) for seed, left in enumerate(WALK)]
    behind = learned(frames)
    for frame in (frames[0], frames[-1]):
        found = shown(behind, frame)
        assert found[120:220, 202:210].min() > 0.99
        assert found[frame.subject].max() < 0.01


def test_a_subject_that_looks_like_the_stand_behind_it_stays() -> None:
    behind = learned([paint(left, seed, stand=True) for seed, left in enumerate(WALK)])
    assert behind is not None
    empty = paint(None, 99, stand=True)
    someone = torch.zeros(1, 320, 320)
    someone[:, 100:] = 1.0
    place = (slice(120, 220), slice(202, 210))
    assert bare(behind, empty.plate)[0].numpy()[place].min() > 0.99
    assert bare(behind, empty.plate, someone)[0].numpy()[place].max() == 0.0


def test_a_stand_that_nothing_ever_covered_may_be_a_subject_and_stays() -> None:
    frames = [paint(left, seed, stand=True) for seed, left in enumerate((20, 30, 40, 50, 60, 70, 80, 90, 100))]
    assert shown(learned(frames), frames[0])[120:220, 202:210].max() == 0.0


def test_large_markers_are_known_where_they_are_several_and_a_lone_thing_of_their_size_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for places, least, most in ((MARKERS[:3], 0.9, 1.0), (MARKERS[:1], 0.0, 0.0)):
        monkeypatch.setattr(test_behind, "MARKERS", [(top - 40, left) for top, left in places])
        monkeypatch.setattr(test_behind, "MARKER", 30)
        frames = [paint(left, seed) for seed, left in enumerate(WALK)]
        found = shown(learned(frames), frames[4])[frames[4].markers]
        assert least <= found.mean() <= most


def test_a_ramp_of_the_exposure_changes_nothing() -> None:
    frames = [paint(left, seed, gain=0.5 + 0.1 * seed) for seed, left in enumerate(WALK)]
    behind = learned(frames)
    for frame in frames:
        found = shown(behind, frame)
        away = cv2.dilate(frame.subject.astype(np.uint8), np.ones((9, 9))) == 0
        assert found[frame.markers & away].min() > 0.9 and found[frame.subject].max() < 0.01


SHAKEN = [(0, 0), (5, -3), (-4, 5), (3, 3), (-5, -2), (2, -5), (0, 4), (-3, -4), (4, 1)]


@pytest.mark.parametrize("moves", [SHAKEN, [(0, 14 * step) for step in range(9)]], ids=["shaken", "panned"])
def test_markers_are_known_where_the_camera_moves_and_nothing_of_a_subject_is(moves: list[tuple[int, int]]) -> None:
    frames = [paint(left, seed, moved=moved) for seed, (left, moved) in enumerate(zip(WALK, moves, strict=True))]
    behind = learned(frames)
    assert behind is not None and behind.known is not None
    between = paint(100, 99, moved=(moves[2][0] + 2, moves[2][1] + 11))
    for frame in (*frames, between):
        found = shown(behind, frame)
        away = cv2.dilate(frame.subject.astype(np.uint8), np.ones((9, 9))) == 0
        inside = cv2.erode(frame.markers.astype(np.uint8), np.ones((3, 3))) > 0
        assert found[inside & away].mean() > 0.9
        assert found[frame.subject].max() < 0.01


def test_a_camera_that_is_lost_teaches_nothing_of_its_frame() -> None:
    frames = [paint(left, seed, moved=moved) for seed, (left, moved) in enumerate(zip(WALK, SHAKEN, strict=True))]
    behind = learned(frames)
    elsewhere = np.random.default_rng(3).uniform(0.0, 0.6, (HEIGHT, WIDTH, 3)).astype(np.float32)
    lost = Painted(torch.from_numpy(elsewhere.transpose(2, 0, 1).copy()), *[np.zeros((HEIGHT, WIDTH), bool)] * 3)
    assert shown(behind, lost).max() == 0.0


def test_nothing_of_a_subject_is_taken_in_a_shot_that_is_cut() -> None:
    frames = [paint(left, seed) for seed, left in enumerate(WALK[:5])]
    frames += [paint(left, seed + 9, moved=(40, 90)) for seed, left in enumerate((300, 280, 260, 240))]
    behind = learned(frames)
    assert all(shown(behind, frame)[frame.subject].max() < 0.01 for frame in frames)


def test_a_frame_without_any_screen_shows_nothing_bare() -> None:
    behind = learned([paint(left, seed) for seed, left in enumerate(WALK)])
    black = Painted(torch.zeros(3, HEIGHT, WIDTH), *[np.zeros((HEIGHT, WIDTH), bool)] * 3)
    assert shown(behind, black).max() == 0.0


def test_few_frames_teach_nothing_and_samples_without_evidence_are_passed_over() -> None:
    frames = [paint(left, seed) for seed, left in enumerate(WALK)]
    assert learned(frames[:4]) is None
    assert find_behind([sample(frame.plate, None) for frame in frames], SCREEN) is None


def test_bare_markers_are_gone_from_the_neural_key() -> None:
    keyer = load_keyer("neural")
    assert isinstance(keyer, FarSeeingKeyer)
    frames = [paint(left, seed) for seed, left in enumerate(WALK)]
    settings = KeySettings()
    screen = keyer.survey([frame.plate for frame in frames[::4]], settings)
    behind = keyer.behind([keyer.sample(frame.plate, screen) for frame in frames], screen)
    assert behind is not None
    for frame in frames[4:5]:
        around = Around(keyer.glimpse(frame.plate, screen), behind=behind)
        by_itself = keyer.key(frame.plate, screen, Mattes(), settings, Around(around.own))
        keyed = keyer.key(frame.plate, screen, Mattes(), settings, around)
        away = cv2.dilate(frame.subject.astype(np.uint8), np.ones((15, 15))) == 0
        assert float(keyed.alpha[0].numpy()[frame.markers & away].mean()) <= 0.005
        inside = cv2.erode(frame.subject.astype(np.uint8), np.ones((3, 3))) > 0
        assert np.array_equal(keyed.alpha[0].numpy()[inside], by_itself.alpha[0].numpy()[inside])
