"""The token and the home folder: who else could read or change them, and files that are no token."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from service import private
from service.doctor import check_folders
from service.errors import Misconfigured
from service.private import close_home, load_token, read_token
from service.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes; icacls does it there")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("rights", [0o644, 0o640, 0o602])
def test_a_token_that_others_could_read_is_worth_nothing_any_more(settings: Settings, rights: int) -> None:
    told: list[str] = []
    old = load_token(settings, told.append)
    settings.token_file.chmod(rights)
    new = load_token(settings, told.append)
    assert new != old and load_token(settings, told.append) == new
    assert mode(settings.token_file) == 0o600
    assert len(told) == 1 and "dropkey open" in told[0] and old not in told[0] and new not in told[0]


def test_on_a_disk_without_rights_the_token_stays_and_that_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    old = load_token(settings)
    settings.token_file.chmod(0o777)
    monkeypatch.setattr(Path, "chmod", lambda self, mode: None)  # as a share does that shows 0777 whatever one asks
    assert load_token(settings, told.append) == old
    assert len(told) == 1 and "another disk" in told[0]


@pytest.mark.parametrize("content", [b"", b"short", bytes(range(128, 255)), b"\0" * 60, b"a" * 30 + b"\n" + b"b" * 30])
def test_a_file_that_is_no_token_is_an_error_with_its_fix(settings: Settings, content: bytes) -> None:
    settings.home.mkdir(mode=0o700)
    settings.token_file.write_bytes(content)
    with pytest.raises(Misconfigured, match="token") as raised:
        load_token(settings)
    assert str(settings.token_file) in raised.value.message and "makes a new one" in raised.value.fix


def test_a_folder_in_the_place_of_the_token_is_an_error_with_its_fix(settings: Settings) -> None:
    settings.token_file.mkdir(parents=True)
    for read in (lambda: load_token(settings), lambda: read_token(settings.token_file)):
        with pytest.raises(Misconfigured, match="cannot be read"):
            read()


@pytest.mark.parametrize("rights", [0o777, 0o775, 0o1777])
def test_others_lose_the_right_to_write_into_the_home_folder(settings: Settings, rights: int) -> None:
    told: list[str] = []
    settings.home.mkdir()
    settings.home.chmod(rights)
    assert [finding.verdict for finding in check_folders(settings) if finding.name == "home folder"] == ["note"]
    close_home(settings, told.append)
    close_home(settings, told.append)
    assert mode(settings.home) == rights & ~0o022
    assert len(told) == 1 and str(settings.home) in told[0]
    assert [finding.verdict for finding in check_folders(settings) if finding.name == "home folder"] == ["fine"]


def test_a_home_folder_that_stays_open_is_told_of(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    settings.home.mkdir()
    settings.home.chmod(0o777)

    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)  # as for a folder of somebody else
    close_home(settings, told.append)
    assert len(told) == 1 and "chmod go-w" in told[0]


def test_a_token_appears_whole_and_closed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can open it between its making and the setting of its rights."""
    seen: list[int] = []
    replace = os.replace

    def noted(source: Path, target: Path) -> None:
        seen.append(mode(source))
        replace(source, target)

    monkeypatch.setattr(private.os, "replace", noted)
    load_token(settings)
    assert seen == [0o600]
