"""Evidence of where the subject stands, from a network that was trained on photographs.

It sees what a person sees and color alone does not tell: a white shirt before a washed wall, a stand beside an actor.
It is often wrong about what it was never shown: twigs, veils, smoke, a black coat at the border, half a hand. So it is
evidence for a segmenter that has learned when to believe it, and keeps the screen from being sampled on the subject;
it decides nothing by itself.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.checkpoint import load_checkpoint
from model.color import srgb_from_linear
from model.network.saliency import Saliency

WEIGHTS = Path(__file__).parent / "weights" / "saliency.safetensors"
_SIDE = 320  # pixels of the square that pictures are squeezed into, as in the network's own training
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, display-encoded
_WHITE = 0.999  # quantile of light that is shown as white


class Evidence:
    """Finds where a subject probably stands in plates."""

    def __init__(self, device: torch.device) -> None:
        checkpoint = load_checkpoint(WEIGHTS, Saliency.name, device)
        # Channels last: its many convolutions of few channels are then faster on a CPU.
        self._network: nn.Module = checkpoint.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch leaves it out
        self.weights_id = checkpoint.weights_id

    def __call__(self, plate: Tensor) -> Tensor:
        """Return evidence (1, 320, 320), 0–1, over the whole of a finite, scene-linear plate (3, H, W)."""
        light = functional.interpolate(
            plate[None].clamp_min(0.0), (_SIDE, _SIDE), mode="bilinear", antialias=True, align_corners=False
        )
        white = light.amax(dim=1).flatten().quantile(_WHITE).clamp_min(1e-6)
        shown = srgb_from_linear(light / white)
        mean, deviation = (plate.new_tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
        pictures = ((shown - mean) / deviation).contiguous(memory_format=torch.channels_last)
        answer: Tensor = self._network(pictures)[0]
        return answer.nan_to_num(nan=0.0)
