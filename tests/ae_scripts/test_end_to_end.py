"""The real panel file and the real service: select a layer, key it, and find the result in the comp."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from service.exr import checksum, read_exr
from service.manifest import read_manifest
from tests.ae_scripts.node import node
from tests.service.serving import Service, serving
from tests.service.shots_on_disk import plate_pixels

FRAMES = range(1001, 1009)
WIDTH, HEIGHT = 96, 64
NTSC = 23.9759979248047  # as After Effects stores it


@dataclass
class Place:
    """A running service, its folders, and plates outside of them."""

    service: Service
    home: Path
    plates: Path
    panel: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, panel_file: Path) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    plates = folder / "plates of héro"
    for name in ("hero", "dancer"):
        (plates / name).mkdir(parents=True)
        for frame in FRAMES:
            pixels = plate_pixels(frame + len(name), WIDTH, HEIGHT)
            picture = oiio.ImageBuf(np.clip(pixels, 0, 1) ** np.float32(1 / 2.2))
            assert picture.write(str(plates / name / f"{name}.{frame}.png"), "uint16"), picture.geterror()
    with serving(folder / "home", extra_roots=json.dumps([str(plates)])) as service:
        yield Place(service, folder / "home", plates, panel_file)


def artist(place: Place, name: str, stage: Path, **more: str) -> dict[str, Any]:
    """Let the simulated After Effects key the layer called ``name``; return what was to be seen there."""
    stage.mkdir()
    given = {
        "home": str(place.home),
        "first": str(place.plates / name / f"{name}.{FRAMES[0]}.png"),
        "folder": str(stage),
        "fps": NTSC,
        "width": WIDTH,
        "height": HEIGHT,
        **more,
    }
    (stage / "given.json").write_text(json.dumps(given), encoding="utf-8")
    script = Path(__file__).with_name("end_to_end.mjs")
    done = node(str(script), str(stage / "given.json"), DROPKEY_PANEL_BUNDLE=str(place.panel))
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads((stage / "seen.json").read_text(encoding="utf-8"))
    return seen


def job_of(place: Place, name: str) -> dict[str, Any]:
    return next(job for job in place.service.jobs() if Path(job["plate"]).name.startswith(name))


def check_result(seen: dict[str, Any], job: dict[str, Any]) -> None:
    """Frames, rate, alpha and path: manifest, files, footage item and layer say the same."""
    manifest = read_manifest(Path(job["manifest"]))
    item, layer = seen["item"], seen["layer"]
    assert manifest.state == "done" and manifest.plate.encoding == "srgb"
    assert [result.frame for result in manifest.frames] == list(FRAMES)
    assert item["frames"] == len(FRAMES)
    assert (item["width"], item["height"]) == (manifest.plate.width, manifest.plate.height) == (WIDTH, HEIGHT)

    assert manifest.fps == "24000/1001" and item["rate"] == NTSC

    assert manifest.association == "premultiplied"
    assert item["hasAlpha"] and item["premultiplied"] and item["matteColor"] == [0, 0, 0]

    folder = Path(job["output"]) / "foreground"
    assert Path(item["file"]) == folder / f"{manifest.shot}_foreground.{FRAMES[0]}.exr"
    assert job["id"] in item["comment"] and "Rec.709" in item["comment"]
    assert checksum(Path(item["file"])) == manifest.frames[0].checksums["foreground"]

    planes, _ = read_exr(Path(item["file"]))
    assert planes["A"][:, :7].max() == 0.0, "the garbage mask reached the keyer"
    assert planes["A"].max() == 1.0

    assert layer["above"] and layer["sourceHidden"] and layer["sourceKept"] and layer["maskMode"]
    assert (layer["start"], layer["in"], layer["scale"]) == (0, 0, [50, 50])
    assert seen["undoDepth"] == 0


@pytest.mark.timeout(300)
def test_a_selected_layer_comes_back_keyed(place: Place, tmp_path: Path) -> None:
    seen = artist(place, "hero", tmp_path / "ae")
    job = job_of(place, "hero")
    assert job["client"] == "after-effects"
    check_result(seen, job)
    assert "Frame 1003, keyed in" in seen["tested"]
    assert Path(seen["picture"]).name == "alpha.png", "the view that was chosen afterwards"
    assert Path(seen["picture"]).read_bytes().startswith(b"\x89PNG")
    assert "/?t=" in seen["opened"][0]


@pytest.mark.timeout(300)
def test_the_same_works_through_files_in_the_drop_folder(place: Place, tmp_path: Path) -> None:
    folders = {"drop": str(place.home / "drop"), "output": str(place.home / "output")}
    seen = artist(place, "dancer", tmp_path / "ae", **folders)
    job = job_of(place, "dancer")
    assert job["client"].startswith("after-effects:")
    check_result(seen, job)
