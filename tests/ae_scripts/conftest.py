"""The bundled panel, built once for all tests of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.panel_bundle import NAME, bundle


@pytest.fixture(scope="session")
def panel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DropKey.jsx as `dropkey panel build` writes it."""
    file = tmp_path_factory.mktemp("panel") / NAME
    file.write_text(bundle(), encoding="utf-8", newline="\n")
    return file
