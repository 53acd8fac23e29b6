"""Bad shots through the running service: each gets a clear error on job and manifest, and nothing is lost."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest

from service.drop_folder.lease import LEASE_FILE
from service.manifest import Manifest, read_manifest
from tests.service.running import until
from tests.service.serving import PATIENCE, POLL_SECONDS, Service, serving
from tests.service.shots_on_disk import plate_pixels, write_plate

FINISHED = {"done", "failed", "needs_attention"}
pytestmark = pytest.mark.timeout(300)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def resize(path: Path) -> None:
    write_plate(path, plate_pixels(2, 20, 20))


def claim_to_be_huge(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for name in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        at = content.find(name) + len(name) + 4
        content[at : at + 16] = struct.pack("<4i", 0, 0, 99_999, 99_999)
    path.write_bytes(content)


def deepen(path: Path) -> None:
    rows = np.empty((4, 4), dtype=object)
    for place in np.ndindex(4, 4):
        rows[place] = np.array([0.5, 0.6], dtype=np.float32)
    header = {"type": OpenEXR.deepscanline, "compression": OpenEXR.ZIPS_COMPRESSION}
    OpenEXR.File(header, dict.fromkeys("RGBA", rows)).write(str(path))


BROKEN = {  # shot → what happens to its second frame, and what the reason must say
    "truncated": (cut, "cannot be decoded"),
    "zero_bytes": (empty, "empty"),
    "other_size": (resize, "20 × 20"),
    "huge_header": (claim_to_be_huge, "header claims a 114440 MB image"),
    "deep_pixels": (deepen, "deep"),
}


def drop(folder: Path, name: str, frames: range | tuple[int, ...] = (1, 2, 3), damage: Any = None) -> None:
    """Write a shot aside, damage its second frame, and move it into the drop folder whole."""
    aside = folder.parent / "aside" / name
    for frame in frames:
        write_plate(aside / f"{name}.{frame:04d}.exr", plate_pixels(frame))
    if damage:
        damage(aside / f"{name}.0002.exr")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(aside, folder / name)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LEASE_FILE)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, dict[str, Any]], Service, Path]]:
    """Drop every bad shot at once and wait until all their jobs have come to rest."""
    home = tmp_path_factory.mktemp("bad") / "home"
    folder = home / "drop"
    for name, (damage, _) in BROKEN.items():
        drop(folder, name, damage=damage)
    drop(folder, "gap", frames=(1, 2, 4))
    drop(folder, "not_finite", damage=lambda path: write_plate(path, with_holes(plate_pixels(2))))
    for frame in (1, 2):
        write_plate(folder / "no_screen" / f"no_screen.{frame:04d}.exr", np.full((32, 48, 3), 0.2, np.float32))
    (folder / "strange_codec.mp4").write_bytes(
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + np.random.default_rng(1).bytes(4000)
    )
    before = digests(folder)
    with serving(home, settle_grace_seconds="0.5") as service:
        expected = {*BROKEN, "gap", "not_finite", "no_screen", "strange_codec"}

        def at_rest() -> dict[str, dict[str, Any]] | None:
            jobs = {job["shot"]: job for job in service.jobs()}
            if set(jobs) != expected or any(job["state"] not in FINISHED for job in jobs.values()):
                return None
            return {name: service.job(job["id"]) for name, job in jobs.items()}

        jobs = until(at_rest, "every job is at rest", PATIENCE, POLL_SECONDS)
        assert digests(folder) == before, "the artist's plates are never changed"
        yield jobs, service, home


def with_holes(pixels: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    pixels[5, 7], pixels[16, 24, 0], pixels[20, 3] = np.nan, np.inf, -np.inf
    return pixels


def manifest_of(job: dict[str, Any]) -> Manifest:
    return read_manifest(Path(job["manifest"]))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_frame_is_a_listed_hole_and_the_rest_is_finished(ended: Any, name: str) -> None:
    jobs, service, _ = ended
    job, says = jobs[name], BROKEN[name][1]
    assert job["state"] == "needs_attention" and job["frames_done"] == 2 and job["frames_failed"] == 1
    by_frame = {frame["frame"]: frame for frame in service.frames(job["id"])}
    assert [by_frame[n]["state"] for n in (1, 2, 3)] == ["done", "failed", "done"]
    assert says in by_frame[2]["problem"]["message"]
    manifest = manifest_of(job)
    assert manifest.state == "incomplete"
    reasons = {result.frame: result.problem for result in manifest.frames if result.problem}
    assert list(reasons) == [2] and says in reasons[2].message
    written = sorted(path.name for path in Path(job["output"]).rglob("*.exr"))
    assert written == [f"{name}_{kind}.{n:04d}.exr" for kind in ("alpha", "foreground") for n in (1, 3)]


def test_a_gap_waits_for_a_person_and_accept_keys_the_rest(ended: Any) -> None:
    jobs, service, _ = ended
    job = jobs["gap"]
    assert job["state"] == "needs_attention" and "3" in job["problem"]["message"] and job["problem"]["fix"]
    assert service.post(f"/jobs/{job['id']}/accept").status_code == 202
    until(lambda: service.job(job["id"])["state"] == "done", "the rest is keyed", PATIENCE, POLL_SECONDS)
    assert len(list(Path(job["output"]).rglob("*_alpha.*.exr"))) == 3


def test_pixels_that_are_not_finite_are_repaired_and_reported(ended: Any) -> None:
    jobs, _, _ = ended
    manifest = manifest_of(jobs["not_finite"])
    assert manifest.state == "done"
    notes = {result.frame: result.notes for result in manifest.frames}
    assert notes[2] is not None and notes[2].nan_repaired == 3
    assert any("3 pixels" in warning for warning in manifest.warnings)


def test_a_plate_without_a_screen_fails_with_what_to_do(ended: Any) -> None:
    jobs, _, _ = ended
    job = jobs["no_screen"]
    assert job["state"] == "failed" and job["problem"]["kind"] == "no_screen" and job["problem"]["fix"]
    assert "No screen was found" in job["problem"]["message"]
    assert not list(Path(job["output"]).rglob("*.exr"))


def test_a_movie_that_no_decoder_knows_fails_by_name(ended: Any) -> None:
    jobs, _, _ = ended
    job = jobs["strange_codec"]
    assert job["state"] == "failed" and job["problem"]["kind"] == "plate_unreadable"
    assert "strange_codec.mp4" in job["problem"]["message"]


def test_a_shot_that_is_deleted_half_way_keeps_what_is_finished(ended: Any) -> None:
    _, service, home = ended
    drop(home / "drop", "vanishing", frames=range(1, 41))

    def the_job() -> dict[str, Any] | None:
        return next((service.job(job["id"]) for job in service.jobs() if job["shot"] == "vanishing"), None)

    until(lambda: list((home / "output").glob("vanishing/v001/alpha/*.exr")), "its first frame", PATIENCE)
    shutil.rmtree(home / "drop" / "vanishing")
    job = until(lambda: (j := the_job()) and j["state"] in FINISHED and j, "its end", PATIENCE, POLL_SECONDS)
    assert job["state"] == "needs_attention"
    assert 0 < job["frames_done"] < 40 and job["frames_done"] + job["frames_failed"] == 40
    reasons = {result.problem.kind for result in manifest_of(job).frames if result.problem}
    assert reasons == {"plate_missing"}
    assert len(list(Path(job["output"]).rglob("*_alpha.*.exr"))) == job["frames_done"]


def test_an_output_folder_that_cannot_be_written_is_named_before_keying(ended: Any, tmp_path: Path) -> None:
    _, service, home = ended
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    if sys.platform == "win32" or os.access(locked, os.W_OK):  # root may write anywhere but in the kernel's own folders
        locked = Path("/sys/dropkey")
    body = {"plate": str(home / "drop" / "not_finite"), "output": str(locked)}
    reply = service.post("/jobs", body)
    assert reply.status_code == 202, reply.text
    job_id = reply.json()["id"]
    job = until(lambda: (j := service.job(job_id)) and j["state"] in FINISHED and j, "its end", PATIENCE, POLL_SECONDS)
    assert job["state"] == "needs_attention" and job["problem"]["kind"] == "output_read_only"
    assert str(locked) in job["problem"]["message"] and job["problem"]["fix"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte, where this test may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(place)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("MAY NOT MOUNT A SMALL DISK HERE: a full disk under the running service stays unproven")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_keeps_the_job_and_goes_on_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    drop(home / "drop", "long", frames=range(1, 61))
    with serving(home, output_root=str(small_disk), minimum_free_gib="0", key_defaults__keyer="difference") as service:
        job = until(
            lambda: (jobs := service.jobs()) and jobs[0]["state"] in FINISHED and jobs[0],
            "its end",
            PATIENCE,
            POLL_SECONDS,
        )
        assert job["state"] == "needs_attention" and job["problem"]["kind"] == "output_full"
        assert 0 < job["frames_done"] < 60
        assert not list(small_disk.rglob("*.tmp"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        until(lambda: service.job(job["id"])["state"] == "done", "the rest", PATIENCE, POLL_SECONDS)
        assert len(list(small_disk.rglob("*_alpha.*.exr"))) == 60
