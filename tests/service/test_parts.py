"""Parts of a shot that several machines keyed are gathered without touching what is finished."""

from __future__ import annotations

from pathlib import Path

from service.parts import gather, part_folder


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_gathering_moves_what_is_missing_and_replaces_nothing(tmp_path: Path) -> None:
    part = part_folder(tmp_path, (1001, 1002))
    put(tmp_path / "alpha" / "a.1001.exr", b"finished")
    put(part / "alpha" / "a.1001.exr", b"of other settings")
    put(part / "alpha" / "a.1002.exr", b"new")
    assert gather(tmp_path) == 1
    assert (tmp_path / "alpha" / "a.1001.exr").read_bytes() == b"finished"
    assert (tmp_path / "alpha" / "a.1002.exr").read_bytes() == b"new"
