"""Pictures of frames: made from the floats, by a process that may die."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import unpack
from typing import Any

import numpy as np
import OpenImageIO as oiio
import psutil
import pytest
from numpy.typing import NDArray

from service.api.app import create_app
from service.errors import PlateUnreadable, WorkerLost
from service.exr import ExrHeader, write_alpha, write_foreground
from service.jobs import Job, JobRequest
from service.previews.frames import Frames
from service.previews.messages import Look, Pass, Source
from service.previews.reader import Reader, environment_of
from service.settings import Settings
from service.shots import shot_from_plate
from tests.service.asking import TOKEN, Asker, check_problem
from tests.service.dropping import Place
from tests.service.shots_on_disk import HEIGHT, WIDTH, plate_pixels, write_plate, write_shot

FIXTURES = Path(__file__).parent / "fixtures"


class Shown:
    """A job with plate and results on disk, and somebody who looks at it."""

    def __init__(self, place: Place, reader: Reader) -> None:
        shot = write_shot(place.root / "green", (1, 2))
        self.place = place
        self.job: Job = place.queue.submit(JobRequest(plate=str(shot.folder / shot.pattern)), shot)[0]
        random = np.random.default_rng(7)
        self.alpha = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
        self.color = random.uniform(0, 6, (HEIGHT, WIDTH, 3)).astype(np.float32) * self.alpha[..., None]
        self.color[3, 4] = (-0.25, np.nan, 1e5)
        folder = self.job.output
        for name in ("foreground", "alpha"):
            (folder / name).mkdir(parents=True)
        write_foreground(folder / "foreground" / "green_foreground.0001.exr", self.color, self.alpha, ExrHeader())
        write_alpha(folder / "alpha" / "green_alpha.0001.exr", self.alpha, ExrHeader())
        self.app = create_app(place.queue, place.store, place.settings, TOKEN, paths=place.paths, reader=reader)
        self.client = Asker(self.app, "127.0.0.1", TOKEN)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/jobs/{self.job.id}/frames/{path}", params=query)

    def picture(self, path: str, **query: Any) -> NDArray[np.uint8]:
        reply = self.get(path, **query)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "image/png" and reply.headers["x-content-type-options"] == "nosniff"
        return decoded(reply.content, self.place.root.parent)


def decoded(content: bytes, folder: Path) -> NDArray[np.uint8]:
    """Decode with another implementation than the one that wrote."""
    file = folder / "shown.png"
    file.write_bytes(content)
    picture = oiio.ImageBuf(str(file))
    pixels = np.asarray(picture.get_pixels(oiio.UINT8))
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def encoded(light: NDArray[np.floating[Any]], exposure: float = 0.0) -> NDArray[np.float64]:
    value = np.clip(np.nan_to_num(light, nan=0.0).astype(np.float64) * 2.0**exposure, 0, 1)
    return 255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    started = Reader(environment_of(Settings(home=tmp_path_factory.mktemp("home"))))
    yield started
    started.close()


@pytest.fixture
def shown(tmp_path: Path, reader: Reader) -> Iterator[Shown]:
    place = Place(tmp_path)
    yield Shown(place, reader)
    place.close()


def test_the_plate_is_shown_as_the_display_encodes_it(shown: Shown) -> None:
    assert np.abs(shown.picture("2/plate.png") - encoded(plate_pixels(2))).max() < 1.0


def test_exposure_reveals_what_lies_above_white(shown: Shown) -> None:
    bright = shown.color[-1]
    assert bright.max() > 4
    assert shown.picture("1/foreground.png")[-1].max() == 255
    darker = shown.picture("1/foreground.png", exposure=-3)
    assert np.abs(darker[-1] - encoded(bright, -3)).max() < 1.0 and len(np.unique(darker[-1])) > 30


def test_alpha_is_shown_as_it_is_and_its_noise_can_be_lifted(shown: Shown) -> None:
    plain = shown.picture("1/alpha.png")
    assert plain.shape == (HEIGHT, WIDTH) and np.abs(plain - 255 * shown.alpha).max() < 1.0
    assert np.array_equal(plain, shown.picture("1/foreground.png", channels="a"))
    assert np.abs(shown.picture("1/alpha.png", exposure=4)[0] - np.minimum(255, 16 * 255 * shown.alpha[0])).max() < 1.0


@pytest.mark.parametrize(("over", "light"), [("grey", 0.18), ("black", 0.0)])
def test_a_composite_lies_on_what_was_chosen(shown: Shown, over: str, light: float) -> None:
    wanted = encoded(shown.color + (1 - shown.alpha[..., None]) * light)
    found = shown.picture("1/composite.png", over=over)
    sound = np.isfinite(shown.color).all(axis=-1)
    assert np.abs(found - wanted)[sound].max() < 1.0


def test_a_checker_has_two_tones(shown: Shown) -> None:
    tones = shown.picture("1/composite.png", over="checker")[0, :, 0]
    assert tones[:16].min() > tones[16:32].max() and tones[32:48].min() > tones[16:32].max()


def test_single_channels_and_gamma_and_size_are_obeyed(shown: Shown) -> None:
    full = shown.picture("1/foreground.png")
    assert np.array_equal(shown.picture("1/foreground.png", channels="g"), full[..., 1])
    lifted = shown.picture("1/foreground.png", gamma=2)
    assert np.abs(lifted - 255 * (encoded(shown.color) / 255) ** 0.5).max() < 1.0
    assert shown.picture("1/composite.png", size=24).shape == (16, 24, 3)
    assert shown.picture("1/composite.png", size=1000).shape == (HEIGHT, WIDTH, 3)


def test_a_pixel_equals_the_exr_to_the_bit(shown: Shown) -> None:
    for x, y in ((0, 0), (47, 31), (20, 11)):
        found = shown.get("1/foreground/pixel", x=x, y=y).json()
        assert (found["width"], found["height"]) == (WIDTH, HEIGHT)
        values = np.float32([found["values"][name] for name in "RGBA"])
        assert np.array_equal(values, np.append(shown.color[y, x], shown.alpha[y, x]))
    assert shown.get("1/alpha/pixel", x=20, y=11).json()["values"] == {"A": float(shown.alpha[11, 20])}
    assert set(shown.get("2/plate/pixel", x=1, y=1).json()["values"]) == {"R", "G", "B"}


def test_a_value_that_is_no_number_is_told_as_null(shown: Shown) -> None:
    values = shown.get("1/foreground/pixel", x=4, y=3).json()["values"]
    assert values["R"] == -0.25 and values["G"] is None and values["B"] == 1e5


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("2/alpha.png", {}, 404),
        ("3/plate.png", {}, 404),
        ("1/sidecar.png", {}, 422),
        ("1/..%2F..%2Fplate.png", {}, 404),
        ("x/plate.png", {}, 422),
        ("1/plate.png", {"exposure": "nan"}, 422),
        ("1/plate.png", {"gamma": "0"}, 422),
        ("1/plate.png", {"size": "-1"}, 422),
        ("1/plate/pixel", {"x": "48", "y": "0"}, 422),
        ("1/plate/pixel", {"x": "0"}, 422),
    ],
)
def test_what_cannot_be_shown_is_told_as_a_problem(shown: Shown, path: str, query: dict[str, str], status: int) -> None:
    check_problem(shown.get(path, **query), status)


def test_a_frame_that_was_keyed_anew_is_shown_anew(shown: Shown) -> None:
    before = shown.picture("1/alpha.png")
    write_alpha(shown.job.output / "alpha" / "green_alpha.0001.exr", 1 - shown.alpha, ExrHeader())
    assert np.abs(shown.picture("1/alpha.png").astype(int) - (255 - before.astype(int))).max() <= 1


def test_a_damaged_result_is_a_problem_and_the_next_picture_is_shown(shown: Shown) -> None:
    (shown.job.output / "alpha" / "green_alpha.0001.exr").write_bytes(b"\x76\x2f\x31\x01" + b"\xff" * 500)
    check_problem(shown.get("1/alpha.png"), 422, "plate_unreadable")
    assert shown.get("1/foreground.png").status_code == 200


def test_a_bomb_is_refused_before_it_takes_memory(shown: Shown) -> None:
    """100,000 × 100,000 pixels in a hundred bytes."""
    head = b"\x00\x01\x86\xa0" * 2 + b"\x08\x02\x00\x00\x00"
    chunk = b"IHDR" + head
    bomb = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0d" + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    file = shown.place.put("bomb/bomb.0001.png", bomb + b"\x00\x00\x00\x00IDAT")
    job, _ = shown.place.queue.submit(JobRequest(plate=str(file)), shot_from_plate(file))
    check_problem(shown.client.get(f"/jobs/{job.id}/frames/{job.frames[0]}/plate.png"), 422, "plate_unreadable")


def test_a_reader_that_was_killed_is_started_anew(shown: Shown) -> None:
    assert shown.get("1/alpha.png").status_code == 200
    reader = shown.app.state.reader
    reader._process.kill()
    reader._process.wait()
    assert shown.get("1/alpha.png").status_code == 200


def source(job: Job, name: Pass = Pass.ALPHA) -> Source:
    return Source(shot=job.shot, settings=job.request.settings, output=job.output, frame=1, name=name)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a limit of its memory")
def test_a_picture_beyond_the_readers_memory_is_a_problem_and_the_next_one_is_shown(shown: Shown) -> None:
    import resource

    file = shown.place.root / "large" / "large.0001.exr"
    write_plate(file, np.zeros((4000, 6000, 3), np.float32))
    large, _ = shown.place.queue.submit(JobRequest(plate=str(file)), shot_from_plate(file))
    reader = Reader(environment_of(shown.place.settings))
    reader.picture(source(shown.job), Look())
    assert reader._process is not None
    process = psutil.Process(reader._process.pid)
    assert process.rlimit(psutil.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + 100 * 2**20, resource.RLIM_INFINITY))
    # A library that cannot tell ends the process instead, and a new one is started.
    with pytest.raises((PlateUnreadable, WorkerLost)):
        reader.picture(source(large, Pass.PLATE), Look())
    assert reader.picture(source(shown.job, Pass.FOREGROUND), Look())[:4] == b"\x89PNG"
    reader.close()


@pytest.mark.parametrize("way", ["dies", "hangs", "babbles"])
def test_a_reader_that_ends_on_a_picture_is_no_end_of_the_service(shown: Shown, way: str) -> None:
    command = (sys.executable, str(FIXTURES / "reads_badly.py"), way)
    reader = Reader(environment_of(shown.place.settings), deadline_seconds=0.7, command=command)
    for _ in range(2):
        with pytest.raises(WorkerLost, match="ended on this one"):
            reader.picture(source(shown.job), Look())
    reader.close()


def test_a_reader_that_went_to_rest_is_woken(shown: Shown, tmp_path: Path) -> None:
    mark = tmp_path / "rested"
    command = (sys.executable, str(FIXTURES / "reads_badly.py"), f"rests:{mark}")
    reader = Reader(environment_of(shown.place.settings), command=command)
    assert reader.picture(source(shown.job), Look())[:4] == b"\x89PNG"
    assert mark.exists()
    reader.close()


def test_the_reader_loads_no_torch() -> None:
    code = "import sys, service.previews.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_picture_says_its_own_size(shown: Shown) -> None:
    content = shown.get("1/alpha.png", size=12).content
    assert unpack(">II", content[16:24]) == (12, 8)


def test_a_plate_that_nobody_may_look_at_is_not_said_to_be_missing(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, stat = shown.job, Path.stat

    def refused(path: Path, **more: Any) -> os.stat_result:
        if path == job.shot.frame_path(1):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", refused)
    source = Source(shot=job.shot, settings=job.request.settings, output=job.output, frame=1, name=Pass.PLATE)
    with pytest.raises(PlateUnreadable, match="Permission denied") as raised:
        Frames(Settings(), 0).read(source)
    assert str(job.shot.folder) in raised.value.fix


def test_a_result_that_is_gone_is_told_with_where_it_was_and_a_plate_is_not_called_unkeyed(shown: Shown) -> None:
    result = check_problem(shown.get("2/foreground.png"), 404, "not_found")
    assert "keyed" in result["fix"] and str(shown.job.output / "foreground") in result["fix"]
    shown.job.shot.frame_path(2).unlink()
    plate = check_problem(shown.get("2/plate.png"), 404, "not_found")
    assert "keyed" not in plate["fix"] and f"put it back into '{shown.job.shot.folder}'" in plate["fix"]
