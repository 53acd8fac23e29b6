"""The `neural` network: a guide that sees the whole frame small, and a fine part that answers every pixel.

The guide decides what is subject and what is set, marker or screen; it always sees about 64 lines, so a subject
looks alike to it at any resolution. The fine part sees full resolution and the guide's maps, and chooses for every
pixel among several alphas: 0, 1, the color difference, the one solved in the edges, the projection on the color line
of the foreground that it predicts, and one of its own. Nothing in it averages over the picture; the fine part sees
`Neural.context` pixels far, so that tiles answer what the whole would.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.network.interface import Network, Option

FEATURES = 18
"""Channels that both parts are given; `model.keying.priors` makes them, in this order."""

PLAIN_FEATURES = 16
"""Those that a network sees which is not told how the plate was recorded: all but the last two."""

GUIDE_FEATURES = FEATURES + 1
"""Channels of a reduced frame: the same, and evidence of a subject, −1 to 1, or 0 where there is none."""

SEEN_FEATURE = 11
"""The one that tells where plain screen is."""

CHOICES = 6
"""Alphas that a pixel's answer is mixed from: 0, 1, the color difference, solved, projected, the network's own."""

SOLVED_CHOICE = 3

DETAIL, TAIL = 8, 16
"""Channels that the tail takes from half resolution, and those of its one hidden layer."""

ANSWERS = CHOICES + 1 + 3 + 1
"""Channels of the fine part's answer: weights of the choices, own alpha, change of foreground, emission."""


class Neural(Network):
    """Guide and fine part; ``width`` and ``guide_width`` are the channels of their first levels.

    With ``outlook`` the guide also sees where screen lies in each direction; with ``recording`` both parts are told how
    the plate was recorded, which decides what a solved alpha is worth.
    """

    name: ClassVar[str] = "neural"
    multiple: ClassVar[int] = 8
    context: ClassVar[int] = 104  # pixels; what an answer can depend on lies nearer
    guide_lines: ClassVar[int] = 64  # the guide sees the shorter side at about so many

    def __init__(
        self,
        width: int = 32,
        guide_width: int = 40,
        guide_maps: int = 32,
        outlook: bool = False,
        recording: bool = False,
    ) -> None:
        super().__init__()
        self.width, self.guide_width, self.guide_maps, self.outlook = width, guide_width, guide_maps, outlook
        self.recording = recording
        features = FEATURES if recording else PLAIN_FEATURES
        self.guide = Guide(guide_width, guide_maps, Outlook() if outlook else None, features)
        self.fine = Fine(width, guide_maps, features)

    @property
    def options(self) -> Mapping[str, Option]:
        """Its widths, and what it has of outlook and recording."""
        widths = {"width": self.width, "guide_width": self.guide_width, "guide_maps": self.guide_maps}
        return widths | {name: True for name in ("outlook", "recording") if getattr(self, name)}


class Guide(nn.Module):
    """A U-Net over the reduced frame (B, 19, h, w), down to an eighth; returns maps (B, maps + 1, h, w).

    Evidence, the last channel, is seen by a guide with ``evidence`` only. The last map is the guide's own coarse
    alpha, before a sigmoid.
    """

    def __init__(self, width: int, maps: int, outlook: Outlook | None, features: int, evidence: bool = False) -> None:
        super().__init__()
        self.outlook, self.features, self.evidence = outlook, features, evidence
        seen = features + (0 if outlook is None else outlook.channels) + int(evidence)
        widths = (width, 2 * width, 3 * width, 4 * width)
        self.first = nn.Sequential(nn.Conv2d(seen, width, 3, padding=1), Block(width))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), Block(b), Block(b))
            for a, b in itertools.pairwise(widths)
        )
        self.bottom = Block(widths[-1])
        self.up = nn.ModuleList(Up(b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.last = Head(width, maps + 1)

    def forward(self, small: Tensor) -> Tensor:
        """Return the maps."""
        plain, recording = small[:, :PLAIN_FEATURES], small[:, PLAIN_FEATURES : self.features]
        # What came later stands last, so that weights from before go on with it (`TrainingState.start_from`).
        looked = () if self.outlook is None else (self.outlook(small),)
        evidence = small[:, FEATURES:GUIDE_FEATURES] if self.evidence else small[:, :0]
        small = torch.cat((plain, *looked, recording, evidence), dim=1)
        # Channels last: convolutions of few channels are then twice as fast on a CPU.
        maps = [self.first(small.contiguous(memory_format=torch.channels_last))]
        for level in self.down:
            maps.append(level(maps[-1]))
        found = self.bottom(maps.pop())
        for level in self.up:
            found = level(found, maps.pop())
        answer: Tensor = self.last(found)
        return answer


class Outlook(nn.Module):
    """Looks from each pixel right, left, down and up: is there screen in that direction, and how much of the way is it?

    A subject has screen on several sides; a wall, a lamp or a ceiling beyond the screen has it on one at most. For
    convolutions that is a long way. Takes features (B, 19, h, w), returns (B, 8, h, w) in 0–1; knows no weights.
    """

    channels: ClassVar[int] = 8

    def forward(self, small: Tensor) -> Tensor:
        """Return for each direction the clearest screen, and its mean share."""
        # A lone pixel in the set that looks like screen is none.
        screen = functional.avg_pool2d(small[:, SEEN_FEATURE : SEEN_FEATURE + 1], 3, stride=1, padding=1)
        return torch.cat([*self._along(screen), *(one.mT for one in self._along(screen.mT))], dim=1)

    @staticmethod
    def _along(screen: Tensor) -> tuple[Tensor, ...]:
        """Look along the last axis, both ways."""
        length = screen.shape[-1]
        # A product with a triangle instead of a running sum, which has no deterministic form on CUDA.
        after = torch.ones(length, length, device=screen.device, dtype=screen.dtype).tril()
        after = after / after.sum(dim=0)
        clearest = screen.flip(-1).cummax(dim=-1).values.flip(-1), screen.cummax(dim=-1).values
        return *clearest, screen @ after, screen @ after.flip(0, 1)


class Fine(nn.Module):
    """A U-Net over half, quarter and eighth resolution with a thin tail at full resolution.

    Takes features (B, 18, H, W), H and W multiples of 8, and the guide's maps upon its eighths (B, maps, H/8, W/8);
    returns (B, ANSWERS, H, W).
    """

    def __init__(self, width: int, guide_maps: int, features: int) -> None:
        super().__init__()
        self.features = features
        half, quarter, eighth = width, 2 * width, 3 * width
        self.gather = nn.Conv2d(4 * features, half, 1)
        self.at_half = nn.Sequential(nn.Conv2d(half, half, 3, padding=1), Block(half))
        self.to_quarter = nn.Conv2d(half, quarter, 2, stride=2)
        self.at_quarter = nn.Sequential(Block(quarter), Block(quarter))
        self.to_eighth = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.guided = nn.Conv2d(guide_maps, eighth, 1)
        self.at_eighth = nn.Sequential(*(Block(eighth) for _ in range(4)))
        self.up_quarter = Up(eighth, quarter)
        self.up_half = Up(quarter, half)
        self.color = Head(half, 4)
        self.to_full = Head(half, 4 * DETAIL)
        last = nn.Conv2d(TAIL, CHOICES + 1, 3, padding=1)
        self.tail = nn.Sequential(nn.Conv2d(features + DETAIL, TAIL, 3, padding=1), Bend(), last)
        with torch.no_grad():
            # It begins with the solved alpha, which is good almost everywhere, and learns where it is not.
            last.weight.mul_(0.2)
            nn.init.zeros_(_bias(last))[SOLVED_CHOICE] = 1.5
            self.color.answer.weight.mul_(0.1)
            nn.init.zeros_(_bias(self.color.answer))[3] = -4.0

    def forward(self, features: Tensor, guidance: Tensor) -> Tensor:
        """Return the raw answers."""
        features = features[:, : self.features].contiguous(memory_format=torch.channels_last)
        half = self.at_half(self._gathered(features))
        quarter = self.at_quarter(self.to_quarter(half))
        eighth = self.at_eighth(self.to_eighth(quarter) + self.guided(guidance))
        half = self.up_half(self.up_quarter(eighth, quarter), half)
        detail = functional.pixel_shuffle(self.to_full(half), 2)
        color = functional.interpolate(self.color(half), scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat((self._tail(features, detail), color), dim=1)

    def _gathered(self, features: Tensor) -> Tensor:
        """Return the mixture of four pixels each: a step of two does what rearranging them first would, sooner."""
        weight = self.gather.weight.view(self.gather.out_channels, -1, 2, 2)
        return functional.conv2d(features, weight, self.gather.bias, stride=2)

    def _tail(self, features: Tensor, detail: Tensor) -> Tensor:
        """Answer features and detail as if they were one tensor, which at full resolution is slow to put together."""
        first, *others = self.tail
        assert isinstance(first, nn.Conv2d)
        plain, of_detail, recording = first.weight.tensor_split((PLAIN_FEATURES, PLAIN_FEATURES + DETAIL), dim=1)
        found = functional.conv2d(features, torch.cat((plain, recording), dim=1), first.bias, padding=1)
        found += functional.conv2d(detail, of_detail, padding=1)
        for layer in others:
            found = layer(found)
        return found


class Bend(nn.Module):
    """Keeps a tenth of what is negative: with plain rectifiers, half of the maps died within 4 000 steps."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape, in the same memory."""
        return functional.leaky_relu_(maps, 0.1)


class PixelNorm(nn.Module):
    """Brings the channels of each pixel by itself to mean 0 and deviation 1, then scales them.

    It looks at no other pixel, so tiles stay what the whole would be. Layer normalisation: Ba, Kiros, Hinton 2016.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        normal: Tensor = self.norm(maps.permute(0, 2, 3, 1))
        return normal.permute(0, 3, 1, 2)


class Block(nn.Module):
    """Normalises, bends and convolves twice, and adds that to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = PixelNorm(width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.bend = Bend()
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        change: Tensor = self.second(self.bend(self.first(self.bend(self.norm(maps)))))
        return change.add_(maps)


class Up(nn.Module):
    """Enlarges coarse maps to the finer ones beside them, adds the two, and adds what a look at the sum finds."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(coarse, fine, 1)
        self.norm = PixelNorm(fine)
        self.look = nn.Conv2d(fine, fine, 3, padding=1)
        self.bend = Bend()

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return maps of the finer ones' shape."""
        both = functional.interpolate(self.narrow(coarse), size=fine.shape[-2:], mode="nearest").add_(fine)
        answer: Tensor = self.look(self.bend(self.norm(both)))
        return answer.add_(both)


class Head(nn.Module):
    """Normalises, bends and mixes the channels of each pixel into answers."""

    def __init__(self, width: int, answers: int) -> None:
        super().__init__()
        self.norm = PixelNorm(width)
        self.answer = nn.Conv2d(width, answers, 1)
        self.bend = Bend()

    def forward(self, maps: Tensor) -> Tensor:
        """Return (B, answers, h, w)."""
        mixed = self.bend(self.norm(maps)).permute(0, 2, 3, 1)
        # The same as its convolution of one pixel, which takes twice as long on a CPU.
        return functional.linear(mixed, self.answer.weight[:, :, 0, 0], self.answer.bias).permute(0, 3, 1, 2)


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias
