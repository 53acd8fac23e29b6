"""The template for Open Job Description is run by its own tool: parts, then a gather that waits for them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.manifest import read_manifest
from tests.service.command_line import dropkey_command
from tests.service.shots_on_disk import write_shot

pytest.importorskip("openjd.cli")

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "docs" / "farm" / "openjd.yaml"


def openjd(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from openjd.cli import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT)


def test_its_own_tool_finds_no_fault_in_the_template() -> None:
    done = openjd("check", str(TEMPLATE))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_parts_are_keyed_and_then_gathered_with_progress_on_the_way(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 6))
    parameters = {
        "Shot": "green",
        "Plate": str(shot.folder / shot.pattern),
        "Output": str(tmp_path / "out"),
        "Frames": "1-5",
        "FramesPerTask": "3",
        "Options": "--keyer difference --device cpu",
        "DropKey": f"{sys.executable} -m service.cli",
    }
    given = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
    done = openjd("run", str(TEMPLATE), "--step", "Gather", "--run-dependencies", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = read_manifest(tmp_path / "out" / "green" / "v001" / "manifest.json")
    assert manifest.state == "done" and [result.frame for result in manifest.frames] == [1, 2, 3, 4, 5]
    assert not (tmp_path / "out" / "green" / "v001" / "parts").exists()
    assert re.findall(r"openjd_status: dropkey exit code (\d+)", done.stdout) == ["0", "0", "0"]
    assert done.stdout.count("openjd_progress: 100.0") == 3 and "openjd_status: frame 5" in done.stdout


def test_a_task_says_in_one_line_why_it_failed(tmp_path: Path) -> None:
    done = dropkey_command("key", tmp_path / "nothing.####.exr", "--output", tmp_path / "out", "--progress", "openjd")
    assert done.exit_code == 10
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("openjd_fail: ")]
    assert "nothing.####.exr" in line
