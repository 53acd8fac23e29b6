"""The manifest on disk: written in one step, read with care, and its holes accepted by a person only."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from service.errors import BadInput, NotFound, OutputFull, WrongState
from service.manifest import SCHEMA_VERSION, Manifest, ManifestState, accept_holes, read_manifest, write_manifest
from tests.service.full_disk import disk_is_full

EXAMPLE = Path(__file__).parents[2] / "docs" / "schemas" / "examples" / "manifest.json"


@pytest.fixture
def incomplete(tmp_path: Path) -> Path:
    return Path(shutil.copy(EXAMPLE, tmp_path / "manifest.json"))


def changed(path: Path, **values: object) -> Path:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path: Path, incomplete: Path) -> None:
    manifest = read_manifest(incomplete)
    write_manifest(tmp_path / "again.json", manifest)
    assert read_manifest(tmp_path / "again.json") == manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.json", "manifest.json"]


def test_names_beyond_ascii_survive(tmp_path: Path, incomplete: Path) -> None:
    manifest = read_manifest(incomplete).model_copy(update={"shot": "Größe 緑"})
    write_manifest(incomplete, manifest)
    assert "Größe 緑" in incomplete.read_text(encoding="utf-8")
    assert read_manifest(incomplete).shot == "Größe 緑"


def test_a_missing_manifest_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("damage", [b"", b'{"schema_version": 1', b"[]", b"\xff\xfe", b'{"schema_version": 1}'])
def test_a_damaged_manifest_says_so(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(damage)
    with pytest.raises(BadInput) as caught:
        read_manifest(tmp_path / "manifest.json")
    assert caught.value.fix


def test_a_newer_schema_asks_for_an_update(incomplete: Path) -> None:
    changed(incomplete, schema_version=SCHEMA_VERSION + 1, unheard_of=True)
    with pytest.raises(BadInput, match="newer DropKey") as caught:
        read_manifest(incomplete)
    assert "Update" in caught.value.fix


def test_accepting_holes_makes_it_done_and_keeps_them_listed(incomplete: Path) -> None:
    before = read_manifest(incomplete)
    accepted = accept_holes(incomplete)
    assert accepted == read_manifest(incomplete)
    assert (accepted.state, accepted.accepted) == (ManifestState.DONE, True)
    assert accepted.frames == before.frames
    assert accept_holes(incomplete) == accepted


@pytest.mark.parametrize("state", ["running", "stopped", "failed", "done"])
def test_only_an_incomplete_result_can_be_accepted(incomplete: Path, state: str) -> None:
    changed(incomplete, state=state)
    with pytest.raises(WrongState):
        accept_holes(incomplete)


def test_a_full_disk_leaves_the_earlier_manifest_whole(
    tmp_path: Path, incomplete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: Manifest = read_manifest(incomplete)
    monkeypatch.setattr(os, "fsync", disk_is_full)
    with pytest.raises(OutputFull):
        write_manifest(incomplete, before.model_copy(update={"state": ManifestState.DONE}))
    assert read_manifest(incomplete) == before
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
