"""Finds the device that keying runs on."""

from __future__ import annotations

import gc
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from model.errors import KeyingError


def find_device(wish: str = "auto") -> tuple[str, str]:
    """Return a device and its name for ``wish``: `auto` (the best there is), `cuda`, `mps` or `cpu`.

    Raises KeyingError when the wish cannot be met; `auto` always can.
    """
    if wish in ("auto", "cuda") and torch.cuda.is_available():
        return "cuda:0", torch.cuda.get_device_name(0)
    if wish in ("auto", "mps") and torch.backends.mps.is_available():
        return "mps", "Apple GPU"
    if wish in ("auto", "cpu"):
        return "cpu", platform.processor() or platform.machine()
    raise KeyingError(
        f"This machine's torch ({torch.__version__}) cannot use '{wish}'.",
        fix="`dropkey doctor` says what is missing; `--device auto` takes what there is.",
    )


@contextmanager
def exact_float32() -> Iterator[None]:
    """Keep convolutions in float32: cuDNN rounds their inputs to the 11 bits of TF32 unless told otherwise.

    On an NVIDIA H200 alpha was off by 0.005 at most, as much as in float16, likely for it.
    """
    usual = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = usual


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether ``error`` means that the card or the machine has too little memory."""
    # On the CPU torch raises a plain RuntimeError from its DefaultCPUAllocator.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator" in str(error)


def free_memory() -> None:
    """Give back what torch keeps for itself; to be called where no traceback holds tensors any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
