"""Fits weights of a network that saw fewer channels to one that sees more."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def with_inputs_of(earlier: Mapping[str, Tensor], later: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Return ``earlier`` in the shapes of ``later``: what the later network sees besides has no weight.

    Both then answer the same. None where the two have other layers, or layers with other numbers of answers.
    """
    if earlier.keys() != later.keys() or not all(_fits(earlier[name].shape, later[name].shape) for name in later):
        return None
    return {name: _wide(earlier[name], later[name]) for name in later}


def guide_of(neural: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the guide among the weights of a `neural` network, as a `segmenter` that answers its coarse alpha."""
    guide = {name: weights for name, weights in neural.items() if name.startswith("guide.")}
    return guide | {name: guide[name][-1:] for name in ("guide.last.answer.weight", "guide.last.answer.bias")}


def _fits(a: torch.Size, b: torch.Size) -> bool:
    return a == b or (len(a) == len(b) > 1 and a[0] == b[0] and a[1] < b[1] and a[2:] == b[2:])


def _wide(earlier: Tensor, like: Tensor) -> Tensor:
    if earlier.shape == like.shape:
        return earlier
    wide = torch.zeros_like(like)
    wide[:, : earlier.shape[1]] = earlier
    return wide
