"""The documentation of this installation as pages for a browser, written from its Markdown."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

from markdown_it import MarkdownIt

from service.installation import fitting

_SHIPPED = Path(__file__).with_name("docs")
_CHECKOUT = Path(__file__).parents[1]
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title} – DropKey</title>
<meta name="viewport" content="width=device-width"><style>
:root {{ color-scheme: light dark }} body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto;
padding: 0 1rem }} img {{ max-width: 100% }} pre, code {{ font-size: .9em }} pre {{ overflow: auto; padding: .6rem;
border: 1px solid #8886 }} table {{ border-collapse: collapse; display: block; overflow: auto }}
td, th {{ border: 1px solid #8886; padding: .2rem .5rem; text-align: left; vertical-align: top }}
</style><nav><a href="{home}">DropKey</a></nav>
{body}</html>
"""


def sources() -> dict[str, Path]:
    """Return the Markdown files by the place where they stand beside each other: `README.md`, `docs/color.md` …"""
    if (_CHECKOUT / "docs").is_dir():
        root, docs = _CHECKOUT, _CHECKOUT / "docs"
    else:
        root = docs = _SHIPPED
    found = {name: root / name for name in ("README.md", "CHANGELOG.md") if (root / name).is_file()}
    pages = {f"docs/{page.relative_to(docs).as_posix()}": page for page in sorted(docs.rglob("*.md"))}
    return found | {name: page for name, page in pages.items() if name.removeprefix("docs/") not in found}


def topics() -> list[str]:
    """Return the names by which a page can be asked for."""
    return [Path(name).stem for name in sources() if name.startswith("docs/") and name.count("/") == 1]


def write_pages(folder: Path) -> Path:
    """Write every page below ``folder``, anew, and return the first one."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = sources()
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    for name, source in pages.items():
        text = source.read_text(encoding="utf-8")
        heading = re.search(r"^# (.+)$", text, re.MULTILINE)
        text = fitting(text, anywhere=True)
        body = re.sub(r'(href="(?!https?:)[^"#]+)\.md(?=["#])', r"\1.html", markdown.render(text))
        target = (folder / name).with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        home = "../" * name.count("/") + "README.html"
        title = html.escape(heading[1] if heading else source.stem)
        target.write_text(_PAGE.format(title=title, home=home, body=body), encoding="utf-8")
    docs = pages["docs/color.md"].parent  # pictures and tables that the pages show
    shutil.copytree(docs, folder / "docs", ignore=shutil.ignore_patterns("*.md"), dirs_exist_ok=True)
    return folder / "README.html"
