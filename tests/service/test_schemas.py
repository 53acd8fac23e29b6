"""The committed schemas are those of the models, and the committed examples fit both."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.jobs import JobRequest
from service.manifest import ManifestState, read_manifest
from service.schemas import main, schema_text, schemas

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
NAMES = ("job", "status", "manifest")


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_schema_is_the_models(name: str) -> None:
    committed = (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(schemas()[name]), "run: python -m service.schemas docs/schemas"


def test_no_schema_is_missing_or_left_over(tmp_path: Path) -> None:
    main(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.glob("*.json")}
    assert {path.stem for path in (FOLDER / "examples").iterdir()} == set(NAMES)


def check(name: str, document: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(FOLDER / f"{name}.schema.json")]
    return subprocess.run([*command, str(document)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_fits_its_schema(name: str) -> None:
    done = check(name, FOLDER / "examples" / f"{name}.json")
    assert done.returncode == 0, done.stdout


def test_a_schema_refuses_what_the_model_refuses(tmp_path: Path) -> None:
    wrong = json.loads((FOLDER / "examples" / "job.json").read_text(encoding="utf-8"))
    wrong["settings"]["despil"] = 1.0
    (tmp_path / "job.json").write_text(json.dumps(wrong), encoding="utf-8")
    done = check("job", tmp_path / "job.json")
    assert done.returncode == 1
    assert "despil" in done.stdout


def test_the_examples_are_read_by_the_models() -> None:
    job = JobRequest.model_validate_json((FOLDER / "examples" / "job.json").read_text(encoding="utf-8"))
    manifest = read_manifest(FOLDER / "examples" / "manifest.json")
    status = json.loads((FOLDER / "examples" / "status.json").read_text(encoding="utf-8"))
    assert manifest.state is ManifestState.INCOMPLETE
    assert status["id"] == manifest.job_id
    assert status["request"] == json.loads(job.model_dump_json())


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    schema = schemas()[name]
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    bare = [
        (part["title"], field)
        for part in parts
        for field, value in part["properties"].items()
        if "description" not in value and "$ref" not in value  # what it refers to is described there
    ]
    assert bare == []
