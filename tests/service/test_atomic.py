"""Files are put in their place in one step, and never through something that lay in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.atomic import replace_file
from service.pipeline import kept

LINKS = pytest.mark.skipif(os.name == "nt", reason="making links needs a right there")


def temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def test_what_was_there_is_replaced_and_nothing_temporary_is_left(tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    temporary(file).write_bytes(b"of a dead process with our number")
    for content in (b"first", b"second"):
        replace_file(file, content)
        assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


@LINKS
@pytest.mark.parametrize("linking", [True, False])
def test_a_link_laid_under_the_temporary_name_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linking: bool
) -> None:
    """Whoever may write into an output folder must not make us overwrite the user's files elsewhere."""
    private, earlier, file = tmp_path / "private", tmp_path / "earlier.exr", tmp_path / "out" / "frame.exr"
    file.parent.mkdir()
    private.write_bytes(b"mine")
    earlier.write_bytes(b"kept")

    def refuse(*_: object) -> None:
        raise OSError("this disk knows no hard links")

    if not linking:
        monkeypatch.setattr(os, "link", refuse)
    for put, content in ((lambda: replace_file(file, b"new"), b"new"), (lambda: kept._link(earlier, file), b"kept")):
        temporary(file).symlink_to(private)
        put()
        assert file.read_bytes() == content and not file.is_symlink()
        assert private.read_bytes() == b"mine"
