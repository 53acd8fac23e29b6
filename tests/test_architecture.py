"""The house rules that no linter knows: length of files, one name for each thing, an API process without torch."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from model.data.config import DataConfig

ROOT = Path(__file__).parent.parent
SOURCES = [ROOT / "run.py", *(p for folder in ("service", "model", "tests") for p in (ROOT / folder).rglob("*.py"))]
MAXIMUM_LINES = 400
# May load torch or decode pictures: not part of the API process.
OUTSIDE_THE_API_PROCESS = {"bench", "cli", "demo", "exr", "pipeline", "plates", "worker"}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_a_person_reads() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > MAXIMUM_LINES} == {}


def test_every_file_says_in_one_sentence_what_it_is() -> None:
    silent = [
        relative(path)
        for path in SOURCES
        if "tests" not in path.parts and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_file_is_named_after_nothing() -> None:
    assert [relative(path) for path in SOURCES if path.stem in BANNED_NAMES] == []


def test_nobody_imports_the_whole_model_or_calls_a_variable_model() -> None:
    """`import model` could find another package of that name, and a variable would hide ours."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bare = isinstance(node, ast.Import) and any(alias.name == "model" for alias in node.names)
            variable = isinstance(node, ast.Name) and node.id == "model" and isinstance(node.ctx, ast.Store)
            argument = isinstance(node, ast.arg) and node.arg == "model"
            if bare or variable or argument:
                found.append(f"{relative(path)}:{node.lineno}")
    assert found == []


def test_the_fixed_set_is_drawn_by_a_recipe_that_says_every_field_of_the_generators_config() -> None:
    """Who adds a field writes it there too, with the value that leaves the set's pictures as they were."""
    recipe = json.loads((ROOT / "model" / "evaluation" / "procedural-2026-12.json").read_text(encoding="utf-8"))
    assert set(DataConfig.model_fields) - set(recipe["config"]) == set()


def test_the_tests_folder_is_a_package() -> None:
    assert (ROOT / "tests" / "__init__.py").exists(), "without it `import model` can find tests/model"


def test_the_model_package_imports_nothing() -> None:
    tree = ast.parse((ROOT / "model" / "__init__.py").read_text(encoding="utf-8"))
    assert [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))] == []


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after ``code``."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


API_MODULES = sorted(
    f"service.{path.stem}"
    for path in (ROOT / "service").iterdir()
    if (path.suffix == ".py" or (path / "__init__.py").exists())
    and path.stem not in OUTSIDE_THE_API_PROCESS | {"__init__"}
)


def test_the_api_process_never_loads_torch() -> None:
    heavy = {"torch", "scipy", "av", "OpenImageIO", "PyOpenColorIO"}
    assert loaded_after("\n".join(f"import {module}" for module in API_MODULES)) & heavy == set()


@pytest.mark.parametrize("module", ["service.cli", "model.settings", "service.messages"])
def test_commands_and_contracts_start_without_torch(module: str) -> None:
    assert loaded_after(f"import {module}") & {"torch", "scipy", "numpy"} == set()
