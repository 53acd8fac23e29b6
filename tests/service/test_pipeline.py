"""One shot through the pipeline, on real files: what comes out, which screen, which mattes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from model.settings import MatteSources, Polygon, PolygonMatte
from service.errors import (
    DropKeyError,
    NoScreen,
    PlateMissing,
)
from service.exr import read_exr, verify
from service.jobs import FrameState
from service.manifest import ManifestState
from service.messages import FrameFinished, FrameStarted, ShotStarted
from service.pipeline.delivery import exact_rate
from service.pipeline.survey import sampled
from tests.service.pipeline_runs import files_of, manifest_of, no_temporaries, planes_of, run
from tests.service.shots_on_disk import (
    HEIGHT,
    WIDTH,
    LinearKeyer,
    Listener,
    order_for,
    plate_pixels,
    write_plate,
    write_shot,
)


def test_a_shot_comes_out_as_two_passes_and_a_manifest(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1001, 1005))
    order = order_for(shot, tmp_path / "out" / "v001", fps="23.976")
    listener = Listener()
    finished = run(order, listener=listener)
    assert (finished.outcome, finished.manifest) == ("done", order.output / "manifest.json")
    expected = [f"{name}/green_{name}.{n}.exr" for name in ("alpha", "foreground") for n in range(1001, 1005)]
    assert sorted(files_of(order)) == expected
    manifest = manifest_of(order)
    assert manifest.state is ManifestState.DONE
    assert (manifest.first_frame, manifest.last_frame, manifest.padding) == (1001, 1004, 4)
    assert manifest.fps == "24000/1001"
    assert (manifest.plate.width, manifest.plate.height, manifest.plate.encoding) == (WIDTH, HEIGHT, "linear")
    assert [(p.folder, p.pattern) for p in manifest.passes] == [
        ("foreground", "green_foreground.####.exr"),
        ("alpha", "green_alpha.####.exr"),
    ]
    for result in manifest.frames:
        assert result.state is FrameState.DONE
        for name, checksum in result.checksums.items():
            assert verify(order.output / name / f"green_{name}.{result.frame}.exr") == checksum
    assert [message.frame for message in listener.of(FrameStarted)] == [1001, 1002, 1003, 1004]
    assert [message.result.frame for message in listener.of(FrameFinished)] == [1001, 1002, 1003, 1004]
    assert all(
        message.read_seconds and message.key_seconds and message.write_seconds for message in listener.of(FrameFinished)
    )
    (started,) = listener.of(ShotStarted)
    assert (started.frames, started.kept, started.screen) == ((1001, 1002, 1003, 1004), (), manifest.screen)
    assert no_temporaries(order)


def test_the_core_is_the_plate_bit_for_bit_and_outside_is_zero(tmp_path: Path) -> None:
    pixels = plate_pixels(3) * np.float32(50.0)
    pixels[15:17, 24:26] = [[50.0, -0.125, 7.7]]
    write_plate(tmp_path / "in" / "green.0001.exr", pixels)
    write_plate(tmp_path / "in" / "green.0002.exr", pixels)
    shot = write_shot(tmp_path / "in", [])
    for association in ("premultiplied", "straight"):
        order = order_for(shot, tmp_path / association, settings={"association": association})
        run(order)
        planes = planes_of(order, "foreground", 1)
        color, alpha = np.dstack([planes[name] for name in "RGB"]), planes["A"]
        assert (alpha == 1.0).sum() > 20
        assert np.array_equal(color[alpha == 1.0], pixels[alpha == 1.0])
        assert (alpha == 0.0).sum() > 20
        assert not color[alpha == 0.0].any()
        matte = planes_of(order, "alpha", 1)
        assert all(np.array_equal(matte[name], alpha) for name in "RGBA")


def test_straight_and_premultiplied_composite_to_the_same_picture(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    background = np.float32([0.2, 0.1, 0.9])
    pictures = []
    for association in ("premultiplied", "straight"):
        order = order_for(shot, tmp_path / association, settings={"association": association})
        run(order)
        planes = planes_of(order, "foreground", 1)
        color, alpha = np.dstack([planes[name] for name in "RGB"]), planes["A"][..., None]
        light = color if association == "premultiplied" else color * alpha
        pictures.append(light + (1 - alpha) * background)
        header = read_exr(order.output / "foreground" / "green_foreground.0001.exr")[1]
        assert header["dropkey/association"] == manifest_of(order).association == association
    assert np.abs(pictures[0] - pictures[1]).max() < 1e-5


def test_an_unknown_rate_is_null_and_never_guessed(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [1, 2]), tmp_path / "out")
    run(order)
    assert manifest_of(order).fps is None


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("24", Fraction(24)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_rounded_television_rates_become_exact(asked: str, exact: Fraction) -> None:
    assert exact_rate(Fraction(asked)) == exact


def test_negative_frames_keep_their_numbers(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [-2, -1, 0, 1]), tmp_path / "out")
    run(order)
    assert "alpha/green_alpha.-0002.exr" in files_of(order)
    assert manifest_of(order).first_frame == -2


def test_running_twice_elsewhere_gives_the_same_bytes(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 6))
    one, two = order_for(shot, tmp_path / "a"), order_for(shot, tmp_path / "b", careful=True)
    run(one)
    run(two)
    assert files_of(one) == files_of(two)


def test_a_plate_without_a_screen_is_refused_with_a_fix(tmp_path: Path) -> None:
    for frame in (1, 2):
        write_plate(tmp_path / "in" / f"green.{frame:04d}.exr", np.full((HEIGHT, WIDTH, 3), 0.3, np.float32))
    order = order_for(write_shot(tmp_path / "in", []), tmp_path / "out")
    with pytest.raises(NoScreen):
        run(order)
    manifest = manifest_of(order)
    assert manifest.state is ManifestState.FAILED
    assert manifest.problem is not None
    assert manifest.problem.kind == "no_screen"
    assert manifest.plate.width == WIDTH


def test_samples_are_spread_from_first_to_last() -> None:
    assert sampled(range(1001, 1102)) == (1001, 1026, 1051, 1076, 1101)
    assert sampled((4, 9)) == (4, 9)


def test_a_known_screen_saves_the_survey(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    keyer = LinearKeyer()
    order = order_for(shot, tmp_path / "out", screen={"color": (0.0, 1.0, 0.0), "coverage": 0.5})
    run(order, keyer)
    assert keyer.surveys == []
    assert manifest_of(order).screen == order.screen


def test_the_survey_passes_over_a_broken_sample(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 21))
    shot.frame_path(1).write_bytes(b"\x76\x2f\x31\x01")
    keyer = LinearKeyer()
    assert run(order_for(shot, tmp_path / "out"), keyer).outcome == "incomplete"
    assert len(keyer.surveys[0]) == 4


# ---- mattes


def test_polygon_mattes_hold_inside_and_outside(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    corner = Polygon(points=((0, 0), (4, 0), (4, 3), (0, 3)))
    rest = Polygon(points=((20, 10), (28, 10), (28, 20), (20, 20)))
    mattes = MatteSources(core=PolygonMatte(frames={1: (corner,)}), garbage=PolygonMatte(frames={1: (rest,)}))
    order = order_for(shot, tmp_path / "out", mattes=mattes)
    run(order)
    planes = planes_of(order, "foreground", 2)
    assert (planes["A"][:3, :4] == 1.0).all()
    assert (planes["A"][10:20, 20:28] == 0.0).all()
    assert np.array_equal(planes["G"][:3, :4], plate_pixels(2)[:3, :4, 1])


def test_polygons_in_a_file_are_drawn_as_those_of_a_request(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    matte = PolygonMatte(frames={1: (Polygon(points=((20, 10), (28, 10), (28, 20), (20, 20))),)})
    file = tmp_path / "garbage.json"
    file.write_text(matte.model_dump_json())
    orders = [
        order_for(shot, tmp_path / name, mattes=MatteSources(garbage=source))
        for name, source in (("asked", matte), ("laid", str(file)))
    ]
    for order in orders:
        run(order)
    asked, laid = (planes_of(order, "alpha", 2)["A"] for order in orders)
    assert np.array_equal(asked, laid) and (laid[10:20, 20:28] == 0.0).all()
    assert all(result.matte_fingerprint for result in manifest_of(orders[1]).frames)


@pytest.mark.parametrize("text", [None, "", "{}", '{"frames": {"1": [{"points": [[0, 0]]}]}}'])
def test_a_file_of_polygons_that_is_none_is_named_before_any_frame_is_keyed(tmp_path: Path, text: str | None) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    file = tmp_path / "garbage.json"
    if text is not None:
        file.write_text(text)
    keyer = LinearKeyer()
    with pytest.raises(DropKeyError, match=r"garbage\.json"):
        run(order_for(shot, tmp_path / "out", mattes={"garbage": str(file)}), keyer)
    assert keyer.keyed == 0


def test_the_pixel_aspect_that_was_asked_for_is_in_manifest_and_header(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [1]), tmp_path / "out").model_copy(update={"pixel_aspect": 2.0})
    run(order)
    assert manifest_of(order).pixel_aspect_ratio == 2.0
    for name in ("foreground", "alpha"):
        file = next((order.output / name).iterdir())
        picture = oiio.ImageInput.open(str(file))
        assert picture.spec().getattribute("PixelAspectRatio") == 2.0
        picture.close()


def test_a_matte_that_is_not_there_is_named_before_any_frame_is_keyed(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    keyer = LinearKeyer()
    order = order_for(shot, tmp_path / "out", mattes={"garbage": str(tmp_path / "garbage.png")})
    with pytest.raises(PlateMissing):
        run(order, keyer)
    assert keyer.keyed == 0
    assert manifest_of(order).state is ManifestState.FAILED
