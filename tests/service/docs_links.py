"""Looks whether the links of the documentation's pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote


def broken_links(folder: Path) -> list[str]:
    """Return the links to pages and pictures below ``folder`` that lead nowhere."""
    broken = []
    for page in folder.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#]+)', page.read_text(encoding="utf-8")):
            kept = target.endswith((".html", ".png", ".jpg", ".svg"))
            if kept and "://" not in target and not (page.parent / unquote(target)).exists():
                broken.append(f"{page.name}: {target}")
    return broken
