"""The After Effects panel as one ES3 file: bundled from its sources in a checkout, shipped ready in a wheel."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from service.errors import Misconfigured

NAME = "DropKey.jsx"
SOURCES = Path(__file__).parents[1] / "ae_scripts"
SHIPPED = Path(__file__).with_name(NAME)


def panel_text() -> str:
    """Return the panel of this installation. Raises Misconfigured where neither sources nor a built panel are there."""
    if SOURCES.is_dir() or not SHIPPED.is_file():
        return bundle()
    return SHIPPED.read_text(encoding="utf-8")


def bundle(sources: Path | None = None, release: str | None = None) -> str:
    """Return the panel as one ES3 file: the sources in their order, in one function; the same sources, the same text.

    Raises Misconfigured where the sources are not there, or hold what After Effects may read differently.
    """
    sources = sources or SOURCES
    order = sources / "sources.txt"
    if not order.is_file():
        raise Misconfigured(f"There are no panel sources in {sources}.", fix="Install DropKey anew.")
    parts = []
    for name in order.read_text(encoding="utf-8").split():
        text = (sources / "sources" / f"{name}.jsx").read_text(encoding="utf-8")
        if not text.isascii():
            raise Misconfigured(f"{name}.jsx holds more than ASCII.", fix="Write other characters as \\uXXXX.")
        parts.append(f"// ---- {name}\n{text.replace(chr(13), '').strip()}\n")
    release = release or version("dropkey")
    head = f"// DropKey {release}: the After Effects panel. Built from its sources; do not edit.\n"
    body = "\n".join(parts)
    start = f'(function (thisObj) {{\n\nvar PANEL_VERSION = "{release}";\n'
    return f"{head}{start}\n{body}\nopenPanel(thisObj);\n\n}})(this);\n"
