"""What tests of the service may ask for by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.command_line import Dropkey, dropkey_command


@pytest.fixture
def dropkey(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Dropkey:
    """Run `dropkey …` with a home of its own, on the CPU."""
    monkeypatch.setenv("DROPKEY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DROPKEY_DEVICE", "cpu")
    return dropkey_command
