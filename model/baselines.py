"""The keyers `regression` and `classification`: a network of 2019 finds alpha, our unmixing finds the foreground."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from model.checkpoint import load_checkpoint
from model.color import eight_bit_srgb
from model.errors import UnknownKeyerError
from model.finishing import Solved, UnmixingKeyer
from model.keyer import Mattes
from model.keying.screen import hue_rotation, rotate
from model.network.interface import AlphaNetwork
from model.settings import Color, KeySettings, Screen
from model.tiling import in_tiles

BASELINES = ("regression", "classification")
WEIGHTS = Path(__file__).parent / "weights"

_GREEN, _MOST_GAIN = 0.4, 8.0  # linear level of the screen that the networks see
_PALENESS, _MOST_PURER = 0.25, 4.0  # its red and blue, relative to its green; colors are made this much purer at most
_SURE = 1.0 / 255.0 + 1e-6  # the networks see 256 steps: they cannot mean less than one


class BaselineKeyer(UnmixingKeyer):
    """Keys with a network that sees 8-bit sRGB; see `model.keyer.Keyer` for the contract."""

    def __init__(self, name: str, device: torch.device, weights: Path | None = None) -> None:
        if name not in BASELINES:
            raise UnknownKeyerError(f"There is no baseline '{name}'.", fix=f"There are: {', '.join(BASELINES)}.")
        checkpoint = load_checkpoint(weights or WEIGHTS / f"{name}.safetensors", name, device)
        self.name = name
        self.weights_id: str | None = checkpoint.weights_id
        self.device = device
        assert isinstance(checkpoint.network, AlphaNetwork)
        self.network = checkpoint.network

    def solve(
        self,
        plate: Tensor,
        seen_plate: Tensor,
        seen: Tensor,
        screen: Screen,
        mattes: Mattes,
        settings: KeySettings,
        evidence: Tensor | None,
    ) -> Solved:
        """Ask the network, which sees the plate alone."""
        del seen_plate, seen, mattes, settings, evidence
        return Solved(_settled(network_alpha(self.network, plate, screen.color)))


def network_alpha(network: AlphaNetwork, plate: Tensor, screen_color: Color) -> Tensor:
    """Return the alpha (1, H, W) that ``network`` finds in a scene-linear plate (3, H, W) of any size."""
    return in_tiles(
        as_green_screen(plate, screen_color),
        lambda tile: network.alpha(network(tile)),
        tiles=network.tiles,
        context=network.context,
        multiple=network.multiple,
    )


def as_green_screen(plate: Tensor, screen_color: Color) -> Tensor:
    """Return a scene-linear plate (3, H, W) as the 8-bit sRGB picture of a well-lit green screen, 0–1.

    The experiment knew one green screen in one light only. Turning the hue, and setting saturation and exposure by the
    screen's color, shows the networks every screen as that one: else a pale green would be a pale screen as well as
    smoke before a pure one. All three are linear and keep grey grey, so what is mixed from subject and screen stays so.
    """
    rotation, _ = hue_rotation(screen_color)
    red, green, blue = (rotation @ torch.tensor(screen_color)).tolist()
    grey = (red + green + blue) / 3.0
    # Of the color grey + purer · (color − grey), red and blue shall be _PALENESS times the green.
    purer = grey * (1.0 - _PALENESS) / max(_PALENESS * (green - grey) + grey - (red + blue) / 2.0, 1e-5)
    purer = min(max(purer, 1.0 / _MOST_PURER), _MOST_PURER)
    gain = min(max(_GREEN / max(grey + purer * (green - grey), 1e-4), 1.0 / _MOST_GAIN), _MOST_GAIN)
    turned = rotate(rotation, plate)
    return eight_bit_srgb(gain * torch.lerp(turned.mean(dim=0, keepdim=True), turned, purer))


def _settled(alpha: Tensor) -> Tensor:
    """Make alpha within one step of 0 or 1 exactly that: a sigmoid or a mean of classes never gets there by itself."""
    alpha = torch.where(alpha <= _SURE, torch.zeros_like(alpha), alpha)
    return torch.where(alpha >= 1.0 - _SURE, torch.ones_like(alpha), alpha)
