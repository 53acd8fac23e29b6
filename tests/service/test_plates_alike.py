"""A plate that was rendered without conversion is decoded as the files that it was rendered from would be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.settings import KeySettings
from service.plates.opening import open_plate
from service.plates.pictures import Picture, PlateFormat
from service.shots import shot_from_plate
from tests.service.asking import asker
from tests.service.dropping import QUEUED, Place
from tests.service.movies_on_disk import write_movie
from tests.service.pictures_on_disk import noise, write
from tests.service.tagged_pictures import P3_COLORANTS, SRGB_CURVE, cicp, iccp, png, profile

Codes = NDArray[Any]


def movie(path: Path, *, primaries: int = 2, curve: int = 2, matrix: int = 1) -> Path:
    def tag(context: Any) -> None:
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = (
            primaries,
            curve,
            matrix,
            1,
        )

    levels = np.linspace(64, 940, 32 * 16).reshape(16, 32).astype(np.uint16)
    planes = [levels, np.full_like(levels, 512), np.full_like(levels, 512)]
    return write_movie(path, [planes, planes], "libx264", "yuv444p10le", tag=tag)


def read(path: Path, *alike: Path, **settings: Any) -> tuple[PlateFormat, Picture]:
    shot = shot_from_plate(path).model_copy(update={"encoded_like": alike})
    with open_plate(shot, KeySettings(**settings)) as plate:
        return plate.format, plate.read(1)


def rendered(origin: Path, folder: Path) -> Path:
    """A render of ``origin`` that keeps its numbers, as After Effects makes one without a working space: 16-bit PNG."""
    folder.mkdir()
    stored = read(origin, encoding="linear")[1].color
    return png(folder / "render_0001.png", np.round(np.clip(stored, 0, 1) * 65535).astype(np.uint16))


@pytest.mark.parametrize(
    ("tags", "encoding"),
    [
        ({}, "rec709"),
        ({"primaries": 1, "curve": 13}, "srgb"),
        ({"primaries": 9, "curve": 18, "matrix": 9}, "hlg"),
        ({"primaries": 9, "curve": 16, "matrix": 9}, "pq"),
        ({"primaries": 9, "curve": 14, "matrix": 9}, "rec2020"),
        ({"primaries": 12, "curve": 13}, "display-p3"),
        ({"primaries": 1, "curve": 4}, "gamma22"),
    ],
)
def test_a_movie_and_its_render_are_the_same_light(tmp_path: Path, tags: dict[str, int], encoding: str) -> None:
    origin = movie(tmp_path / "take.mov", **tags)
    sent = read(origin)
    back = read(rendered(origin, tmp_path / "plates"), origin)
    assert (sent[0].encoding, back[0].encoding) == (encoding, encoding)
    assert "take.mov" in back[0].encoding_reason and back[0].warnings == ()
    np.testing.assert_allclose(back[1].color, sent[1].color, rtol=2e-3, atol=2e-4)


def test_pictures_with_a_profile_or_chunk_of_their_own_are_rendered_alike(tmp_path: Path) -> None:
    codes = np.round(noise() * 65535).astype(np.uint16)
    p3 = iccp(profile(P3_COLORANTS, SRGB_CURVE))
    for name, chunk, encoding in (("a", p3, "display-p3"), ("b", cicp(9, 14), "rec2020")):
        origin = png(tmp_path / f"{name}.png", codes, chunk)
        sent, back = read(origin), read(rendered(origin, tmp_path / name), origin)
        assert sent[0].encoding == back[0].encoding == encoding
        np.testing.assert_allclose(back[1].color, sent[1].color, atol=2e-4)


def test_an_encoding_that_was_asked_for_wins(tmp_path: Path) -> None:
    origin = movie(tmp_path / "take.mov", primaries=9, curve=18, matrix=9)
    seen, _ = read(rendered(origin, tmp_path / "plates"), origin, encoding="arri-logc4")
    assert (seen.encoding, seen.encoding_reason) == ("arri-logc4", "asked for")


def test_files_of_several_encodings_are_told_of(tmp_path: Path) -> None:
    first, second = movie(tmp_path / "a.mov", primaries=9, curve=18, matrix=9), movie(tmp_path / "b.mov")
    seen, _ = read(rendered(first, tmp_path / "plates"), first, second)
    assert seen.encoding == "hlg"
    assert "several encodings (hlg, rec709)" in " ".join(seen.warnings)


@pytest.mark.parametrize(("name", "encoding"), [("gone.mov", "rec709"), ("gone.0001.png", "srgb")])
def test_a_file_that_is_out_of_reach_counts_as_its_kind_and_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, encoding: str
) -> None:
    plate = write(tmp_path / "render_0001.png", np.full((4, 4, 3), 9, np.uint8), "uint8")
    seen, _ = read(plate, tmp_path / "elsewhere" / name)
    assert (
        seen.encoding == encoding and f"{name}, which the plate was rendered from, cannot be read" in seen.warnings[0]
    )
    # A bare name is what is left of a path that its asker may not name: the folder we happen to be in has no say.
    monkeypatch.chdir(tmp_path)
    movie(tmp_path / "take.mov", primaries=9, curve=18, matrix=9)
    assert read(plate, Path("take.mov"))[0].encoding == "rec709"


def test_a_file_outside_the_folders_of_the_plate_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    origin = movie(tmp_path / "take.mov", primaries=9, curve=18, matrix=9)
    plate = write(tmp_path / "root" / "render_0001.png", np.full((4, 4, 3), 9, np.uint8), "uint8")
    shot = shot_from_plate(plate).model_copy(
        update={"encoded_like": (origin,), "confined_to": ((tmp_path / "root").resolve(),)}
    )
    with open_plate(shot, KeySettings()) as opened:
        assert opened.format.encoding == "rec709"


# ---- how a request says it


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.render(range(1, 4))
    yield made
    made.close()


def test_a_request_names_them_and_they_make_another_job(place: Place, tmp_path: Path) -> None:
    client = asker(place)
    plain = {"plate": str(place.root / "hero" / "hero.####.png")}
    told = {**plain, "encoded_like": [str(tmp_path / "take.mov")]}
    first, second, again = (client.post("/jobs", json=body).json() for body in (plain, told, told))
    assert second["shot"]["encoded_like"] == [str(tmp_path / "take.mov")]
    assert first["id"] != second["id"] == again["id"]


def test_a_job_file_may_name_footage_that_only_its_artist_sees(place: Place) -> None:
    for frame in (1, 2):
        place.put(f"plates/render_{frame:04d}.png")
    content = {"plate": "plates/render_####.png", "encoded_like": ["Q:\\footage\\take.mov", "hero/hero.0001.png"]}
    place.put("order.job.json", json.dumps(content))
    job = next(each for each in place.wait(20.0) if each.request.client == "order.job.json")
    assert job.state is QUEUED and job.problem is None
    assert job.shot.encoded_like == (Path("take.mov"), place.root / "hero" / "hero.0001.png")
