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
        self, plate: Tensor, seen_plate: Tensor, seen: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings
    ) -> Solved:
        """Ask the network, which sees the plate alone."""
        del seen_plate, seen, mattes, settings
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

    The experiment knew green screens in one light only. Turning the hue and setting the exposure by the screen's color
    shows the networks every screen as such; both are linear, so what is mixed from subject and screen stays so.
    """
    rotation, _ = hue_rotation(screen_color)
    green = float(rotation[1] @ torch.tensor(screen_color))
    gain = min(max(_GREEN / max(green, 1e-4), 1.0 / _MOST_GAIN), _MOST_GAIN)
    return eight_bit_srgb(gain * rotate(rotation, plate))


def _settled(alpha: Tensor) -> Tensor:
    """Make alpha within one step of 0 or 1 exactly that: a sigmoid or a mean of classes never gets there by itself."""
    alpha = torch.where(alpha <= _SURE, torch.zeros_like(alpha), alpha)
    return torch.where(alpha >= 1.0 - _SURE, torch.ones_like(alpha), alpha)
