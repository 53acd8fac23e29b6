"""Previews: one frame keyed now, small or whole, while a shot runs or nothing does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import OpenImageIO as oiio
import pytest
import torch

from model.keyer import load_keyer
from model.settings import KeySettings, MatteSources, Polygon, PolygonMatte, Screen
from service.api import trying
from service.api.trying import PreviewRequest
from service.client import Client
from service.errors import PlateMissing, WorkerLost
from service.exr import read_exr
from service.jobs import JobRequest, JobState
from service.messages import PreviewOrder, ShotOrder
from service.pipeline import key_shot
from service.pipeline.limits import Limits
from service.pipeline.preview import Previewer
from service.shots import Shot, shot_from_plate
from tests.service.asking import asker
from tests.service.dropping import Place
from tests.service.previewing import SCREEN, PreviewsByHand
from tests.service.running import running_queue, until
from tests.service.serving import PATIENCE, Service, serving
from tests.service.shots_on_disk import plate_pixels, write_plate

FRAMES = range(1001, 1004)
WIDTH, HEIGHT = 96, 64


def write_shot(folder: Path, frames: range = FRAMES, name: str = "hero") -> Shot:
    for frame in frames:
        write_plate(folder / f"{name}.{frame}.exr", plate_pixels(frame, WIDTH, HEIGHT))
    return shot_from_plate(folder / f"{name}.####.exr")


def order_for(shot: Shot, folder: Path, **more: Any) -> PreviewOrder:
    plain: dict[str, Any] = {"frame": 1002, "frames": shot.frames, "settings": KeySettings(), "folder": folder}
    return PreviewOrder(shot=shot, **(plain | more))


class CountingKeyer:
    """The real keyer, which also counts how often its slow half runs."""

    def __init__(self) -> None:
        self._keyer = load_keyer("difference")
        self.inferred = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keyer, name)

    def infer(self, *given: Any) -> Any:
        self.inferred += 1
        return self._keyer.infer(*given)

    def finish(self, *given: Any) -> Any:
        return self._keyer.finish(*given)


def view(folder: Path, name: str) -> np.ndarray:
    return np.asarray(oiio.ImageBuf(str(folder / f"{name}.png")).get_pixels(oiio.FLOAT))


def test_despill_and_edge_settings_do_not_infer_again(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates")
    keyer, previewer = CountingKeyer(), Previewer(Limits())
    first = previewer.make("a", order_for(shot, tmp_path / "a"), keyer)
    tried = KeySettings(despill=0.0, alpha_floor=0.2, restore_luminance=0.5, refine_edges=False)
    second = previewer.make("b", order_for(shot, tmp_path / "b", settings=tried), keyer)
    assert (first.inferred, second.inferred, keyer.inferred) == (True, False, 1)
    assert not np.array_equal(view(tmp_path / "a", "grey"), view(tmp_path / "b", "grey"))
    fresh = Previewer(Limits()).make("c", order_for(shot, tmp_path / "c", settings=tried), keyer)
    assert fresh.inferred
    for name in ("grey", "alpha", "foreground", "plate"):
        assert np.array_equal(view(tmp_path / "b", name), view(tmp_path / "c", name)), name


def test_what_the_raw_answer_depends_on_is_inferred_again(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates")
    keyer, previewer = CountingKeyer(), Previewer(Limits())
    previewer.make("a", order_for(shot, tmp_path / "a"), keyer)
    for more in ({"settings": KeySettings(screen_color=(0.1, 0.5, 0.1))}, {"frame": 1003}, {"longest_side": 64}):
        assert previewer.make("b", order_for(shot, tmp_path / "b", **more), keyer).inferred, more
    changed = plate_pixels(1001, WIDTH, HEIGHT)
    write_plate(tmp_path / "plates" / "hero.1002.exr", changed)
    os.utime(tmp_path / "plates" / "hero.1002.exr", (1, 1))
    assert previewer.make("c", order_for(shot, tmp_path / "c"), keyer).inferred


def test_a_whole_preview_shows_the_frame_that_the_job_makes(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates")
    keyer = load_keyer("difference")
    made = Previewer(Limits()).make("a", order_for(shot, tmp_path / "a"), keyer)
    order = ShotOrder(shot=shot, frames=shot.frames, settings=KeySettings(), output=tmp_path / "v001")
    order.output.mkdir()
    key_shot(order, keyer, job_id="j", attempt=1, report=lambda _: None, stopped=lambda: False)
    planes, _ = read_exr(tmp_path / "v001" / "alpha" / "hero_alpha.1002.exr")
    assert (made.width, made.height) == (WIDTH, HEIGHT)
    assert np.abs(view(tmp_path / "a", "alpha")[..., 0] - planes["A"]).max() <= 0.6 / 255


def test_a_reduced_preview_keeps_its_shape_and_honors_mattes(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates")
    box = Polygon(points=((0, 0), (48, 0), (48, 64), (0, 64)))
    mattes = MatteSources(garbage=PolygonMatte(frames={1001: (box,)}))
    order = order_for(shot, tmp_path / "a", longest_side=48, mattes=mattes)
    made = Previewer(Limits()).make("a", order, load_keyer("difference"))
    assert (made.width, made.height) == (48, 32)
    alpha = view(tmp_path / "a", "alpha")[..., 0]
    assert alpha[:, :24].max() == 0.0 and alpha[:, 24:].max() > 0.5


def test_a_frame_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates")
    with pytest.raises(PlateMissing):
        Previewer(Limits()).make("a", order_for(shot, tmp_path / "a", frame=2000), load_keyer("difference"))


def test_a_preview_that_kills_its_worker_fails_with_the_reason_and_the_next_worker_is_asked_anew(
    tmp_path: Path,
) -> None:
    shot = write_shot(tmp_path / "plates")
    with running_queue(tmp_path / "home", "dies_at_every_preview") as queue:
        for number in ("a", "b"):
            until(lambda: any(worker.state == "ready" for worker in queue.workers()), "a worker is ready")
            future = queue.preview(number, order_for(shot, tmp_path / number))
            with pytest.raises(WorkerLost, match="exit code 9"):
                future.result(timeout=30)


def test_without_a_ready_worker_a_preview_says_to_wait(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates")
    with (
        running_queue(tmp_path / "home", "slow_to_load", stop_deadline_seconds=0.2) as queue,
        pytest.raises(WorkerLost, match="No worker is ready"),
    ):
        queue.preview("a", order_for(shot, tmp_path / "a"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    torch.set_num_threads(1)
    with serving(tmp_path_factory.mktemp("home")) as running:
        until(lambda: running.worker() is not None, "a worker", PATIENCE)
        until(lambda: ready(running), "the service is ready", PATIENCE, 0.2)
        yield running


def ready(service: Service) -> bool:
    return httpx.get(service.found.url + "/health/ready").status_code == 200


@contextmanager
def browser_of(service: Service) -> Iterator[httpx.Client]:
    """Be a browser that followed a one-time link."""
    headers = {"x-dropkey": "1", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=service.found.url, headers=headers, timeout=60) as browser:
        browser.get(ask(service, "POST", "/browser-links").json()["url"])
        yield browser


def ask(service: Service, method: str, path: str, content: Any = None) -> httpx.Response:
    token = service.found.token_file.read_text(encoding="utf-8").strip()
    headers = {"authorization": f"Bearer {token}"}
    return httpx.request(method, service.found.url + path, headers=headers, json=content, timeout=60)


@pytest.mark.timeout(300)
def test_an_idle_worker_previews_at_once(service: Service, tmp_path: Path) -> None:
    write_shot(tmp_path)
    asked = {"job": {"plate": str(tmp_path / "hero.####.exr")}, "frame": 1001, "longest_side": 64}
    first = ask(service, "POST", "/preview", asked)
    assert first.status_code == 200, first.text
    said = first.json()
    assert said["state"] == "done" and said["inferred"] and Path(said["picture"]).is_file()
    assert len(said["pictures"]) == 4 and all(Path(file).stem == view for view, file in said["pictures"].items())
    assert all(Path(file).is_file() for file in said["pictures"].values())
    asked["job"]["settings"] = {"despill": 0.25}
    assert ask(service, "POST", "/preview", asked).json()["inferred"] is False
    picture = ask(service, "GET", f"/preview/{said['id']}/alpha.png")
    assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
    assert ask(service, "GET", "/jobs").json()["jobs"] == []


@pytest.mark.timeout(300)
def test_errors_of_a_preview_are_problems_with_a_fix(service: Service, tmp_path: Path) -> None:
    write_shot(tmp_path)
    asked = {"job": {"plate": str(tmp_path / "hero.####.exr")}, "frame": 7}
    missing = ask(service, "POST", "/preview", asked)
    assert missing.status_code == 422 and missing.json()["type"].endswith("plate_missing") and missing.json()["fix"]
    assert ask(service, "GET", "/preview/none").status_code == 404
    assert ask(service, "POST", "/preview", {"frame": 1}).status_code == 422


@pytest.mark.timeout(300)
def test_a_running_job_is_previewed_between_its_frames_and_loses_none(service: Service, tmp_path: Path) -> None:
    frames = range(1, 41)
    write_shot(tmp_path, frames, "long")
    job = ask(service, "POST", "/jobs", {"plate": str(tmp_path / "long.####.exr")}).json()
    until(lambda: service.job(job["id"])["frames_done"] > 0, "the job runs", PATIENCE)
    made = ask(service, "POST", "/preview", {"job_id": job["id"], "frame": 40, "longest_side": 64}).json()
    during = service.job(job["id"])["state"]
    done = until(lambda: service.job(job["id"])["state"] == "done" and service.job(job["id"]), "done", PATIENCE, 0.2)
    assert made["state"] == "done" and during == "running"
    assert done["frames_done"] == len(frames) and done["attempt"] == 1
    assert made["screen"] == done["screen"]


@pytest.mark.timeout(300)
def test_another_screen_color_is_tried_and_the_jobs_own_screen_kept(service: Service, tmp_path: Path) -> None:
    write_shot(tmp_path)
    with Client(service.found.url, service.found.token_file.read_text(encoding="utf-8").strip()) as client:
        job = client.submit(JobRequest(plate=str(tmp_path / "hero.####.exr")))
        done = until(lambda: (j := client.job(job.id)).state is JobState.DONE and j, "done", PATIENCE, 0.2)
        own, other = (
            client.preview(PreviewRequest(job_id=job.id, frame=1002, settings=settings))
            for settings in (KeySettings(despill=0.25), KeySettings(screen_color=(0.5, 0.35, 0.3)))
        )
        assert own.screen == done.screen
        assert other.screen is not None and other.inferred
        assert np.allclose(other.screen.color, (0.5, 0.35, 0.3), atol=0.05) and other.screen != done.screen
        keyed, tried = (client.preview_picture(made.id, "alpha") for made in (own, other))
        assert keyed != tried, "the picture shows what the other color keys"
        assert client.job(job.id) == done, "trying changes no job"


def test_a_preview_takes_the_jobs_screen_unless_another_color_is_asked_for(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.render([1])
    client, worker = asker(place), PreviewsByHand(place.queue)
    asked = {"root": "drop", "plate": "hero/hero.####.png", "settings": {"screen_color": [0.1, 0.5, 0.1]}}
    job = client.post("/jobs", json=asked).json()["id"]
    place.store.update(job, screen=SCREEN)

    def screen_for(settings: dict[str, Any] | None) -> tuple[Screen | None, object]:
        reply = client.post("/preview", json={"job_id": job, "frame": 1, "settings": settings, "wait_seconds": 0})
        assert reply.status_code == 202, reply.text
        return worker.orders[-1].screen, worker.orders[-1].settings.screen_color

    assert screen_for(None) == (SCREEN, (0.1, 0.5, 0.1))
    assert screen_for({"screen_color": [0.1, 0.5, 0.1], "despill": 0.25}) == (SCREEN, (0.1, 0.5, 0.1))
    assert screen_for({"screen_color": [0.1, 0.1, 0.6]}) == (None, (0.1, 0.1, 0.6))
    assert screen_for({"screen_color": "auto"}) == (None, "auto")
    place.close()


@pytest.mark.timeout(30)
def test_when_enough_requests_wait_for_previews_the_next_is_answered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each that waits holds one of the threads that all requests share, `/health/ready` too."""
    monkeypatch.setattr(trying, "_WAITING", 0)
    place = Place(tmp_path)
    place.render([1])
    client, _ = asker(place), PreviewsByHand(place.queue)
    job = {"root": "drop", "plate": "hero/hero.####.png"}
    assert client.post("/preview", json={"job": job, "frame": 1, "wait_seconds": 60}).status_code == 202
    place.close()


@pytest.mark.timeout(300)
def test_a_browser_sees_previews_of_what_lies_in_the_roots_only(service: Service, tmp_path: Path) -> None:
    write_shot(tmp_path)
    root = next(root for root in ask(service, "GET", "/roots").json()["roots"] if root["watched"])
    write_shot(Path(root["path"]) / "seen", range(1001, 1002), "seen")
    outside = {"job": {"plate": str(tmp_path / "hero.####.exr")}, "frame": 1001, "longest_side": 64}
    inside = {"job": {"root": root["id"], "plate": "seen/seen.1001.exr"}, "frame": 1001, "longest_side": 64}
    made = ask(service, "POST", "/preview", outside).json()
    with browser_of(service) as browser:
        shown = browser.post("/preview", json=inside)
        assert shown.status_code == 200, shown.text
        assert browser.get(f"/preview/{shown.json()['id']}/grey.png").status_code == 200
        for reply in (
            browser.post("/preview", json=outside),
            browser.get(f"/preview/{made['id']}"),
            browser.get(f"/preview/{made['id']}/grey.png"),
        ):
            assert reply.status_code == 403 and reply.json()["type"].endswith("path_refused")
    assert ask(service, "GET", f"/preview/{made['id']}/grey.png").status_code == 200
