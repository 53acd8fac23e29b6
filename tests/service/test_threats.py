"""What a hostile page, name or file could try, where no other test holds it: scripts in names, old decoders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from service.api.web import web_folder
from tests.service.asking import Asker, asker
from tests.service.dropping import Place

HOSTILE = "<img src=x onerror=alert(1)>"
SAFE_TYPES = {"application/json", "application/problem+json", "image/png", "text/plain", "text/event-stream"}
# OpenEXR: CVE-2026-55059, -45696, -27622, CVE-2025-48071. Starlette: CVE-2026-48710.
LEAST = {"OpenEXR": (3, 4, 13), "OpenImageIO": (3, 2, 2), "starlette": (1, 0, 1)}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Asker:
    return asker(place)


@pytest.mark.skipif(os.name == "nt", reason="no file can be called so there")
def test_a_name_is_never_served_as_a_page(client: Asker, place: Place) -> None:
    """A browser that is led to any reply must not run what a file name holds."""
    place.render([1, 2], shot=HOSTILE)
    job = client.post("/jobs", json={"root": "drop", "plate": f"{HOSTILE}/{HOSTILE}.####.png"}).json()
    for path in (
        "/jobs",
        f"/jobs/{job['id']}",
        f"/jobs/{job['id']}/quality",
        f"/browse?root=drop&path={HOSTILE}",
        "/browse?root=drop",
        "/metrics",
        f"/jobs/{HOSTILE}",
        f"/browse?root={HOSTILE}",
        f"/{HOSTILE}",
        f"/jobs/{job['id']}/frames/1/{HOSTILE}.png",
    ):
        reply = client.get(path)
        assert reply.headers["content-type"].partition(";")[0] in SAFE_TYPES, path
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in reply.headers["content-security-policy"]


def test_the_page_holds_no_script_and_no_address_of_its_own() -> None:
    """The policy would stop them; they must not be there in the first place."""
    for file in sorted(web_folder().rglob("*.html")):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+\s*=|javascript:|<style|\sstyle\s*=", text), file.name
        assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text), file.name
    for file in sorted(web_folder().rglob("*.js")):
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"\beval\(|new Function|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write", text
        ), f"{file.name} could run what a shot is called"


@pytest.mark.parametrize("package", LEAST)
def test_decoders_and_server_are_not_of_the_versions_with_known_holes(package: str) -> None:
    installed = tuple(int(part) for part in version(package).split(".")[:3])
    assert installed >= LEAST[package]
