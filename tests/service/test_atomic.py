"""Files are put in their place in one step, and never through something that lay in the way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from service.atomic import is_full, replace_file, write_error
from service.errors import OutputFull
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


@pytest.mark.parametrize(
    ("number", "windows", "words"),
    [
        (errno.ENOSPC, None, "disk of /out is full"),
        (errno.EDQUOT, None, "quota for /out is used up"),
        (errno.EINVAL, 112, "disk of /out is full"),
        (errno.EINVAL, 1295, "quota for /out is used up"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="there, the system makes these errors itself")
def test_a_quota_that_is_used_up_is_a_full_disk_in_words_of_its_own(
    number: int, windows: int | None, words: str
) -> None:
    error = OSError(number, "the system's words")
    if windows is not None:
        error.winerror = windows
    told = write_error(error, Path("/out/frame.exr"))
    assert is_full(error) and isinstance(told, OutputFull)
    assert words in told.message and told.fix.endswith("then retry.")


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOENT, None])
def test_other_faults_are_no_full_disk(number: int | None) -> None:
    assert not is_full(OSError(number, "no") if number else OSError("no"))
