"""Previews that keep their floats: shown in any light, read to the bit, and out of reach for whom they are not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.keyer import load_keyer
from model.settings import KeySettings
from service.api.app import create_app
from service.api.trying import KEPT
from service.exr import read_exr
from service.jobs import Job, JobRequest
from service.messages import PreviewOrder, ShotOrder
from service.pipeline import key_shot
from service.pipeline.delivery import PASSES, Delivery
from service.pipeline.limits import Limits
from service.pipeline.preview import Previewer
from service.previews.reader import Reader, environment_of
from service.settings import Settings
from service.shots import Shot, shot_from_plate
from tests.service.asking import TOKEN, Asker, check_problem
from tests.service.dropping import Place
from tests.service.previewing import SCREEN, PreviewsByHand
from tests.service.shots_on_disk import plate_pixels, write_plate
from tests.service.test_previews import decoded, encoded

WIDTH, HEIGHT = 96, 64
LAMP = (32, 48)  # row, column: in the subject, four times as bright as white
VIEWS = ("grey", "alpha", "foreground", "plate", "composite")
OTHER_LOOKS: list[dict[str, Any]] = [{"exposure": -3}, {"gamma": 2}, {"size": 16}, {"channels": "g"}]


def write_lit_shot(folder: Path) -> Shot:
    for frame in (1, 2):
        pixels = plate_pixels(frame, WIDTH, HEIGHT)
        pixels[LAMP[0] - 3 : LAMP[0] + 3, LAMP[1] - 3 : LAMP[1] + 3] = 4.0
        write_plate(folder / f"lit.{frame:04d}.exr", pixels)
    return shot_from_plate(folder / "lit.####.exr")


def key_job(shot: Shot, settings: KeySettings, output: Path) -> None:
    order = ShotOrder(shot=shot, frames=shot.frames, settings=settings, output=output, screen=SCREEN)
    output.mkdir(exist_ok=True)
    limits = Limits(minimum_free_gib=0.0)
    key_shot(
        order,
        load_keyer("difference"),
        job_id="j",
        attempt=1,
        report=lambda _: None,
        stopped=lambda: False,
        limits=limits,
    )


@pytest.mark.parametrize("association", ["premultiplied", "straight"])
def test_the_floats_of_a_whole_preview_are_those_of_the_job_bit_for_bit(tmp_path: Path, association: Any) -> None:
    shot = write_lit_shot(tmp_path / "plates")
    settings = KeySettings(despill=0.5, association=association)
    key_job(shot, settings, tmp_path / "v001")
    order = PreviewOrder(
        shot=shot, frame=2, frames=shot.frames, settings=settings, screen=SCREEN, folder=tmp_path / "a", floats=True
    )
    Previewer(Limits()).make("a", order, load_keyer("difference"))
    for name in PASSES:
        (planes, header), (tried, of_tried) = (
            read_exr(Delivery(shot, folder).file(name, 2)) for folder in (tmp_path / "v001", tmp_path / "a")
        )
        assert planes.keys() == tried.keys() == set("RGBA")
        assert all(planes[channel].tobytes() == tried[channel].tobytes() for channel in "RGBA"), name
        assert header["dropkey/association"] == of_tried["dropkey/association"] == association


def test_without_floats_no_exr_is_written_and_with_them_only_the_picture_that_is_named(tmp_path: Path) -> None:
    shot = write_lit_shot(tmp_path / "plates")
    order = PreviewOrder(shot=shot, frame=1, frames=shot.frames, settings=KeySettings(), folder=tmp_path / "a")
    with_floats = order.model_copy(update={"floats": True, "views": ("alpha",), "folder": tmp_path / "b"})
    for each in (order, with_floats):
        Previewer(Limits()).make("a", each, load_keyer("difference"))
    assert files_in(order.folder) == {"alpha.png", "foreground.png", "grey.png", "plate.png"}
    assert files_in(with_floats.folder) == {
        "alpha.png",
        "alpha/lit_alpha.0001.exr",
        "foreground/lit_foreground.0001.exr",
    }


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    started = Reader(environment_of(Settings(home=tmp_path_factory.mktemp("home"))))
    yield started
    started.close()


class Scene:
    """A job that waits in a drop folder, those who ask about it, and a worker that previews when told to."""

    def __init__(self, place: Place, reader: Reader) -> None:
        self.place = place
        self.worker = PreviewsByHand(place.queue)
        app = create_app(place.queue, place.store, place.settings, TOKEN, paths=place.paths, reader=reader)
        self.here = Asker(app, "127.0.0.1", TOKEN)
        self.browser = Asker(app, "127.0.0.1", None)
        cookie = f"{app.state.sessions.cookie}={app.state.sessions.redeem(app.state.sessions.new_link())}"
        self.browser._headers = {"cookie": cookie, "x-dropkey": "1", "sec-fetch-site": "same-origin"}

    def job(self, folder: Path | None = None, **settings: Any) -> Job:
        shot = write_lit_shot(folder or self.place.root / "lit")
        request = JobRequest(plate=str(shot.folder / shot.pattern), settings=KeySettings(**settings))
        job, _ = self.place.queue.submit(request, shot)
        return self.place.store.update(job.id, screen=SCREEN)

    def asked(self, job: Job, **more: Any) -> str:
        """Ask for a preview of frame 1; return where it is going to be."""
        body = {"job_id": job.id, "frame": 1, "floats": True, "wait_seconds": 0} | more
        reply = self.here.post("/preview", json=body)
        assert reply.status_code == 202, reply.text
        return str(reply.headers["location"])

    def previewed(self, job: Job, **more: Any) -> str:
        """Have frame 1 previewed; return where it is."""
        where = self.asked(job, **more)
        self.worker.key()
        assert self.here.get(where).json()["state"] == "done"
        return where

    def picture(self, path: str, **query: Any) -> NDArray[np.uint8]:
        reply = self.here.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return decoded(reply.content, self.place.root.parent)

    def values(self, path: str, **query: Any) -> dict[str, float]:
        found = self.here.get(f"{path}/pixel", params={"x": LAMP[1], "y": LAMP[0]} | query)
        assert found.status_code == 200, found.text
        return dict(found.json()["values"])


@pytest.fixture
def scene(tmp_path: Path, reader: Reader) -> Iterator[Scene]:
    place = Place(tmp_path)
    yield Scene(place, reader)
    place.close()


def test_exposure_reveals_light_that_the_picture_of_eight_bits_clipped(scene: Scene) -> None:
    where = scene.previewed(scene.job())
    for view in ("grey", "foreground", "composite", "plate"):
        bright = np.float32([scene.values(f"{where}/{view}")[channel] for channel in "RGB"])
        assert bright.min() > 3.5
        assert scene.picture(f"{where}/{view}.png")[LAMP].min() == 255
        assert np.abs(scene.picture(f"{where}/{view}.png", exposure=-3)[LAMP] - encoded(bright, -3)).max() < 1.0


@pytest.mark.parametrize("association", ["premultiplied", "straight"])
def test_a_preview_is_shown_and_read_as_the_frame_that_the_job_makes(scene: Scene, association: str) -> None:
    job = scene.job(association=association)
    where = scene.previewed(job)
    key_job(job.shot, job.request.settings, job.output)
    frame = f"/jobs/{job.id}/frames/1"
    for name in ("alpha", "foreground", "composite", "plate"):
        for look in [{}, *OTHER_LOOKS, {"over": "black"}, {"over": "checker", "exposure": -2}]:
            keyed, tried = (scene.here.get(f"{place}/{name}.png", params=look) for place in (frame, where))
            assert keyed.status_code == 200 and keyed.content == tried.content, (name, look)
        pixel = {"x": 30, "y": 20, "over": "black"}
        keyed, tried = (scene.here.get(f"{place}/{name}/pixel", params=pixel) for place in (frame, where))
        assert keyed.status_code == 200 and keyed.json() == tried.json(), name
    assert np.array_equal(scene.picture(f"{where}/grey.png"), scene.picture(f"{where}/composite.png"))


def test_the_picture_that_a_preview_names_is_the_one_that_is_shown(scene: Scene) -> None:
    job = scene.job()
    for view in ("grey", "alpha", "foreground", "plate"):
        where = scene.previewed(job, view=view)
        named = Path(scene.here.get(where).json()["picture"])
        assert named.read_bytes() == scene.here.get(f"{where}/{view}.png").content


def test_a_preview_without_floats_is_shown_plainly_and_says_how_to_ask_for_more(scene: Scene) -> None:
    where = scene.previewed(scene.job(), floats=False)
    for view in VIEWS:
        assert scene.here.get(f"{where}/{view}.png").status_code == 200
        asked = [scene.here.get(f"{where}/{view}.png", params=look) for look in OTHER_LOOKS]
        asked.append(scene.here.get(f"{where}/{view}/pixel", params={"x": 0, "y": 0}))
        for reply in asked:
            assert "floats" in check_problem(reply, 422, "bad_input")["fix"]
    check_problem(scene.here.get(f"{where}/composite.png", params={"over": "black"}), 422, "bad_input")


def test_a_reduced_preview_has_floats_of_its_own_size_and_a_plain_plate(scene: Scene) -> None:
    where = scene.previewed(scene.job(), longest_side=64)
    for view in ("alpha", "foreground", "composite"):
        assert scene.picture(f"{where}/{view}.png", exposure=-1).shape[:2] == (43, 64)
        found = scene.here.get(f"{where}/{view}/pixel", params={"x": 63, "y": 42}).json()
        assert (found["width"], found["height"]) == (64, 43)
        check_problem(scene.here.get(f"{where}/{view}/pixel", params={"x": 64, "y": 0}), 422, "bad_input")
    assert scene.picture(f"{where}/plate.png").shape == (43, 64, 3)
    for path in ("plate.png?exposure=-1", "plate/pixel?x=0&y=0"):
        assert "longest_side" in check_problem(scene.here.get(f"{where}/{path}"), 422, "bad_input")["fix"]


def test_pictures_and_pixels_of_a_preview_that_is_not_done_or_failed_are_not_there(scene: Scene) -> None:
    where = scene.asked(scene.job())
    paths = (f"{where}/grey.png?exposure=1", f"{where}/grey/pixel?x=0&y=0")
    for path in paths:
        check_problem(scene.here.get(path), 404, "not_found")
    scene.worker.fail(ValueError("a fault that nobody foresaw"))
    for path in paths:
        check_problem(scene.here.get(path), 404, "not_found")


def test_the_floats_of_old_previews_are_removed_also_when_they_come_late(scene: Scene) -> None:
    job = scene.job()
    scene.previewed(job)
    scene.asked(job)
    made, late = (order.folder for order in scene.worker.orders)
    for _ in range(KEPT):
        scene.asked(job)
    assert not made.exists()
    scene.worker.key(1)
    assert not late.exists()


def test_previews_of_what_lies_beyond_the_roots_are_for_the_token_only(scene: Scene, tmp_path: Path) -> None:
    where = scene.previewed(scene.job(tmp_path / "private"))
    for view in VIEWS:
        for path in (f"{where}/{view}.png", f"{where}/{view}.png?exposure=-3", f"{where}/{view}/pixel?x=0&y=0"):
            assert scene.here.get(path).status_code == 200
            check_problem(scene.browser.get(path), 403, "path_refused")


def test_a_browser_sees_the_floats_of_what_lies_in_the_roots(scene: Scene) -> None:
    where = scene.previewed(scene.job())
    for view in VIEWS:
        for path in (f"{where}/{view}.png?exposure=-3", f"{where}/{view}/pixel?x=0&y=0"):
            assert scene.browser.get(path).status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="making links needs a right there")
def test_a_plate_that_became_a_link_is_not_shown_to_a_browser_by_way_of_a_preview(scene: Scene, tmp_path: Path) -> None:
    job = scene.job()
    where = scene.previewed(job)
    file = job.shot.frame_path(1)
    file.symlink_to(file.rename(tmp_path / "secret.exr"))
    for path in (f"{where}/plate.png?exposure=-1", f"{where}/plate/pixel?x=0&y=0"):
        assert "link" in check_problem(scene.browser.get(path), 422, "plate_unreadable")["detail"]


def test_without_a_worker_a_preview_is_refused_for_now(tmp_path: Path, reader: Reader) -> None:
    place = Place(tmp_path)
    place.render([1])
    app = create_app(place.queue, place.store, place.settings, TOKEN, paths=place.paths, reader=reader)
    asked = {"job": {"root": "drop", "plate": "hero/hero.####.png"}, "frame": 1}
    problem = check_problem(Asker(app, "127.0.0.1", TOKEN).post("/preview", json=asked), 503, "worker_lost")
    assert "Wait" in problem["fix"]
    place.close()
