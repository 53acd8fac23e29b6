"""Measures what a device and the short number formats change: seconds and memory of a frame, error of its alpha."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.scenes import generate
from model.evaluation.recipe import frozen_recipe
from model.keyer import Keyer, Mattes, load_keyer
from model.settings import KeySettings, Screen

FORMATS = ("float32", "bfloat16", "float16")
_SEED = 4_100_000_001  # never trained on
_QUARTER = (540, 960)
_GRAIN = 0.003
_MIB = 1024**2


@dataclass(frozen=True)
class FormatResult:
    """One keyer on one device, with its convolutions in one number format; errors are of alpha."""

    keyer: str
    device: str
    precision: str
    width: int  # pixels
    height: int
    seconds: float  # median of the frames, keying alone: plate on the device, key on the device
    peak_mib: float | None  # most memory of the card in use, frames included; None without a card
    reserved_mib: float | None  # … and what torch kept for itself at that moment
    mean_error: float  # against float32 on the same device
    most_error: float
    device_error: float | None  # largest difference of float32 to the CPU's answer, on a quarter of 4K; None: not asked


def compare_formats(
    keyer: str, device: str, sizes: Sequence[tuple[int, int]], *, formats: Sequence[str] = FORMATS, frames: int = 3
) -> list[FormatResult]:
    """Key one procedural frame, enlarged to each of ``sizes`` (width, height) and grained anew, in every format.

    Raises KeyingError for a keyer or device that cannot be had.
    """
    place = torch.device(device)
    tested, settings = load_keyer(keyer, place), KeySettings(keyer=keyer)
    small = generate([_SEED], height=_QUARTER[0], width=_QUARTER[1], config=frozen_recipe().config).plate[0]
    screen = tested.survey([small], settings)
    apart = None
    if place.type != "cpu":
        here = load_keyer(keyer, "cpu").key(small, screen, Mattes(), settings).alpha
        apart = float((here - tested.key(small, screen, Mattes(), settings).alpha.cpu()).abs().max())
    found = []
    for width, height in sizes:
        plate = _enlarged(small, height, width).to(place)
        exact = tested.key(plate, screen, Mattes(), settings).alpha
        for precision in formats:
            chosen = settings.model_copy(update={"precision": precision})
            seconds, alpha, memory = _timed(tested, plate, screen, chosen, frames)
            error = (alpha - exact).abs()
            mean, most = float(error.mean()), float(error.max())
            found.append(
                FormatResult(keyer, device, precision, width, height, seconds, *memory, mean, most, device_error=apart)
            )
    return found


def _timed(
    keyer: Keyer, plate: Tensor, screen: Screen, settings: KeySettings, frames: int
) -> tuple[float, Tensor, tuple[float | None, float | None]]:
    """Key ``plate`` several times; return the median of the seconds, alpha, and memory in use and reserved in MiB."""
    cuda = plate.device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(plate.device)
    seconds = []
    for _ in range(frames):
        begin = _now(plate.device)
        alpha = keyer.key(plate, screen, Mattes(), settings).alpha
        seconds.append(_now(plate.device) - begin)
    if not cuda:
        return median(seconds), alpha, (None, None)
    peaks = (torch.cuda.max_memory_allocated(plate.device), torch.cuda.max_memory_reserved(plate.device))
    return median(seconds), alpha, (peaks[0] / _MIB, peaks[1] / _MIB)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _enlarged(small: Tensor, height: int, width: int) -> Tensor:
    """Return the frame at a larger size, with grain as fine as that size's pixels."""
    large = functional.interpolate(small[None], size=(height, width), mode="bicubic")[0].clamp_min(0.0)
    grain = torch.randn(large.shape, generator=torch.Generator().manual_seed(_SEED))
    return large + _GRAIN * grain
