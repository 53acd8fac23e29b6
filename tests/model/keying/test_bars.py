"""Black bars around the picture are no part of it: the picture is keyed as it would be without them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from model.difference import DifferenceKeyer
from model.keyer import KeyedFrame, Mattes
from model.keying.bars import NO_BARS, find_bars, inside
from model.settings import KeySettings

GREEN, GREY = (0.1, 0.6, 0.15), (0.3, 0.3, 0.3)
LETTERBOX, PILLARBOX, WINDOWBOX = (0, 0, 40, 40), (50, 50, 0, 0), (50, 50, 40, 40)  # left, right, top, bottom


def picture() -> Tensor:
    """A grey disc with a soft edge before a green screen that brightens to the right."""
    rows, columns = torch.arange(180)[:, None] - 90, torch.arange(320)[None, :] - 160
    alpha = ((50.0 - (rows.square() + columns.square()).sqrt()) / 6.0 + 0.5).clamp(0.0, 1.0)
    screen = torch.tensor(GREEN)[:, None, None] * torch.linspace(0.8, 1.2, 320)
    return torch.lerp(screen, torch.tensor(GREY)[:, None, None].expand_as(screen), alpha)


def keyed(plate: Tensor, mattes: Mattes | None = None) -> KeyedFrame:
    keyer, settings = DifferenceKeyer(torch.device("cpu")), KeySettings()
    return keyer.key(plate, keyer.survey([plate], settings), mattes or Mattes(), settings)


@pytest.mark.parametrize("widths", [LETTERBOX, PILLARBOX, WINDOWBOX])
def test_a_picture_in_bars_is_keyed_bit_for_bit_as_without_them_and_the_bars_to_nothing(
    widths: tuple[int, int, int, int],
) -> None:
    alone, boxed = keyed(picture()), keyed(functional.pad(picture(), widths))
    assert torch.equal(boxed.alpha, functional.pad(alone.alpha, widths))
    assert torch.equal(boxed.foreground, functional.pad(alone.foreground, widths))
    assert boxed.alpha.shape[-2:] == (180 + widths[2] + widths[3], 320 + widths[0] + widths[1])


def test_mattes_are_cut_like_the_plate() -> None:
    given = torch.zeros(1, 180, 320)
    given[:, :, :30] = 1.0
    mattes = Mattes(hint=given, garbage=given.flip(-1), core=given.flip(-2))
    boxed = keyed(
        functional.pad(picture(), LETTERBOX),
        Mattes(
            *(None if one is None else functional.pad(one, LETTERBOX) for one in (given, None, given.flip(-1), given))
        ),
    )
    alone = keyed(picture(), mattes)
    assert torch.equal(boxed.alpha, functional.pad(alone.alpha, LETTERBOX))
    assert torch.equal(boxed.foreground, functional.pad(alone.foreground, LETTERBOX))


def test_a_core_matte_holds_what_was_wrongly_taken_for_bars_and_nothing_else_does() -> None:
    plate = functional.pad(picture(), LETTERBOX, value=0.002)
    core = torch.zeros(1, 260, 320)
    core[:, 220:, 100:200], core[:, 220:, 200:210] = 1.0, 0.5
    boxed = keyed(plate, Mattes(core=core, hint=torch.ones_like(core)))
    assert torch.equal(boxed.alpha[:, 220:], core[:, 220:])
    assert torch.equal(boxed.foreground[:, 220:, 100:210], plate[:, 220:, 100:210])
    assert not boxed.foreground[:, 220:, :100].any() and not boxed.alpha[:, :40].any()


def test_what_a_codec_and_a_scaler_leave_in_bars_is_bar() -> None:
    plate = functional.pad(picture(), LETTERBOX)
    plate[:, 36:40] = 0.02 * torch.rand(3, 4, 320, generator=torch.Generator().manual_seed(1))
    plate[:, 220:222] = 0.1 * plate[:, 219:220]
    top, bottom, left, right = find_bars([plate])
    assert (round(top * 260), round(bottom * 260), left, right) == (40, 40, 0.0, 0.0)


@pytest.mark.parametrize(
    "widths", [(0, 0, 0, 40), (40, 0, 0, 0), (0, 0, 20, 60)], ids=["black floor", "curtain", "unlike"]
)
def test_black_that_has_no_like_across_is_no_bar(widths: tuple[int, int, int, int]) -> None:
    assert find_bars([functional.pad(picture(), widths)]) == NO_BARS


def test_a_bar_is_black_in_every_frame_of_the_shot() -> None:
    dark, lit = functional.pad(picture(), LETTERBOX), functional.pad(picture(), LETTERBOX, value=0.4)
    assert find_bars([dark, dark]) != NO_BARS
    assert find_bars([dark, lit]) == NO_BARS


def test_a_black_frame_has_no_bars() -> None:
    assert find_bars([torch.zeros(3, 90, 160)]) == NO_BARS


def test_a_reduced_frame_loses_what_is_bar_in_part() -> None:
    bars = find_bars([functional.pad(picture(), LETTERBOX)])
    small = functional.interpolate(functional.pad(picture(), LETTERBOX)[None], size=(44, 54), mode="area")[0]
    part = inside(small, bars)
    assert part.shape[-2:] == (30, 54)  # 6.8 rows of bar above and below
    assert float(part.amin(dim=(0, 2)).min()) > 0.05
