"""The benchmark measures what it says: its own process, every frame, and figures that follow from each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from model.settings import KeySettings
from service.bench import (
    PUBLISHED,
    SIZES,
    Measurement,
    bench,
    bench_memory,
    measure,
    published_table,
    table,
    write_shot,
)
from service.compressions import keyed_frames
from service.compressions import measure as measure_compressions
from service.exr import COMPRESSIONS, LOSSY
from service.manifest import ManifestState, read_manifest

RUN = Measurement(
    width=1920,
    height=1080,
    frames=100,
    keyer="neural",
    precision="float32",
    device="cpu",
    threads=2,
    writers=2,
    read_seconds=0.1,
    key_seconds=0.5,
    write_seconds=0.8,
    wall_seconds=55.0,
    cpu_seconds=100.0,
    peak_mib=900.0,
    gpu_peak_mib=None,
    memory_mib=tuple(400.0 + 2.0 * step for step in range(20)),
)


def test_the_slowest_stage_counts_shared_work_once() -> None:
    assert RUN.slowest_seconds == pytest.approx(50.0)
    assert RUN.overhead == pytest.approx(0.10)
    assert RUN.frames_per_second == pytest.approx(100 / 55)


def test_growth_is_given_per_hundred_frames() -> None:
    assert RUN.memory_slope == pytest.approx(20.0)
    assert RUN.model_copy(update={"memory_mib": RUN.memory_mib[:19]}).memory_slope is None


def test_a_measured_shot_is_really_keyed(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plate", 96, 54, 6)
    found = measure(shot, tmp_path / "out", "cpu", 0)
    manifest = read_manifest(tmp_path / "out" / "manifest.json")
    assert manifest.state is ManifestState.DONE
    assert (
        (found.width, found.height, found.frames)
        == (96, 54, 6)
        == (
            manifest.plate.width,
            manifest.plate.height,
            len(manifest.frames),
        )
    )
    assert min(found.read_seconds, found.key_seconds, found.write_seconds) > 0.0
    assert found.wall_seconds >= 6 * found.key_seconds
    assert found.peak_mib > 50.0


def test_each_size_is_measured_in_its_own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "tiny", (96, 54))
    (found,) = bench(["tiny"], frames=2, device="cpu", threads=1, folder=tmp_path)
    assert (found.width, found.frames, found.threads) == (96, 2, 1)
    assert list(tmp_path.iterdir()) == []


def test_the_table_shows_every_measurement() -> None:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table([RUN]))
    assert "1920×1080" in captured.get()
    assert "+10.0%" in captured.get()
    assert "0.800 /2" in captured.get()
    assert "neural" in captured.get()
    assert "bfloat16" not in captured.get()


def test_peers_are_shown_with_the_source_of_their_figures() -> None:
    assert all(len(row) == 5 and row[-1] for row in PUBLISHED)
    console = Console(width=200)
    with console.capture() as captured:
        console.print(published_table())
    assert "not measured by this command" in captured.get()
    assert all(row[-1] in captured.get() for row in PUBLISHED)


def test_the_keyer_and_its_precision_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "tiny", (96, 54))
    chosen = KeySettings(keyer="difference", precision="bfloat16")
    (found,) = bench(["tiny"], frames=2, device="cpu", threads=1, folder=tmp_path, settings=chosen)
    assert (found.keyer, found.precision) == ("difference", "bfloat16")


def test_every_compression_is_measured_and_all_but_none_save_room(tmp_path: Path) -> None:
    costs = {cost.compression: cost for cost in measure_compressions(keyed_frames(1, 160, 90), tmp_path, repeats=1)}
    assert set(costs) == set(COMPRESSIONS) - LOSSY
    assert all(cost.mib < costs["none"].mib for name, cost in costs.items() if name != "none")
    assert all(cost.write_seconds > 0 and cost.read_seconds > 0 for cost in costs.values())


def test_threads_that_wait_hardly_spin_unless_somebody_wants_it() -> None:
    chosen = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    ask = f"import os, sys, service; assert 'torch' not in sys.modules; print(*(os.environ[n] for n in {chosen}))"
    clean = {name: value for name, value in os.environ.items() if name not in chosen}

    def answer(environment: dict[str, str]) -> str:
        command = [sys.executable, "-c", ask]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    assert answer(clean) == "PASSIVE 1000"
    assert answer(clean | {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "9"}) == "ACTIVE 9"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_long_shot_takes_no_more_memory_than_a_short_one() -> None:
    found = bench_memory(frames=500, device="cpu")
    early, late = found.memory_mib[5:15], found.memory_mib[-10:]
    assert max(late) < max(early) + 20.0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_shot_takes_little_longer_than_its_slowest_stage() -> None:
    (found,) = bench(["1080p"], frames=100, device="cpu")
    assert found.overhead <= 0.10
