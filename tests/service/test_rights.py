"""What may not be written is told before any work is done, by name and with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.shots_on_disk import write_shot
from tests.service.unprivileged import python_without_rights

KEY = """
import json, sys
from pathlib import Path
from service.errors import DropKeyError
from service.shots import shot_from_plate
from tests.service.pipeline_runs import run
from tests.service.shots_on_disk import LinearKeyer, order_for

plates, output = map(Path, sys.argv[1:])
keyer = LinearKeyer()
try:
    run(order_for(shot_from_plate(plates / "green.####.exr"), output), keyer)
    told = ["done", ""]
except DropKeyError as error:
    told = [error.kind, str(error)]
print(json.dumps([*told, keyer.keyed]))
"""

DOCTOR = """
import sys
from pathlib import Path
from service import doctor
from service.settings import Settings

for finding in doctor.check_folders(Settings(home=Path(sys.argv[1]) / "home", output_root=Path(sys.argv[1]))):
    if finding.name == "output folder":
        print(finding.verdict, finding.fix)
"""


@pytest.fixture
def version(tmp_path: Path) -> Iterator[Path]:
    version = tmp_path / "out" / "green" / "v001"
    for name in ("foreground", "alpha"):
        (version / name).mkdir(parents=True)
    yield version
    for folder in (version, *version.iterdir()):
        folder.chmod(0o700)


@pytest.mark.parametrize("closed", [".", "foreground", "alpha"])
def test_a_folder_that_may_not_be_written_stops_a_shot_before_any_frame_is_keyed(
    tmp_path: Path, version: Path, closed: str
) -> None:
    write_shot(tmp_path / "in", range(1, 4))
    (version / closed).chmod(0o500)
    ran = python_without_rights("-c", KEY, str(tmp_path / "in"), str(version))
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.splitlines()[-1].startswith('["output_read_only", ')
    assert str(version / closed).removesuffix("/.") in ran.stdout and "right to write" in ran.stdout
    assert ran.stdout.rstrip().endswith(", 0]"), "no frame was keyed"
    assert not [path for path in version.rglob("*") if path.is_file()]


def test_the_same_folder_takes_the_shot_when_it_may_be_written(tmp_path: Path, version: Path) -> None:
    write_shot(tmp_path / "in", range(1, 4))
    ran = python_without_rights("-c", KEY, str(tmp_path / "in"), str(version))
    assert ran.stdout.splitlines()[-1:] == ['["done", "", 3]'], ran.stderr[-2000:]


def test_doctor_tells_an_output_folder_without_permission(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ran = python_without_rights("-c", DOCTOR, str(closed))
    assert ran.stdout.startswith("problem") and str(closed) in ran.stdout, ran.stderr[-2000:]
    closed.chmod(0o700)
