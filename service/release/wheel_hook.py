"""What hatchling adds to the wheel: the panel as one file, and the documentation as pages for a browser."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelHook(BuildHookInterface[Any]):
    """Runs before a wheel is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Lay panel and documentation beside the service's modules; an editable installation has their sources."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from service.panel_bundle import NAME, bundle

        folder = Path(tempfile.mkdtemp())
        (folder / NAME).write_text(bundle(root / "ae_scripts", self.metadata.version), encoding="utf-8", newline="\n")
        pages = sorted(page for page in root.glob("docs/**/*") if page.is_file())
        build_data["force_include"] |= {
            str(folder / NAME): f"service/{NAME}",
            str(root / "run.py"): "service/run.py",  # for unpacked releases that this wheel updates
            str(root / "CHANGELOG.md"): "service/docs/CHANGELOG.md",
            str(root / "README.md"): "service/docs/README.md",
            **{str(page): f"service/{page.relative_to(root).as_posix()}" for page in pages},
        }
