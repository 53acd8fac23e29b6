"""Files whose names are not UTF-8: nothing can be made of them, so they are told by name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from service.doctor import check_folders
from service.errors import PlateMissing
from service.names import unreadable_in
from service.settings import Settings
from service.shots import shot_from_plate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no such names")


@pytest.fixture
def hero(tmp_path: Path) -> Path:
    folder = tmp_path / "drop" / "hero"
    folder.mkdir(parents=True)
    for frame in (1, 2):
        Path(os.fsdecode(os.fsencode(folder) + b"/h\xe9ro.000%d.png" % frame)).write_bytes(b"picture")
    return folder


def test_a_folder_of_such_files_alone_is_refused_by_their_names(hero: Path) -> None:
    with pytest.raises(PlateMissing, match=r"not UTF-8: h\\xe9ro\.0001\.png, h\\xe9ro\.0002\.png") as raised:
        shot_from_plate(hero)
    assert "Rename" in raised.value.fix
    str(raised.value).encode("utf-8")  # it can be sent and logged


def test_the_doctor_finds_them_in_drop_folders(hero: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", drop_folders=(hero.parent,))
    told = [finding for finding in check_folders(settings) if "UTF-8" in finding.message]
    assert len(told) == 1 and told[0].verdict == "problem"
    assert str(hero) in told[0].message and "h\\xe9ro.0001.png" in told[0].message


def test_other_names_are_left_alone(tmp_path: Path) -> None:
    for name in ("héro.0001.png", "plain.0001.png", "絵.0001.png"):
        (tmp_path / name).touch()
    assert unreadable_in(tmp_path) == []
