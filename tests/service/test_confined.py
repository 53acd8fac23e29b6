"""Files of strangers are opened so that no link, laid at whatever moment, leads to anything else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from model.settings import KeySettings, MatteSources
from service import confined
from service.confined import opened, read_confined
from service.drop_folder.sidecars import read_job_file, read_sidecar
from service.errors import BadInput, DropKeyError, PlateMissing, PlateUnreadable
from service.exr import read_exr
from service.messages import ShotOrder
from service.paths import Paths
from service.pipeline.mattes import MatteReader
from service.plates import open_plate
from service.settings import Settings
from service.shots import shot_from_plate
from tests.service.movies_on_disk import counting_movie
from tests.service.shots_on_disk import write_shot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need special rights on Windows")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder.resolve()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_bytes(b"secret")
    return file


def content(path: Path, *folders: Path) -> bytes:
    with opened(path, folders) as file:
        seen = file.read_bytes()
    assert read_confined(path, folders, most_bytes=100) == seen
    return seen


def test_a_file_and_a_link_inside_are_read(root: Path, tmp_path: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "c.txt").write_bytes(b"c")
    (root / "link.txt").symlink_to(root / "a" / "b" / "c.txt")
    (root / "folder").symlink_to("a")
    for path in ("a/b/c.txt", "link.txt", "folder/b/c.txt"):
        assert content(root / path, tmp_path / "other", root) == b"c"


@pytest.mark.parametrize("folders", [1, 0])
def test_what_is_not_there_is_said_to_be_missing(root: Path, folders: int) -> None:
    with pytest.raises(PlateMissing, match=r"a\.png is not there"):
        content(root / "a.png", *[root] * folders)


@pytest.mark.parametrize("folders", [1, 0])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir] if hasattr(os, "mkfifo") else [os.mkdir])
def test_what_is_no_file_is_refused_at_once(root: Path, make: Callable[[Path], None], folders: int) -> None:
    make(root / "a.png")
    with pytest.raises(PlateUnreadable, match="no file"):
        content(root / "a.png", *[root] * folders)


def test_a_link_out_and_a_folder_that_is_one_are_refused(root: Path, secret: Path) -> None:
    (root / "a.txt").symlink_to(secret)
    (root / "folder").symlink_to(secret.parent)
    for path in ("a.txt", "folder/secret.txt", "../secret.txt"):
        with pytest.raises(PlateUnreadable, match="link that leads out"):
            content(root / path, root)
        assert content(root / path) == b"secret", "who may read everything may follow links"


@pytest.mark.parametrize("swapped", ["shot", "shot/a.txt"])
def test_a_link_laid_between_the_check_and_the_opening_leads_nowhere(
    root: Path, secret: Path, swapped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: all links were followed and found to be fine."""
    (root / "shot").mkdir()
    (root / "shot" / "a.txt").write_bytes(b"mine")
    outside = secret.parent / "outside"
    outside.mkdir()
    (outside / "a.txt").write_bytes(b"secret")
    resolve = Path.resolve

    def swap(path: Path, **named: Any) -> Path:
        real = resolve(path, **named)
        victim = root / swapped
        victim.rename(root / "away")
        victim.symlink_to(outside / "a.txt" if victim.suffix else outside)
        return real

    monkeypatch.setattr(Path, "resolve", swap)
    with pytest.raises(PlateUnreadable, match="cannot be opened"):
        content(root / "shot" / "a.txt", root)


def test_what_was_opened_is_read_although_a_link_takes_its_place(root: Path, secret: Path) -> None:
    path = root / "a.txt"
    path.write_bytes(b"mine")
    with opened(path, [root]) as file:
        path.unlink()
        path.symlink_to(secret)
        assert file.read_bytes() == b"mine"


@pytest.mark.parametrize("ending", ["png", "exr", "tif", "dpx", "jpg"])
def test_pictures_of_every_kind_are_read_alike_with_and_without_bounds(root: Path, ending: str) -> None:
    pixels = np.random.default_rng(1).random((24, 32, 3), np.float32)
    for frame in (1, 2, 3):
        path = root / f"s.{frame:04d}.{ending}"
        out = oiio.ImageOutput.create(str(path))
        out.open(str(path), oiio.ImageSpec(32, 24, 3, "float" if ending == "exr" else "uint8"))
        out.write_image(pixels)
        out.close()
    shot = shot_from_plate(root)
    with open_plate(shot, KeySettings()) as plate:
        plain = [plate.read(frame).color for frame in (1, 2, 3)]
    with open_plate(shot.model_copy(update={"confined_to": (root,)}), KeySettings()) as plate:
        assert all(np.array_equal(plate.read(frame).color, plain[frame - 1]) for frame in (1, 2, 3))


def test_a_movie_is_read_alike_and_not_through_a_link_out(root: Path, tmp_path: Path) -> None:
    path = counting_movie(tmp_path / "m.mov", "prores_ks", "yuv422p10le", count=4)
    shot = shot_from_plate(path)
    with open_plate(shot, KeySettings()) as plate:
        plain = [plate.read(frame).color for frame in (3, 1)]
    (root / "m.mov").symlink_to(path)
    linked = shot_from_plate(root / "m.mov").model_copy(update={"confined_to": (root,)})
    with pytest.raises(PlateUnreadable, match="link that leads out"):
        open_plate(linked, KeySettings())
    (root / "m.mov").unlink()
    path.rename(root / "m.mov")
    with open_plate(linked, KeySettings()) as plate:
        assert all(np.array_equal(plate.read(frame).color, seen) for frame, seen in zip((3, 1), plain, strict=True))


def test_what_a_decoder_says_of_a_file_names_the_file(root: Path) -> None:
    (root / "s.0001.exr").write_bytes(b"\x76\x2f\x31\x01" + b"x" * 100)
    shot = shot_from_plate(root / "s.0001.exr").model_copy(update={"confined_to": (root,)})
    with pytest.raises(DropKeyError, match=r"s\.0001\.exr cannot be decoded") as raised:
        open_plate(shot, KeySettings())
    assert confined._LINKS not in str(raised.value)


@pytest.mark.parametrize("name", ["hint", "garbage", "core", "clean_plate"])
@pytest.mark.parametrize("kind", ["picture", "polygons"])
def test_a_matte_that_became_a_link_out_of_the_roots_is_not_read(
    root: Path, tmp_path: Path, name: str, kind: str
) -> None:
    """It was checked when the sidecar was read; the worker opens it later."""
    if kind == "polygons" and name not in ("garbage", "core"):
        pytest.skip("drawn mattes are garbage and core")
    shot = write_shot(root / "shot", range(1, 3)).model_copy(update={"confined_to": (root,)})
    outside = write_shot(tmp_path / "outside", range(1, 2))
    drawn = tmp_path / "matte.json"
    drawn.write_text(json.dumps({"frames": {"1": [{"points": [[0, 0], [9, 0], [0, 9]]}]}}))
    source = drawn if kind == "polygons" else outside.frame_path(1)
    matte = root / f"matte{source.suffix}"
    matte.write_bytes(source.read_bytes())
    order = ShotOrder(
        shot=shot,
        frames=(1,),
        settings=KeySettings(),
        output=tmp_path,
        mattes=MatteSources(**{name: str(matte)}),
    )
    with open_plate(shot, KeySettings()) as plate:
        reader = MatteReader(order, plate.format)
        reader.read(1, plate.read(1))
        matte.unlink()
        matte.symlink_to(source)
        os.utime(source, ns=(1, 1))  # as if it had just changed
        with pytest.raises(PlateUnreadable, match="link that leads out"):
            reader.read(1, plate.read(1))


def test_a_result_that_became_a_link_out_is_not_shown(root: Path, tmp_path: Path) -> None:
    write_shot(tmp_path / "outside", range(1, 2))
    (root / "a.exr").symlink_to(tmp_path / "outside")
    with pytest.raises(PlateUnreadable, match="link that leads out"):
        read_exr(root / "a.exr", within=(root,))


@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("ending", [".dropkey.json", ".job.json"])
def test_a_sidecar_that_is_a_link_out_or_a_pipe_is_refused_by_name(
    root: Path, tmp_path: Path, kind: str, ending: str
) -> None:
    settings = Settings(home=tmp_path / "home", drop_folders=(root,))
    shot = write_shot(root / "shot", range(1, 3))
    sidecar = root / f"shot{ending}"
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"plate": "shot", "priority": 99}))
    sidecar.symlink_to(secret) if kind == "link" else os.mkfifo(sidecar)
    with pytest.raises(BadInput, match=f"shot{ending}"):
        if ending == ".job.json":
            read_job_file(sidecar, Paths(settings), settings)
        else:
            read_sidecar(sidecar, shot, Paths(settings), settings)


def test_links_of_dead_processes_are_swept(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined.tempfile, "tempdir", str(tmp_path))
    dead = tmp_path / f"{confined._LINKS}999999999-x"
    dead.mkdir()
    confined._place_for_links.cache_clear()
    (root / "a.txt").write_bytes(b"a")
    assert content(root / "a.txt", root) == b"a"
    place = confined._place_for_links()
    assert not dead.exists() and place.parent == tmp_path and place.stat().st_mode & 0o777 == 0o700
    confined._place_for_links.cache_clear()
