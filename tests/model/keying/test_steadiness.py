"""Evidence over neighbouring frames: what comes and goes is put right, what moves is followed, cuts end it."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from model.keyer import FarSeeingKeyer, Mattes, load_keyer
from model.keying.motion import motion
from model.keying.steadiness import Around, Glimpse, glimpse, steadied
from model.settings import KeySettings
from tests.model.test_difference import shot

HEIGHT, WIDTH, SIDE = 180, 320, 320


def picture(left: int, gain: float = 1.0, seed: int = 0) -> Tensor:
    """Paint a textured subject, 80 wide, on a green screen with some grain; none where ``left`` is negative."""
    random = np.random.default_rng(seed)
    texture = cv2.resize(np.random.default_rng(7).uniform(0.1, 0.9, (30, 20, 3)).astype(np.float32), (80, 120))
    plate = np.full((HEIGHT, WIDTH, 3), (0.05, 0.4, 0.08), np.float32)
    if left >= 0:
        plate[40:160, left : left + 80] = texture
    plate = plate * gain + random.normal(0, 0.002, plate.shape).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(plate.transpose(2, 0, 1)))


def evidence(left: int, missing: slice | None = None) -> Tensor:
    """Return evidence that is exact, but for ``missing`` columns of the subject."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[40:160, left : left + 80] = 1.0
    if missing is not None:
        mask[:, missing] = 0.0
    return torch.from_numpy(cv2.resize(mask, (SIDE, SIDE)))[None]


def seen(left: int, missing: slice | None = None, **how: float) -> Glimpse:
    return glimpse(picture(left, **how), evidence(left, missing))


def where(columns: slice) -> tuple[slice, slice, slice]:
    """Return the inner part of those columns of the subject in evidence."""
    return slice(0, 1), slice(85, 270), slice(columns.start + 6, columns.stop - 6)


def test_a_frame_without_neighbours_keeps_its_evidence_bit_for_bit() -> None:
    alone = seen(100)
    assert steadied(Around(alone)) is alone.evidence


def test_a_subject_that_stands_still_keeps_its_evidence_bit_for_bit() -> None:
    still = seen(100)
    found = steadied(Around(still, (still, still), (still, still)))
    assert found is not None and still.evidence is not None and torch.equal(found, still.evidence)


def test_what_one_frame_alone_does_not_see_is_put_right() -> None:
    hole = slice(100, 140)
    around = Around(seen(100, hole), (seen(98, seed=1), seen(96, seed=2)), (seen(102, seed=3), seen(104, seed=4)))
    found = steadied(around)
    assert found is not None and float(found[where(hole)].min()) > 0.95


def test_what_one_neighbour_sees_alone_is_not_heard() -> None:
    hole = slice(100, 140)
    around = Around(seen(100), (seen(98, hole, seed=1), seen(96, seed=2)), (seen(102, seed=3), seen(104, seed=4)))
    found = steadied(around)
    assert found is not None and float(found[where(hole)].min()) > 0.95


@pytest.mark.parametrize("step", [0, 3, 8])
def test_evidence_follows_motion_and_does_not_lag(step: int) -> None:
    own = seen(120)
    around = Around(own, (seen(120 - step), seen(120 - 2 * step)), (seen(120 + step), seen(120 + 2 * step)))
    found = steadied(around)
    assert found is not None and own.evidence is not None
    assert float((found - own.evidence).abs().mean()) < 0.004


def test_where_motion_cannot_be_followed_the_frames_own_answer_stands() -> None:
    # A subject that is there in this frame only: nothing around shows it.
    empty = [glimpse(picture(-1), torch.zeros(1, SIDE, SIDE)) for _ in range(4)]
    own = seen(120)
    found = steadied(Around(own, tuple(empty[:2]), tuple(empty[2:])))
    assert found is not None and own.evidence is not None
    inside = where(slice(120, 200))
    assert float((found - own.evidence)[inside].abs().mean()) < 0.02


def test_nothing_is_heard_across_a_cut() -> None:
    random = np.random.default_rng(3)
    noise = cv2.resize(random.uniform(0, 1, (12, 20, 3)).astype(np.float32), (WIDTH, HEIGHT))
    other = glimpse(torch.from_numpy(np.ascontiguousarray(noise.transpose(2, 0, 1))), torch.ones(1, SIDE, SIDE))
    own = seen(100)
    found = steadied(Around(own, (other, own), (other, other)))
    assert found is not None and own.evidence is not None and torch.equal(found, own.evidence)


def test_a_ramp_of_the_exposure_is_no_cut() -> None:
    hole = slice(100, 140)
    around = Around(
        seen(100, hole, gain=1.0),
        (seen(100, gain=0.8), seen(100, gain=0.6)),
        (seen(100, gain=1.2), seen(100, gain=1.5)),
    )
    found = steadied(around)
    assert found is not None and float(found[where(hole)].min()) > 0.9


def test_frames_without_evidence_are_not_heard() -> None:
    own = seen(100)
    deaf = glimpse(picture(100), None)
    found = steadied(Around(own, (deaf,), (deaf,)))
    assert found is own.evidence
    assert steadied(Around(deaf, (own,), (own,))) is None


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def test_the_number_of_threads_changes_no_bit(threads: None) -> None:
    found = []
    for count in (1, 2, 5):
        cv2.setNumThreads(count)
        found.append(motion(seen(100).light, seen(107, seed=2).light)[0])
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_a_tiny_picture_keeps_its_evidence() -> None:
    small = Glimpse(torch.rand(3, 4, 4), torch.rand(1, SIDE, SIDE))
    assert steadied(Around(small, (small,), (small,))) is small.evidence


def test_the_neural_keyer_keys_a_still_as_by_itself() -> None:
    keyer = load_keyer("neural")
    assert isinstance(keyer, FarSeeingKeyer)
    plate, _, _ = shot()
    settings = KeySettings()
    screen = keyer.survey([plate], settings)
    alone = keyer.key(plate, screen, Mattes(), settings)
    own = keyer.glimpse(plate, screen)
    known = keyer.glimpse(plate, screen, keyer.sample(plate, screen))
    for around in (Around(own), Around(own, (own, own), (own, own)), Around(known, (own,))):
        keyed = keyer.key(plate, screen, Mattes(), settings, around)
        assert torch.equal(keyed.alpha, alone.alpha) and torch.equal(keyed.foreground, alone.foreground)
