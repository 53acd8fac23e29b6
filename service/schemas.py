"""The JSON schemas of job, status and manifest, as other programs read them: `python -m service.schemas FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from service.jobs import Job, JobRequest
from service.manifest import Manifest

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by name: `job` is what is asked for; `status` and `manifest` are what is answered."""
    return {
        "job": _of(JobRequest, asked=True),
        "status": _of(Job, asked=False),
        "manifest": _of(Manifest, asked=False),
    }


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _of(content: type[BaseModel], *, asked: bool) -> dict[str, Any]:
    return {"$schema": _DIALECT} | content.model_json_schema(mode="validation" if asked else "serialization")


def main(folder: Path) -> None:
    """Write the schemas into ``folder``."""
    for name, schema in schemas().items():
        (folder / f"{name}.schema.json").write_text(schema_text(schema), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
