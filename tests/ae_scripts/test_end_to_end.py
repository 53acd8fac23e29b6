"""The real panel file talks to the real service: select a layer, key it, and find the result in the comp."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from service.exr import checksum, read_exr
from service.manifest import read_manifest
from tests.ae_scripts.node import node
from tests.service.serving import serving
from tests.service.shots_on_disk import plate_pixels

FRAMES = range(1001, 1009)
WIDTH, HEIGHT = 96, 64
NTSC = 23.9759979248047  # as After Effects stores it


@pytest.mark.timeout(300)
def test_a_selected_layer_comes_back_keyed(tmp_path: Path, panel_file: Path) -> None:
    """Frames, rate, alpha and path: manifest, files, footage item and layer say the same."""
    plates = tmp_path / "plates of héro"
    plates.mkdir()
    for frame in FRAMES:
        picture = oiio.ImageBuf(np.clip(plate_pixels(frame, WIDTH, HEIGHT), 0, 1) ** np.float32(1 / 2.2))
        assert picture.write(str(plates / f"hero.{frame}.png"), "uint16"), picture.geterror()
    stage = tmp_path / "ae"
    stage.mkdir()
    given = {
        "home": str(tmp_path / "home"),
        "first": str(plates / f"hero.{FRAMES[0]}.png"),
        "folder": str(stage),
        "fps": NTSC,
        "width": WIDTH,
        "height": HEIGHT,
    }
    (tmp_path / "given.json").write_text(json.dumps(given), encoding="utf-8")
    with serving(tmp_path / "home") as service:
        script = Path(__file__).with_name("end_to_end.mjs")
        done = node(str(script), str(tmp_path / "given.json"), DROPKEY_PANEL_BUNDLE=str(panel_file))
        assert done.returncode == 0, done.stdout + done.stderr
        seen = json.loads((stage / "seen.json").read_text(encoding="utf-8"))
        jobs = service.jobs()
    assert len(jobs) == 1 and jobs[0]["client"] == "after-effects", seen
    manifest = read_manifest(Path(jobs[0]["manifest"]))
    item, layer = seen["item"], seen["layer"]

    assert manifest.state == "done" and manifest.plate.encoding == "srgb"
    assert [result.frame for result in manifest.frames] == list(FRAMES)
    assert item["frames"] == len(FRAMES)
    assert (item["width"], item["height"]) == (manifest.plate.width, manifest.plate.height) == (WIDTH, HEIGHT)

    assert manifest.fps == "24000/1001" and item["rate"] == NTSC

    assert manifest.association == "premultiplied"
    assert item["hasAlpha"] and item["premultiplied"] and item["matteColor"] == [0, 0, 0]

    folder = Path(jobs[0]["output"]) / "foreground"
    assert Path(item["file"]) == folder / f"{manifest.shot}_foreground.{FRAMES[0]}.exr"
    assert jobs[0]["id"] in item["comment"] and "Rec.709" in item["comment"]
    assert checksum(Path(item["file"])) == manifest.frames[0].checksums["foreground"]

    planes, _ = read_exr(Path(item["file"]))
    assert planes["A"][:, :7].max() == 0.0, "the garbage mask reached the keyer"
    assert planes["A"].max() == 1.0

    assert layer["above"] and layer["sourceHidden"] and layer["sourceKept"] and layer["maskMode"]
    assert (layer["start"], layer["in"], layer["scale"]) == (0, 0, [50, 50])
    assert seen["undoDepth"] == 0
    assert "Frame 1003, keyed in" in seen["tested"]
    assert "/?t=" in seen["opened"][0]
