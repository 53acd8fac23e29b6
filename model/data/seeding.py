"""Draws every random choice of a shot from named, counter-based streams, so that one choice never shifts another."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

T = TypeVar("T")


class Draw:
    """A stream of random choices, fixed by a seed and a path of names.

    The streams are Philox counters (Salmon et al. 2011) keyed by a hash of seed and path: a shot does not depend on
    its batch, and switching off one part of it leaves the others as they were.
    """

    def __init__(self, seed: int, path: str = "") -> None:
        self.seed = seed
        self.path = path
        digest = hashlib.blake2b(f"{seed}/{path}".encode(), digest_size=24).digest()
        words = np.frombuffer(digest, dtype="<u8")
        self._device_seed = int(words[2]) >> 1
        self._generator = np.random.Generator(np.random.Philox(key=words[:2]))

    def child(self, name: str) -> Draw:
        """Return the stream called ``name`` below this one; equal names give equal streams."""
        return Draw(self.seed, f"{self.path}/{name}")

    def uniform(self, low: float, high: float) -> float:
        """Return a number, evenly spread over [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def log_uniform(self, low: float, high: float) -> float:
        """Return a number whose logarithm is evenly spread; both bounds positive."""
        return math.exp(self.uniform(math.log(low), math.log(high)))

    def normal(self, scale: float = 1.0) -> float:
        """Return a Gaussian number of the given deviation."""
        return scale * float(self._generator.standard_normal())

    def sign(self) -> float:
        """Return −1 or 1."""
        return 1.0 if self.chance(0.5) else -1.0

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return bool(self._generator.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return int(self._generator.integers(low, high + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices, all equally likely."""
        return choices[self.integer(0, len(choices) - 1)]

    def weighted(self, weights: Mapping[str, float]) -> str:
        """Return a key, as likely as its weight; weights of 0 are never chosen."""
        names = [name for name, weight in weights.items() if weight > 0]
        edges = np.cumsum([weights[name] for name in names])
        return names[int(np.searchsorted(edges, self.uniform(0.0, float(edges[-1])), side="right"))]

    def uniforms(self, low: float, high: float, *shape: int) -> NDArray[np.float32]:
        """Return evenly spread numbers of the given shape."""
        return (low + (high - low) * self._generator.random(shape, dtype=np.float32)).astype(np.float32)

    def normals(self, scale: float, *shape: int) -> NDArray[np.float32]:
        """Return Gaussian numbers of the given shape."""
        return np.float32(scale) * self._generator.standard_normal(shape, dtype=np.float32)

    def noise(self, shape: Sequence[int], device: torch.device) -> Tensor:
        """Return Gaussian noise made on ``device``: the same bits for the same stream on the same kind of device.

        Every call returns the same numbers; take a ``child`` for another field.
        """
        generator = torch.Generator(device=device)
        generator.manual_seed(self._device_seed)
        return torch.randn(tuple(shape), generator=generator, device=device)
