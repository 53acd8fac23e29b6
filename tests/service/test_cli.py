"""The command line: what it prints, where it writes, how it fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from model.settings import KeySettings
from service.cli import measuring
from service.cli.keying import key_settings
from service.demo import pictures
from service.demo.shot import paint_frame
from service.errors import BadInput
from service.exr import read_exr
from service.jobs import FrameState
from service.manifest import Manifest, ManifestState
from tests.service.command_line import Dropkey
from tests.service.movies_on_disk import write_movie

SIZE = {"width": 160, "height": 90}


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a green-screen shot: frames 1001-1004, 16-bit PNG."""
    folder = tmp_path_factory.mktemp("painted") / "wave"
    folder.mkdir()
    for index in range(4):
        plate = pictures.srgb_from_linear(paint_frame(index, 4, **SIZE).plate)
        pictures.write_png(folder / f"wave.{1001 + index}.png", plate, bits=16)
    return folder


def manifest_of(result: Result) -> Manifest:
    assert result.exit_code == 0, result.output
    return Manifest.model_validate_json(Path(result.stdout.splitlines()[-1]).read_text(encoding="utf-8"))


def passes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.exr"))}


def test_every_command_explains_itself(dropkey: Dropkey) -> None:
    for command in ("serve", "key", "demo", "doctor", "bench", "evaluate"):
        result = dropkey(command, "--help")
        assert result.exit_code == 0 and "Usage" in result.stdout


def test_a_folder_is_keyed_and_its_manifest_printed_last(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    manifest = manifest_of(dropkey("key", painted, "--output", tmp_path / "out"))
    assert manifest.state is ManifestState.DONE
    assert [(frame.frame, frame.state) for frame in manifest.frames] == [
        (number, FrameState.DONE) for number in range(1001, 1005)
    ]
    assert set(passes(tmp_path / "out" / "wave" / "v001")) == {
        f"{name}/wave_{name}.{number}.exr" for name in ("foreground", "alpha") for number in range(1001, 1005)
    }


def test_nothing_is_ever_overwritten(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    for _ in range(2):
        manifest_of(dropkey("key", painted / "wave.####.png", "--frames", "1001", "--output", tmp_path))
    first, second = (passes(tmp_path / "wave" / version) for version in ("v001", "v002"))
    assert len(first) == 2 and first == second


def test_progress_is_one_line_a_frame_for_programs(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    lines = dropkey("key", painted, "--frames", "1001-1002", "--output", tmp_path).stdout.splitlines()
    assert lines[:2] == ["PROGRESS 50% frame=1001", "PROGRESS 100% frame=1002"]


def test_json_alone_is_on_stdout_when_asked_for(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    answer = json.loads(dropkey("key", painted, "--frames", "1003", "--output", tmp_path, "--json").stdout)
    assert Path(answer["manifest"]) == tmp_path / "wave" / "v001" / "manifest.json"
    assert (answer["outcome"], answer["frames_done"], answer["frames_failed"]) == ("done", 1, 0)


def test_settings_reach_the_manifest(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    file = tmp_path / "look.json"
    file.write_text('{"despill": 0.25, "alpha_floor": 0.1}', encoding="utf-8")
    options = ("--settings", file, "--despill", "0.5", "--set", "refine_edges=false", "--straight")
    manifest = manifest_of(dropkey("key", painted, "--frames", "1001", "--output", tmp_path, *options))
    settings = manifest.settings
    assert (settings.despill, settings.alpha_floor, settings.refine_edges) == (0.5, 0.1, False)
    assert (settings.association, manifest.association) == ("straight", "straight")


def test_a_core_matte_is_honored_and_named_in_the_manifest(
    dropkey: Dropkey, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = np.zeros((SIZE["height"], SIZE["width"], 3), np.float32)
    core[:20, :20] = 1.0  # bare screen, which only the matte makes solid
    pictures.write_png(tmp_path / "core.png", core, bits=8)
    monkeypatch.chdir(tmp_path)
    manifest = manifest_of(dropkey("key", painted, "--frames", "1001", "--output", tmp_path, "--core", "core.png"))
    version = tmp_path / "wave" / "v001"
    assert (version / str(manifest.mattes.core)).resolve() == tmp_path / "core.png"
    planes, _ = read_exr(version / "alpha" / "wave_alpha.1001.exr")
    assert (planes["A"][:20, :20] == 1.0).all() and planes["A"][:20, 30:40].max() < 0.1


def test_every_setting_of_the_key_can_be_chosen() -> None:
    for name, value in KeySettings().model_dump(mode="json").items():
        chosen = key_settings(KeySettings(), None, {}, [f"{name}={json.dumps(value)}"])
        assert chosen == KeySettings()


def test_a_screen_color_is_read_as_three_numbers() -> None:
    chosen = key_settings(KeySettings(), None, {"screen_color": "0.05,0.3,0.08"}, [])
    assert chosen.screen_color == (0.05, 0.3, 0.08)
    with pytest.raises(BadInput, match="not a color"):
        key_settings(KeySettings(), None, {"screen_color": "green"}, [])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--set", "despil=1"], 10, "despil"),
        (["--set", "despill=7"], 10, "despill"),
        (["--set", "despill"], 10, "name=value"),
        (["--keyer", "magic"], 10, "magic"),
        (["--fps", "fast"], 10, "fps"),
        (["--frames", "9-1"], 10, "backwards"),
        (["--frames", "1001-1009"], 10, "--accept-gaps"),
        (["--version-folder", "final"], 10, "v001"),
        (["--encoding", "kodachrome"], 10, "kodachrome"),
    ],
)
def test_wrong_choices_are_named_with_the_fix(
    dropkey: Dropkey, painted: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    result = dropkey("key", painted, "--output", tmp_path / "out", *arguments)
    assert result.exit_code == code
    assert words in result.stderr and "Error:" in result.stderr and "Traceback" not in result.output
    assert not list((tmp_path / "out").glob("*/v*/*/*.exr"))


def test_a_plate_without_a_screen_is_refused(dropkey: Dropkey, tmp_path: Path) -> None:
    pictures.write_png(tmp_path / "grey.png", np.full((64, 64, 3), 0.4, np.float32), bits=16)
    result = dropkey("key", tmp_path / "grey.png", "--output", tmp_path / "out")
    assert result.exit_code == 10
    assert "screen" in result.stderr


def test_a_missing_plate_is_bad_input(dropkey: Dropkey, tmp_path: Path) -> None:
    assert dropkey("key", tmp_path / "nowhere", "--output", tmp_path).exit_code == 10


def test_an_output_that_cannot_be_written_is_worth_another_try(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be", encoding="utf-8")
    result = dropkey("key", painted, "--output", tmp_path / "out")
    assert result.exit_code == 11
    assert "cannot be written" in result.stderr


def test_a_broken_frame_is_named_and_the_others_are_keyed(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wave"
    folder.mkdir()
    for file in painted.iterdir():
        content = file.read_bytes()
        (folder / file.name).write_bytes(content[: len(content) // 2] if "1002" in file.name else content)
    result = dropkey("key", folder, "--output", tmp_path / "out")
    assert result.exit_code == 10
    assert "frame 1002" in result.stderr
    manifest = Manifest.model_validate_json((tmp_path / "out/wave/v001/manifest.json").read_text(encoding="utf-8"))
    assert manifest.state is ManifestState.INCOMPLETE
    assert len(passes(tmp_path / "out")) == 6


def test_what_a_movie_asks_for_and_does_not_get_is_told(dropkey: Dropkey, tmp_path: Path) -> None:
    green = [np.full((64, 64), 130, np.uint8), np.full((32, 32), 64, np.uint8), np.full((32, 32), 54, np.uint8)]
    options = {"x264-params": "tff=1"}
    movie = write_movie(tmp_path / "green.mov", [green], "libx264", "yuv420p", options=options)
    result = dropkey("key", movie, "--output", tmp_path / "out", "--keyer", "difference")
    assert result.exit_code == 0, result.output
    assert "Warning: green: The movie is marked as interlaced" in result.stderr


def test_parts_keyed_apart_equal_one_run(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    whole = manifest_of(dropkey("key", painted, "--output", tmp_path / "whole"))
    for frames in ("1003-1004", "1001-1002", "1001-1002"):
        result = dropkey("key", painted, "--output", tmp_path / "parts", "--version-folder", "v001", "--frames", frames)
        assert result.exit_code == 0, result.output
        assert not (tmp_path / "parts/wave/v001/manifest.json").exists(), "a part is no result yet"
    gathered = manifest_of(dropkey("key", painted, "--output", tmp_path / "parts", "--version-folder", "v001"))
    assert gathered.screen == whole.screen
    assert [f.checksums for f in gathered.frames] == [f.checksums for f in whole.frames]
    one, other = (tmp_path / name / "wave" / "v001" for name in ("whole", "parts"))
    assert passes(one) == passes(other)
    assert not (other / "parts").exists()


def test_a_finished_part_is_not_keyed_again(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    options = ("--output", tmp_path, "--version-folder", "v003", "--frames", "1001-1002")
    dropkey("key", painted, *options)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.exr")}
    assert len(written) == 4
    dropkey("key", painted, *options)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.exr")} == written


def test_bench_measures_a_painted_shot(dropkey: Dropkey) -> None:
    (found,) = json.loads(dropkey("bench", "360p", "--frames", "2", "--json").stdout)
    assert (found["width"], found["frames"]) == (640, 2)
    assert found["key_seconds"] > 0 and found["peak_mib"] > 50


def test_unknown_sizes_and_sets_are_named(dropkey: Dropkey) -> None:
    assert dropkey("bench", "8k").exit_code == 10
    assert dropkey("evaluate", "--set", "plates/moon").exit_code == 10


def test_weights_are_not_stamped_with_what_they_score_in_grain(dropkey: Dropkey, tmp_path: Path) -> None:
    refused = dropkey("evaluate", "--quick", "--weights", tmp_path / "own.safetensors", "--stamp", "--grain", "0.02")
    assert refused.exit_code == 10
    assert "--grain" in refused.stderr


def test_who_names_no_plates_gets_what_is_there_and_no_error(dropkey: Dropkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DROPKEY_PLATES", raising=False)
    monkeypatch.setattr(measuring, "chosen_sets", lambda names: ("plates/alpha",))
    result = dropkey("evaluate", "--quick", "--keyer", "difference")
    assert result.exit_code == 0, result.output
    assert "no folder of plates was given" in result.stdout


def test_missing_plates_are_named_not_skipped(dropkey: Dropkey, tmp_path: Path) -> None:
    result = dropkey("evaluate", "--set", "plates/alpha", "--plates", tmp_path)
    assert result.exit_code == 10
    assert "plates/alpha" in result.stderr and "DROPKEY_PLATES" in result.stderr


def test_a_score_is_printed_and_shown_on_a_page_with_its_pictures(dropkey: Dropkey, tmp_path: Path) -> None:
    page = tmp_path / "score"
    result = dropkey("evaluate", "--set", "rendered", "--quick", "--keyer", "difference", "--page", page)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    cells = [cell.strip() for line in lines if "difference" in line for cell in line.split("│")]
    assert "difference" in cells and sum(cell.replace(".", "").isdigit() for cell in cells) >= 10
    assert lines[-1] == str(page / "index.html")
    shown = (page / "index.html").read_text(encoding="utf-8")
    names = re.findall(r'src="([^"]+)"', shown)
    assert ">difference<" in shown and len(names) == 4 * 4, "four plates, four pictures of each"
    assert all((page / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_an_unforeseen_failure_leaves_a_report(
    dropkey: Dropkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nobody's fault")

    monkeypatch.setattr("service.doctor.examine", broken)
    result = dropkey("doctor")
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stderr and "Traceback" not in result.output
    (report,) = (tmp_path / "home" / "logs").glob("failure-*.txt")
    assert "Traceback" in report.read_text(encoding="utf-8")


def test_settings_that_do_not_fit_are_named(dropkey: Dropkey, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dropkey.toml").write_text("prot = 8766\n", encoding="utf-8")
    result = dropkey("doctor")
    assert result.exit_code == 2
    assert "prot" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole console, the tests' own included")
def test_interrupted_work_is_kept_and_goes_on_later(dropkey: Dropkey, painted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plates" / "wave"
    folder.mkdir(parents=True)
    for number in range(1001, 1031):
        shutil.copy(painted / f"wave.{1001 + number % 4}.png", folder / f"wave.{number}.png")
    command = [
        sys.executable,
        "-m",
        "service.cli",
        "key",
        str(folder),
        "--output",
        str(tmp_path),
        "--progress",
        "lines",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "PROGRESS 3% frame=1001\n"
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == 130, rest
    version = tmp_path / "wave" / "v001"
    manifest = Manifest.model_validate_json((version / "manifest.json").read_text(encoding="utf-8"))
    assert manifest.state is ManifestState.STOPPED
    first = version / "foreground" / "wave_foreground.1001.exr"
    before = first.stat().st_mtime_ns
    result = manifest_of(dropkey("key", folder, "--output", tmp_path, "--version-folder", "v001"))
    assert result.state is ManifestState.DONE
    assert first.stat().st_mtime_ns == before, "the finished frame was kept"
