"""Roots and what lies in them, workers, and figures for Prometheus."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.api import machine, roots
from service.drop_folder import DropFolders
from service.executor import WorkerStatus, memory
from service.jobs import FrameResult, FrameState
from service.messages import FrameFinished
from tests.service.asking import Asker, asker, check_problem
from tests.service.dropping import Place
from tests.service.running import PATIENCE, until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, extra_roots=(tmp_path / "away",))
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Asker:
    return asker(place)


def test_roots_are_listed_with_their_health(client: Asker, place: Place, tmp_path: Path) -> None:
    found = {root["id"]: root for root in client.get("/roots").json()["roots"]}
    assert found["drop"]["path"] == str(place.root) and found["drop"]["watched"] and found["drop"]["online"]
    assert found["drop"]["free_bytes"] > 0
    assert not found["away"]["online"] and not found["away"]["watched"] and found["away"]["free_bytes"] is None


def test_a_drop_folder_that_lost_its_share_is_away_although_its_mount_point_is_there(place: Place) -> None:
    folders = DropFolders(place.settings, place.paths, place.queue)
    (keeper,) = folders._keepers
    client = asker(place, folders=folders)
    place.render([1, 2])
    try:
        keeper.look()
        drop, *_ = client.get("/roots").json()["roots"]
        assert drop["online"] and drop["free_bytes"] > 0
        shutil.rmtree(place.root / "hero")
        keeper.folder._device = -1  # what was mounted there before
        keeper.look()
    finally:
        keeper._watch.stop()
    assert place.root.is_dir()
    drop, *_ = client.get("/roots").json()["roots"]
    assert (drop["id"], drop["online"], drop["free_bytes"]) == ("drop", False, None)
    told = figures(client)
    assert told["dropkey_root_up", "drop"] == 0 and ("dropkey_disk_free_bytes", "drop") not in told


def test_a_drop_folder_whose_scan_fails_says_why(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = DropFolders(place.settings, place.paths, place.queue)
    (keeper,) = folders._keepers
    client = asker(place, folders=folders)
    monkeypatch.setattr(keeper.folder, "steps", lambda: [][1])
    try:
        keeper.look()
    finally:
        keeper._watch.stop()
    drop, output, *_ = client.get("/roots").json()["roots"]
    assert drop["online"] and "IndexError" in drop["problem"] and output["problem"] is None


def test_a_root_that_hangs_keeps_one_thread_and_nobody_waiting(
    client: Asker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mended, looks = threading.Event(), []

    def hang(folder: Path) -> roots.Health:
        looks.append(folder)
        mended.wait(PATIENCE)
        return roots.Health(online=True, free_bytes=1)

    monkeypatch.setattr(roots, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(roots, "look_at", hang)
    for _ in range(3):
        assert not any(root["online"] for root in client.get("/roots").json()["roots"])
    assert len(looks) == len(set(looks)) == 3, "drop, away and output, once each"
    mended.set()
    until(lambda: all(root["free_bytes"] == 1 for root in client.get("/roots").json()["roots"]), "they are back")


def test_what_browsing_finds_can_be_submitted(client: Asker, place: Place) -> None:
    place.render([1, 2, 5], shot="hero", folder="day one/a")
    place.put("day one/take.mov")
    top = client.get("/browse", params={"root": "drop"}).json()
    assert top["folders"] == [{"name": "day one", "path": "day one"}] and top["shots"] == [] and not top["cut"]
    day = client.get("/browse", params={"root": "drop", "path": "day one"}).json()
    assert [folder["path"] for folder in day["folders"]] == ["day one/a"]
    assert [(shot["kind"], shot["plate"], shot["frames"]) for shot in day["shots"]] == [
        ("movie", "day one/take.mov", None)
    ]
    (shot,) = client.get("/browse", params={"root": "drop", "path": "day one/a"}).json()["shots"]
    assert (shot["frames"], shot["first_frame"], shot["last_frame"], shot["missing"]) == (3, 1, 5, 2)
    reply = client.post("/jobs", json={"root": "drop", "plate": shot["plate"], "accept_gaps": True})
    assert reply.status_code == 202 and reply.json()["shot"]["name"] == shot["name"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("..", 403),
        ("a/../..", 403),
        ("/etc", 403),
        ("\\\\server\\share", 403),
        ("C:\\", 403),
        ("nul", 403),
        ("a:b", 403),
        ("a\0b", 403),
        ("nothing", 404),
        ("a" * 300, 404),
    ],
)
def test_browsing_stays_inside_its_root(client: Asker, path: str, status: int) -> None:
    check_problem(client.get("/browse", params={"root": "drop", "path": path}), status)


@pytest.mark.skipif(os.name == "nt", reason="making links needs a right there")
def test_a_link_out_of_the_root_is_not_followed(client: Asker, place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (place.root / "way").symlink_to(outside)
    assert client.get("/browse", params={"root": "drop"}).json()["folders"] == []
    check_problem(client.get("/browse", params={"root": "drop", "path": "way"}), 403, "path_refused")


def test_an_unknown_root_is_told(client: Asker) -> None:
    check_problem(client.get("/browse", params={"root": "x"}), 404, "not_found")
    check_problem(client.get("/browse"), 422)


def test_our_own_results_are_no_folders_to_key(client: Asker, place: Place) -> None:
    place.put("hero/v001/manifest.json", "{}")
    assert client.get("/browse", params={"root": "drop", "path": "hero"}).json()["folders"] == []


def test_a_folder_with_very_much_in_it_is_cut(client: Asker, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_ENTRIES", 2)
    for name in "abc":
        (place.root / name).mkdir()
    found = client.get("/browse", params={"root": "drop"}).json()
    assert len(found["folders"]) == 2 and found["cut"]


CARDS = "--query-gpu=index,uuid,memory.used,memory.total"
PROCESSES = "--query-compute-apps=gpu_uuid,pid,used_memory"


def test_workers_tell_their_memory(client: Asker, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are as `nvidia-smi --format=csv,noheader,nounits` prints them."""
    working = (WorkerStatus("0", "busy", "cuda:0", "NVIDIA H200", pid=os.getpid()), WorkerStatus("1", "waiting"))
    monkeypatch.setattr(place.queue, "workers", lambda: working)
    rows = {
        CARDS: [["0", "GPU-1", "3000", "143771"]],
        PROCESSES: [["GPU-1", str(os.getpid()), "2048"], ["GPU-1", "1", "[N/A]"]],
    }
    monkeypatch.setattr(memory, "_driver_rows", rows.__getitem__)
    busy, waiting = client.get("/workers").json()["workers"]
    assert busy["gpu_memory_used_bytes"] == 2048 * 2**20 and busy["gpu_memory_total_bytes"] == 143771 * 2**20
    assert busy["memory_used_bytes"] > 2**20 and busy["memory_total_bytes"] > busy["memory_used_bytes"]
    assert waiting["state"] == "waiting" and waiting["gpu_memory_used_bytes"] is None


@pytest.mark.parametrize("card", ["1", "GPU-bb", "GPU-bb22"])
@pytest.mark.parametrize("processes", [[["GPU-bb22", str(os.getpid()), "[N/A]"]], [["GPU-bb22", "1", "512"]], []])
def test_where_the_driver_tells_no_process_apart_a_worker_tells_what_its_card_has_in_use(
    client: Asker, place: Place, monkeypatch: pytest.MonkeyPatch, card: str, processes: list[list[str]]
) -> None:
    """So it is on Windows, and in a container, whose process numbers are not the driver's."""
    working = (WorkerStatus("0", "busy", "cuda:0", "NVIDIA RTX 4090", pid=os.getpid(), card=card),)
    monkeypatch.setattr(place.queue, "workers", lambda: working)
    rows = {CARDS: [["0", "GPU-aa11", "7", "8192"], ["1", "GPU-bb22", "3000", "24564"]], PROCESSES: processes}
    monkeypatch.setattr(memory, "_driver_rows", rows.__getitem__)
    (busy,) = client.get("/workers").json()["workers"]
    assert busy["gpu_memory_used_bytes"] == 3000 * 2**20 and busy["gpu_memory_total_bytes"] == 24564 * 2**20
    assert figures(client)["dropkey_gpu_mem_bytes", "0"] == 3000 * 2**20


@pytest.mark.parametrize("row", [["0", "GPU-1", "[N/A]", "[N/A]"], ["0", "GPU-2", "1", "2"]])
def test_memory_that_no_driver_tells_is_unknown(
    client: Asker, place: Place, monkeypatch: pytest.MonkeyPatch, row: list[str]
) -> None:
    working = (WorkerStatus("0", "busy", "cuda:0", "NVIDIA GB10", pid=os.getpid(), card="GPU-1"),)
    monkeypatch.setattr(place.queue, "workers", lambda: working)
    monkeypatch.setattr(memory, "_driver_rows", {CARDS: [row], PROCESSES: [["GPU-1", "1", "1"]]}.__getitem__)
    (busy,) = client.get("/workers").json()["workers"]
    assert busy["gpu_memory_used_bytes"] is None and busy["gpu_memory_total_bytes"] is None


def figures(client: Asker) -> dict[tuple[str, str], float]:
    reply = client.get("/metrics")
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def test_prometheus_reads_jobs_roots_and_frames(client: Asker, place: Place) -> None:
    place.render(range(1, 4))
    job = client.post("/jobs", json={"root": "drop", "plate": "hero/hero.####.png"}).json()
    for watcher in place.queue._dispatcher.frame_watchers:
        result = FrameResult(frame=1, state=FrameState.DONE)
        watcher(FrameFinished(job_id=job["id"], attempt=1, result=result, key_seconds=0.3))
    told = figures(client)
    assert told["dropkey_jobs", "queued"] == 1 and told["dropkey_jobs", "done"] == 0
    assert told["dropkey_root_up", "drop"] == 1 and told["dropkey_root_up", "away"] == 0
    assert told["dropkey_disk_free_bytes", "drop"] > 0 and ("dropkey_disk_free_bytes", "away") not in told
    assert told["dropkey_frames_total", "done"] == 1 and told["dropkey_frame_seconds_sum", "key"] == 0.3
    assert told["dropkey_queue_oldest_seconds", ""] >= 0 and told["dropkey_sse_clients", ""] == 0


def test_prometheus_reads_why_workers_were_started_again(
    client: Asker, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = (WorkerStatus("0", "ready", restarts={"hung": 2}), WorkerStatus("1", "ready", restarts={"hung": 1}))
    monkeypatch.setattr(place.queue, "workers", lambda: working)
    told = figures(client)
    assert told["dropkey_worker_restarts_total", "hung"] == 3
    assert told["dropkey_worker_restarts_total", "crashed"] == 0  # there before it happens, so that a rise is seen


def test_prometheus_reads_how_long_scans_take_and_how_old_they_are(tmp_path: Path) -> None:
    place = Place(tmp_path, scan_seconds=0.05, idle_scan_seconds=0.2)
    folders = DropFolders(place.settings, place.paths, place.queue)
    client = asker(place, folders=folders)
    folders.start()
    try:
        until(lambda: figures(client).get(("dropkey_watch_scan_seconds_count", "drop"), 0) >= 2, "two scans")
        assert figures(client)["dropkey_watch_scan_seconds_sum", "drop"] > 0
        assert figures(client)["dropkey_watch_lag_seconds", "drop"] < PATIENCE
        place.root.rename(tmp_path / "unmounted")
        until(lambda: not any(folders.online().values()), "the folder is away")
        scans = figures(client)["dropkey_watch_scan_seconds_count", "drop"]
        until(lambda: figures(client)["dropkey_watch_lag_seconds", "drop"] > 1.0, "its age grows")
        assert figures(client)["dropkey_watch_scan_seconds_count", "drop"] == scans
    finally:
        folders.stop()
        place.close()


def test_the_number_of_series_does_not_grow_with_the_shots(client: Asker, place: Place) -> None:
    place.settings.output.mkdir()
    before = len(figures(client))
    for name in ("hero", "wide", "close"):
        place.render([1], shot=name)
        client.post("/jobs", json={"root": "drop", "plate": f"{name}/{name}.####.png"})
    assert len(figures(client)) == before
    assert "hero" not in client.get("/metrics").text
