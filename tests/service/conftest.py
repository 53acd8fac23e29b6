"""What tests of the service may ask for by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.asking import Asker, asker
from tests.service.command_line import Dropkey, dropkey_command
from tests.service.dropping import Place


@pytest.fixture
def dropkey(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Dropkey:
    """Run `dropkey …` with a home of its own, on the CPU."""
    monkeypatch.setenv("DROPKEY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DROPKEY_DEVICE", "cpu")
    return dropkey_command


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Return a service's folders and queue without a worker."""
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Asker:
    """Ask the API of that place as who has the token."""
    return asker(place)
