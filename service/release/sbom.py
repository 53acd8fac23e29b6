"""The bill of materials (CycloneDX): DropKey, the libraries that it needs as they are installed here, its weights."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_WEIGHTS = Path(__file__).parents[2] / "model" / "weights"
_PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_LONGEST_NAME = 60  # longer "licenses" are the whole text


def bill_of_materials(version: str, released: datetime) -> str:
    """Return the bill as JSON; the same installation gives the same bytes."""
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"dropkey {version}"))
    bom.metadata.timestamp = released
    root = Component(name="dropkey", version=version, type=ComponentType.APPLICATION, bom_ref=f"dropkey=={version}")
    root.licenses.add(LicenseFactory().make_from_string("Apache-2.0"))
    bom.metadata.component = root
    parts = {name: _library(name) for name in _needed("dropkey")}
    for weights in sorted(_WEIGHTS.glob("*.safetensors")):
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        parts[weights.name] = Component(
            name=weights.name,
            version=version,
            type=ComponentType.MACHINE_LEARNING_MODEL,
            bom_ref=weights.name,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        )
    for part in parts.values():
        bom.components.add(part)
    bom.register_dependency(root, parts.values())
    for name in parts:
        if not name.endswith(".safetensors"):
            bom.register_dependency(parts[name], (parts[other] for other in _wanted(name) if other in parts))
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _wanted(name: str) -> Iterator[str]:
    """Name what a library requires here, without extras."""
    for line in _PROJECT["dependencies"] if name == "dropkey" else distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def _needed(name: str) -> list[str]:
    found: set[str] = set()
    waiting = list(_wanted(name))
    while waiting:
        library = waiting.pop()
        if library not in found:
            try:
                waiting += _wanted(library)
            except PackageNotFoundError:
                continue
            found.add(library)
    return sorted(found)


def _library(name: str) -> Component:
    there = distribution(name)
    purl = PackageURL("pypi", name=name, version=there.version)
    part = Component(name=name, version=there.version, type=ComponentType.LIBRARY, purl=purl, bom_ref=purl.to_string())
    if license_ := _license(there.metadata.get_all("License-Expression"), there.metadata.get_all("License")):
        part.licenses.add(license_)
    return part


def _license(expression: list[str] | None, free: list[str] | None) -> License | None:
    for text in (*(expression or ()), *(free or ())):
        if 0 < len(text) <= _LONGEST_NAME:
            return LicenseFactory().make_from_string(text)
    return None
