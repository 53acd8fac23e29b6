"""A CUDA card gives what the CPU gives, through the real service and its worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from service.client import Client
from service.demo import run as demo
from service.exr import read_exr
from service.manifest import Manifest
from service.settings import Settings

FRAMES = 3
# The order of additions differs between devices, and a pixel at the edge of a decision may fall to either side.
MEAN_BOUND, PIXEL_BOUND, SHARE_WITHIN = 1e-5, 1e-3, 0.999


def keyed_on(device: str, folder: Path) -> tuple[str, dict[str, np.ndarray]]:
    """Key the demo's shot through a service of its own; return the device of the manifest and every channel."""
    demo.prepare(folder)
    with demo.running_service(folder, device) as service:
        demo.write_shot(folder / "drop" / demo.SHOT, FRAMES)
        path = Path(service.wait()["manifest"])
        check_card_memory(device, folder)
    manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    channels = {}
    for file in sorted(path.parent.rglob("*.exr")):
        planes, _ = read_exr(file)
        channels |= {f"{file.name} {name}": plane for name, plane in planes.items()}
    return manifest.keyer.device, channels


def check_card_memory(device: str, folder: Path) -> None:
    """Assert that the worker tells how much of its card it uses, and has none to tell of without one."""
    with Client.of_running(Settings(home=folder / "home")) as client:
        (worker, *_) = client.workers()
    used, total = worker.gpu_memory_used_bytes, worker.gpu_memory_total_bytes
    if device == "cpu":
        assert used is None and total is None
    else:
        assert used is not None and total is not None and 0 < used < total


def check_alike(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert len(one) == FRAMES * 2 * 4 and one.keys() == other.keys()
    for name, plane in one.items():
        difference = np.abs(plane - other[name])
        assert difference.mean() <= MEAN_BOUND, name
        assert (difference <= PIXEL_BOUND).mean() >= SHARE_WITHIN, name


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_a_cuda_card_gives_what_the_cpu_gives(tmp_path: Path) -> None:
    card, on_card = keyed_on("cuda", tmp_path / "cuda")
    assert card.startswith("cuda")
    _, on_cpu = keyed_on("cpu", tmp_path / "cpu")
    check_alike(on_card, on_cpu)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_runs_on_the_cpu_give_the_same_bits(tmp_path: Path) -> None:
    (_, one), (_, other) = (keyed_on("cpu", tmp_path / name) for name in ("one", "other"))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    check_alike(one, other)
