"""A copy of run.py in an empty project of its own, so that nothing touches the real environment."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent


def copied_setup(project: Path) -> ModuleType:
    """Return the copy in ``project`` as a module."""
    copy = project / "run.py"
    project.mkdir()
    copy.write_text((ROOT / "run.py").read_text(encoding="utf-8"), encoding="utf-8")
    (project / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("run_under_test", copy)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def fake_environment(run: ModuleType, extras: str = "") -> None:
    """Lay down what a finished setup leaves behind."""
    folder, suffix = run.programs()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("python", "dropkey"):
        (folder / f"{name}{suffix}").touch()
    run.STAMP.write_text(json.dumps({**run.wanted_stamp(), "extras": extras}), encoding="utf-8")
