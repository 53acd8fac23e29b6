"""The documentation says what is so: commands parse, links lead somewhere, the settings page is the settings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from model.settings import KeySettings, MatteSources
from service.cli import app
from service.jobs import JobRequest
from service.settings import PrefixMap, Settings
from service.settings_page import PAGE, render

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_command(app)
RUN = re.compile(r"python3(?:\.\d+)? run\.py ([^`\n|]+)")
DROPKEY = re.compile(r"`dropkey ([^`]+)`")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def said_commands() -> list[tuple[str, str]]:
    """Every command line in the pages, without the program's name."""
    return [
        (name(page), line.strip().rstrip(",;."))
        for page in PAGES
        for pattern in (RUN, DROPKEY)
        for line in pattern.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("page", "line"), said_commands())
def test_every_command_that_is_shown_exists_and_parses(page: str, line: str) -> None:
    arguments = shlex.split(line)
    while arguments and arguments[0] in ("--reinstall", "--dry-run"):
        arguments.pop(0)
    if arguments[0] == "test":
        assert arguments[1:] in ([], ["--slow"])
        return
    if arguments[0] == "release":  # of run.py alone, as `test`
        assert arguments[1:] == []
        return
    command = COMMANDS.commands[arguments[0]]
    if "--help" not in arguments:
        # A lone `dropkey key` names the command and is no call of it.
        command.make_context(arguments[0], arguments[1:], resilient_parsing=len(arguments) == 1)


def test_the_pages_show_commands_at_all() -> None:
    assert len(said_commands()) > 15


def test_every_command_is_documented() -> None:
    shown = {shlex.split(line)[0] for _, line in said_commands()}
    assert set(COMMANDS.commands) <= shown


def test_the_settings_page_is_the_settings() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `python -m service.settings_page`"


@pytest.mark.parametrize("settings", [Settings, PrefixMap, KeySettings, MatteSources, JobRequest])
def test_every_setting_is_documented(settings: type) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for field, info in settings.model_fields.items():
        assert info.description, f"{field} has no docstring"
        assert f"| `{field}` |" in page


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        text = page.read_text(encoding="utf-8") if page.suffix == ".md" else ""
        for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", text) + re.findall(r"docs/[\w/-]+\.md", text):
            for base in (page.parent, ROOT):
                path = (base / target).resolve()
                waiting.append(path / "README.md" if path.is_dir() else path)
    beside = ("CHANGELOG.md", "CONTRIBUTING.md")  # no part of the handbook that an installation has
    assert [name(page) for page in PAGES if page.resolve() not in reached and page.name not in beside] == []


def test_pictures_are_light() -> None:
    for picture in (ROOT / "docs").rglob("*.jpg"):
        assert picture.stat().st_size < 400_000


def test_exit_codes_of_the_farm_page_are_those_of_the_errors() -> None:
    from service import errors

    codes = {getattr(errors, kind).exit_code for kind in ("BadInput", "Transient", "OutOfMemory", "Cancelled")}
    page = (ROOT / "docs" / "farm.md").read_text(encoding="utf-8")
    listed = {int(code) for cell in re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE) for code in cell.split(",")}
    known = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    assert codes <= listed and known | {0} == listed
