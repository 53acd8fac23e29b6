"""A file that another program has open, as After Effects on Windows has its footage, is replaced once it lets go."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from service import atomic
from service.atomic import replace_file
from service.errors import OutputReadOnly

SHARING_VIOLATION, ACCESS_DENIED = 32, 5


class Holder:
    """Refuses to let a file be replaced for so many times, as Windows does while somebody has it open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int, windows: int | None) -> None:
        self.times, self.windows, self.asked = times, windows, 0
        self._replace = os.replace
        self.slept: list[float] = []
        monkeypatch.setattr(os, "replace", self._refuse)
        monkeypatch.setattr(atomic.time, "sleep", self.slept.append)

    def _refuse(self, *given: Any, **named: Any) -> None:
        self.asked += 1
        if self.asked > self.times:
            self._replace(*given, **named)
            return
        error = PermissionError(errno.EACCES, "The process cannot access the file")
        if self.windows is not None:
            error.winerror = self.windows  # type: ignore[attr-defined]  # only there by itself on Windows
        raise error


@pytest.mark.parametrize("windows", [SHARING_VIOLATION, ACCESS_DENIED])
def test_a_reader_that_lets_go_after_a_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: int
) -> None:
    file = tmp_path / "frame.exr"
    file.write_bytes(b"old")
    holder = Holder(monkeypatch, 19, windows)
    replace_file(file, b"new")
    assert file.read_bytes() == b"new" and list(tmp_path.iterdir()) == [file]
    assert holder.asked == 20
    assert 0.3 < sum(holder.slept) < 4.0 and len(set(holder.slept)) > 1, "at odd times, not in step with the reader"


def test_a_reader_that_stays_is_named_and_its_file_left_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "frame.exr"
    file.write_bytes(b"old")
    Holder(monkeypatch, 10**6, SHARING_VIOLATION)
    with pytest.raises(OutputReadOnly, match=r"frame\.exr is open in another program") as refused:
        replace_file(file, b"new")
    assert "Close it there" in refused.value.fix
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file], "no other name is invented"


def test_a_folder_without_the_right_to_write_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Holder(monkeypatch, 10**6, None)
    with pytest.raises(OutputReadOnly, match="cannot be written"):
        replace_file(tmp_path / "frame.exr", b"new")
    assert holder.asked == 1 and not holder.slept
