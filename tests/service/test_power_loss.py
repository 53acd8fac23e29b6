"""A loss of power at any moment leaves no half result, and nothing is said to be there that the disk may have lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.atomic import replace_file
from service.exr import checksum_of
from service.jobs import FrameState
from service.manifest import Manifest
from service.messages import FrameFinished, FromWorker, ShotFinished
from service.pipeline import kept
from service.queue.status_file import write_index, write_status
from service.versions import claim_version
from tests.service.jobs_in_store import make_job
from tests.service.pipeline_runs import manifest_of, run
from tests.service.power_loss import Disk, PowerLoss, contents_below
from tests.service.shots_on_disk import LinearKeyer, Listener, order_for, write_shot

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="WATCHED ON LINUX ONLY: loss of power stays unproven")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def power(out: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PowerLoss]:
    power = PowerLoss(out, monkeypatch)
    yield power
    power.close()


def check_whole(power: PowerLoss) -> None:
    """No file is half there, and the frames that a manifest calls done are."""
    real = contents_below(power.root)
    emptied = power.without_contents()
    assert {name for name in emptied if emptied[name] != real[name]} == set(), "renamed before its content was flushed"
    for disk in (emptied, power.without_names()):
        for name, content in disk.items():
            assert content, f"{name} is empty"
            if name.endswith("manifest.json"):
                check_manifest(disk, name.removesuffix("manifest.json"), Manifest.model_validate_json(content))


def check_manifest(disk: Disk, version: str, manifest: Manifest) -> None:
    for result in manifest.frames:
        for name, mark in result.checksums.items() if result.state is FrameState.DONE else ():
            file = f"{version}{name}/{manifest.shot}_{name}.{result.frame:04d}.exr"
            assert checksum_of(disk.get(file, b"")) == mark, f"{file} is said to be there"


def test_at_no_moment_of_a_shot_does_a_loss_of_power_leave_half_a_file_or_a_false_manifest(
    tmp_path: Path, out: Path, power: PowerLoss
) -> None:
    shot = write_shot(tmp_path / "in", range(1, 5))
    power.check = lambda: check_whole(power)
    told: list[int] = []

    class Hearer(Listener):
        def __call__(self, message: FromWorker) -> None:
            super().__call__(message)
            if isinstance(message, FrameFinished):
                told.append(message.result.frame)
                sure = power.without_names()
                for name, mark in message.result.checksums.items():
                    file = f"green/v001/{name}/green_{name}.{message.result.frame:04d}.exr"
                    assert checksum_of(sure.get(file, b"")) == mark, f"{file} is told, and may be lost"

    folder, _ = claim_version(out / "green")
    assert run(order_for(shot, folder), listener=Hearer()).outcome == "done"
    assert sorted(told) == [1, 2, 3, 4] and len(power.steps) > 3 * 9
    assert power.without_names() == contents_below(out), "what was finished stays"


@pytest.mark.parametrize("linking", [True, False])
def test_frames_taken_over_from_an_earlier_version_are_as_sure(
    tmp_path: Path, out: Path, power: PowerLoss, monkeypatch: pytest.MonkeyPatch, linking: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("this disk knows no hard links")

    if not linking:
        monkeypatch.setattr(os, "link", refuse)
    shot = write_shot(tmp_path / "in", range(1, 4))
    first, _ = claim_version(out / "green")
    run(order_for(shot, first))
    power.check = lambda: check_whole(power)
    second, _ = claim_version(out / "green")
    order, keyer = (
        order_for(shot, second, reuse=first, screen=manifest_of(order_for(shot, first)).screen),
        LinearKeyer(),
    )
    finished = run(order, keyer)
    assert isinstance(finished, ShotFinished) and finished.outcome == "done" and keyer.keyed == 0
    assert power.without_names() == contents_below(out)


def test_status_and_index_are_whole_and_there(out: Path, power: PowerLoss) -> None:
    power.check = lambda: check_whole(power)
    job = make_job(1, output=out / "s1" / "v001")
    for _ in range(2):
        write_status(job)
        write_index(out, [job])
        assert power.without_names() == contents_below(out)
    assert {name.rpartition("/")[2] for name in contents_below(out)} == {"status.json", "jobs.json"}


def test_a_file_is_flushed_then_renamed_then_its_folder_is_flushed(out: Path, power: PowerLoss) -> None:
    for within in ((), (out,)):
        power.steps.clear()
        replace_file(out / "record.json", b"{}", within=within)
        assert power.steps == ["flush", "rename", "flush folder"]


def test_a_disk_that_flushes_no_folders_takes_files_all_the_same(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(22, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    replace_file(out / "a.json", b"{}")
    assert [path.name for path in out.iterdir()] == ["a.json"]


def test_a_link_is_flushed_too(out: Path, power: PowerLoss) -> None:
    replace_file(out / "a.exr", b"whole")
    kept._link(out / "a.exr", out / "b.exr")
    assert power.without_names() == {"a.exr": b"whole", "b.exr": b"whole"}
