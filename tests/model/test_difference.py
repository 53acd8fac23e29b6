"""The difference keyer on small plates whose true answer is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.errors import KeyingError, NoScreenError, UnknownKeyerError
from model.keyer import KeyedFrame, Mattes, load_keyer
from model.keying.compositing import over, premultiply
from model.settings import KeySettings

GREEN, BLUE = (0.05, 0.4, 0.08), (0.05, 0.09, 0.6)
YELLOW, MAGENTA, RED = (0.5, 0.42, 0.03), (0.5, 0.04, 0.45), (0.5, 0.04, 0.03)


def flat(color: tuple[float, float, float], height: int = 96, width: int = 128) -> Tensor:
    return torch.tensor(color)[:, None, None].expand(3, height, width).clone()


def disc(height: int = 96, width: int = 128, radius: float = 26.0, softness: float = 3.0) -> Tensor:
    rows, columns = torch.arange(height)[:, None] + 0.5, torch.arange(width)[None, :] + 0.5
    distance = ((rows - height * 0.55).square() + (columns - width / 2).square()).sqrt()
    return ((radius - distance) / softness + 0.5).clamp(0, 1)[None]


def shot(
    screen: tuple[float, float, float] = GREEN, subject: tuple[float, float, float] = (0.5, 0.35, 0.3)
) -> tuple[Tensor, Tensor, Tensor]:
    """Return plate, alpha and foreground of a disc before an unevenly lit screen, with a little seeded grain."""
    alpha, foreground = disc(), flat(subject)
    light = torch.linspace(0.7, 1.3, 128)[None, None, :]
    grain = torch.randn(3, 96, 128, generator=torch.Generator().manual_seed(7)) * 0.002
    return over(foreground, alpha, flat(screen) * light) + grain, alpha, foreground


def key(plate: Tensor, mattes: Mattes | None = None, **choices: object) -> KeyedFrame:
    settings = KeySettings.model_validate(choices)
    keyer = load_keyer("difference")
    return keyer.key(plate, keyer.survey([plate], settings), mattes or Mattes(), settings)


@pytest.mark.parametrize(
    "screen", [GREEN, BLUE, YELLOW, MAGENTA, RED], ids=["green", "blue", "yellow", "magenta", "red"]
)
def test_any_saturated_screen_is_found_and_keyed(screen: tuple[float, float, float]) -> None:
    plate, alpha, _ = shot(screen, subject=(0.4, 0.38, 0.42))
    keyed = key(plate)
    assert (keyed.alpha - alpha).abs().mean() < 0.006
    assert keyed.alpha[:, :8].max() < 0.02
    assert keyed.alpha[0, 45:60, 55:75].min() == 1.0


def test_uneven_light_on_the_screen_is_not_seen_in_alpha() -> None:
    rows, columns = torch.arange(96)[:, None] / 96, torch.arange(128)[None, :] / 128
    hot_spot = 0.5 + 1.5 * torch.exp(-((rows - 0.3).square() + (columns - 0.8).square()) / 0.05)
    keyed = key(flat(GREEN) * hot_spot * (1 - disc()) + flat((0.5, 0.35, 0.3)) * disc())
    assert keyed.alpha[:, :12].max() == 0.0


def test_edge_of_a_warm_subject_is_not_widened() -> None:
    plate, alpha, _ = shot(subject=(0.7, 0.3, 0.15))
    edge = (alpha > 0.02) & (alpha < 0.98)
    refined, plain = key(plate), key(plate, refine_edges=False)
    error, plain_error = ((k.alpha - alpha).abs()[edge].mean() for k in (refined, plain))
    assert error < 0.04
    assert error < 0.6 * plain_error


def test_foreground_of_half_transparent_pixels_holds_no_green() -> None:
    plate, alpha, foreground = shot()
    keyed = key(plate)
    half = (alpha > 0.3) & (alpha < 0.9)
    assert (keyed.foreground - foreground).abs()[half.expand(3, -1, -1)].mean() < 0.03


def test_opaque_pixels_without_spill_are_the_plate_bit_for_bit() -> None:
    plate, alpha, _ = shot()
    plate[:, 40:60, 55:75] = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(1)) * 50.0
    plate[1, 40:60, 55:75] = plate[0, 40:60, 55:75] * 0.5
    plate[2, 45, 60] = -0.25
    keyed = key(plate)
    inside = torch.zeros_like(alpha, dtype=torch.bool)
    inside[:, 42:58, 57:73] = True
    assert (keyed.alpha[inside] == 1.0).all()
    assert torch.equal(keyed.foreground[inside.expand(3, -1, -1)], plate[inside.expand(3, -1, -1)])


def test_core_matte_keeps_plate_pixels_even_where_they_look_like_screen() -> None:
    plate, _, _ = shot()
    plate[:, 45:60, 55:75] = flat(GREEN, 15, 20) * 120.0
    core = torch.zeros(1, 96, 128)
    core[:, 45:60, 55:75] = 1.0
    keyed = key(plate, Mattes(core=core))
    assert torch.equal(keyed.foreground[:, 45:60, 55:75], plate[:, 45:60, 55:75])
    assert (keyed.alpha[:, 45:60, 55:75] == 1.0).all()


def test_garbage_matte_empties_what_it_covers() -> None:
    plate, _, _ = shot()
    garbage = torch.zeros(1, 96, 128)
    garbage[:, :, 64:] = 1.0
    keyed = key(plate, Mattes(garbage=garbage))
    assert keyed.alpha[:, :, 64:].max() == 0.0
    assert keyed.foreground[:, :, 64:].abs().max() == 0.0
    assert keyed.alpha[0, 50, 55] == 1.0


def test_coarse_hint_fills_a_green_shirt_and_empties_a_stand() -> None:
    plate, alpha, _ = shot()
    plate[:, 45:60, 55:75] = flat((0.06, 0.35, 0.1), 15, 20)
    plate[:, 60:, 8:14] = 0.3
    keyed, hinted = key(plate), key(plate, Mattes(hint=(alpha > 0.5).float()))
    assert keyed.alpha[0, 50, 65] < 0.5 and keyed.alpha[0, 80, 11] > 0.5
    assert hinted.alpha[0, 50, 65] == 1.0 and hinted.alpha[0, 80, 11] == 0.0


def test_given_clean_plate_replaces_the_estimated_one() -> None:
    _, alpha, foreground = shot()
    stripes = flat(GREEN) * (1.0 + 0.4 * (torch.arange(128) % 8 < 4).float())
    striped = over(foreground, alpha, stripes)
    estimated, given = key(striped), key(striped, Mattes(clean_plate=stripes))
    assert (given.alpha - alpha).abs().mean() < 0.5 * (estimated.alpha - alpha).abs().mean()


def test_nan_and_infinity_are_filled_from_neighbours_and_counted() -> None:
    plate, _, _ = shot()
    plate[0, 50, 64] = float("nan")
    plate[2, 10, 10] = float("inf")
    plate[:, 20, 20] = float("-inf")
    keyed = key(plate)
    assert keyed.notes.nan_repaired == 3
    assert "3 pixels" in keyed.notes.warnings[0]
    assert torch.isfinite(keyed.foreground).all() and torch.isfinite(keyed.alpha).all()
    assert (keyed.foreground[:, 50, 64] - torch.tensor([0.5, 0.35, 0.3])).abs().max() < 0.05
    assert keyed.alpha[0, 10, 10] == 0.0


def spilled_bar() -> tuple[Tensor, Tensor]:
    """Return a plate whose thin opaque bar of skin (columns 62–66) reflects the screen, and the skin itself."""
    skin = flat((0.5, 0.35, 0.3))
    plate = flat(GREEN)
    plate[:, :, 62:66] = (skin + 0.3 * flat(GREEN))[:, :, 62:66]
    return plate, skin


def test_despill_takes_the_screens_light_and_leaves_the_rest() -> None:
    plate, skin = spilled_bar()
    taken, raw = key(plate), key(plate, despill=0.0)
    bar = (slice(None), slice(10, 86), slice(63, 65))
    assert torch.equal(raw.foreground[bar], plate[bar])
    error, raw_error = ((k.foreground - skin)[bar].abs().mean() for k in (taken, raw))
    assert error < 0.7 * raw_error
    left, raw_left = (f[1] - (f[0] + f[2]) / 2 for f in (taken.foreground[bar], raw.foreground[bar]))
    assert left.max() < 0.35 * raw_left.max()


def test_restored_luminance_gives_back_as_grey_what_despill_took() -> None:
    plate, _ = spilled_bar()
    taken, restored = key(plate), key(plate, restore_luminance=1.0)
    weights = torch.tensor([0.2126, 0.7152, 0.0722])
    before, without, with_grey = (float(weights @ x[:, 50, 64]) for x in (plate, taken.foreground, restored.foreground))
    assert without < 0.95 * before
    assert with_grey == pytest.approx(before, rel=1e-4)
    added = (restored.foreground - taken.foreground)[:, 50, 64]
    assert added.min() == pytest.approx(float(added.max()), rel=1e-4)


def test_straight_and_premultiplied_composite_to_the_same_picture() -> None:
    keyed = key(shot()[0] * 40.0)
    background = torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(2))
    straight = over(keyed.foreground, keyed.alpha, background)
    associated = premultiply(keyed.foreground, keyed.alpha) + (1.0 - keyed.alpha) * background
    assert (straight - associated).abs().max() < 1e-5 * 40.0


def test_alpha_floor_and_ceiling_move_the_ends() -> None:
    plate, _, _ = shot()
    crushed = key(plate, alpha_floor=0.3, alpha_ceiling=0.7)
    plain = key(plate)
    assert (crushed.alpha == 0).sum() > (plain.alpha == 0).sum()
    assert (crushed.alpha == 1).sum() > (plain.alpha == 1).sum()


def test_keying_is_pure_whatever_was_keyed_before() -> None:
    keyer, settings = load_keyer("difference"), KeySettings()
    plate, other = shot()[0], shot(subject=(0.1, 0.1, 0.4))[0]
    screen = keyer.survey([plate], settings)
    first = keyer.key(plate, screen, Mattes(), settings)
    keyer.key(other, screen, Mattes(), settings)
    again = keyer.key(plate, screen, Mattes(), settings)
    assert torch.equal(first.alpha, again.alpha) and torch.equal(first.foreground, again.foreground)


def test_the_plate_given_is_not_changed() -> None:
    plate = shot()[0]
    before = plate.clone()
    key(plate)
    assert torch.equal(plate, before)


@pytest.mark.parametrize("color", [(0.2, 0.2, 0.2), (0.0, 0.0, 0.0), (0.9, 0.85, 0.8)], ids=["grey", "black", "white"])
def test_plate_without_a_screen_is_refused_with_a_fix(color: tuple[float, float, float]) -> None:
    with pytest.raises(NoScreenError, match="No screen") as refused:
        key(flat(color))
    assert refused.value.fix


def test_green_coat_in_the_middle_of_the_frame_is_no_screen() -> None:
    texture = torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(3)) * 0.3 + 0.1
    with pytest.raises(NoScreenError, match="border"):
        key(over(flat(GREEN), disc(), texture.mean(dim=0, keepdim=True).expand(3, -1, -1)))


def test_named_screen_color_is_taken_at_its_word_unless_it_is_grey() -> None:
    plate, alpha, _ = shot()
    assert (key(plate, screen_color=GREEN).alpha - alpha).abs().mean() < 0.006
    with pytest.raises(KeyingError, match="grey"):
        key(plate, screen_color=(0.3, 0.3, 0.31))


def test_frame_without_any_screen_in_it_stays_whole() -> None:
    plate, _, _ = shot()
    keyer, settings = load_keyer("difference"), KeySettings()
    screen = keyer.survey([plate], settings)
    close_up = flat((0.5, 0.35, 0.3))
    keyed = keyer.key(close_up, screen, Mattes(), settings)
    assert keyed.alpha.min() == 1.0 and torch.equal(keyed.foreground, close_up)
    assert "No plain screen" in keyed.notes.warnings[0]


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (33, 57), (541, 8)])
def test_every_size_of_plate_is_keyed(size: tuple[int, int]) -> None:
    keyed = key(flat(GREEN, *size))
    assert keyed.alpha.shape == (1, *size) and keyed.foreground.shape == (3, *size)
    assert keyed.alpha.max() == 0.0


def test_unknown_keyer_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownKeyerError) as refused:
        load_keyer("keylight")
    assert "difference" in refused.value.fix


@pytest.mark.gpu
def test_cuda_gives_the_alpha_of_the_cpu_within_a_thousandth() -> None:
    plate = shot()[0]
    settings, results = KeySettings(), []
    for device in ("cpu", "cuda"):
        keyer = load_keyer("difference", device)
        results.append(keyer.key(plate, keyer.survey([plate], settings), Mattes(), settings).alpha.cpu())
    assert (results[0] - results[1]).abs().max() < 1e-3
