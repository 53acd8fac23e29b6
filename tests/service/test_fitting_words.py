"""Whatever names a command of ours names the one that works in this installation, wherever it is read."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from service import doctor, installation
from service.api.problems import problem
from service.cli import app
from service.cli.app import fit_help
from service.cli.failures import show_failure, show_warning
from service.docs_pages import write_pages
from service.errors import Misconfigured
from service.installation import Kind, fitting
from service.jobs import Problem
from service.settings import Settings

ROOT = Path(__file__).parents[2]
COMMANDS = "|".join(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
NAMED = re.compile(rf"(?:dropkey|run\.py)(?: --\w+)* (?:{COMMANDS})\b")
IN_BACKTICKS = re.compile(r"`(?:dropkey|python3 run\.py) [^`]*`")
HERE = "'/opt/Drop Key/dropkey.sh'"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An unpacked release, not the checkout that runs the tests."""
    installation.command.cache_clear()
    monkeypatch.setattr(installation, "kind", lambda: Kind.ZIP)
    monkeypatch.setattr(installation, "folder", lambda: Path("/opt/Drop Key"))
    monkeypatch.setattr("sys.platform", "linux")
    yield
    installation.command.cache_clear()


def test_every_way_out_words_it(elsewhere: None, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show_failure("It does not run.", "Call `dropkey serve`.")
    show_warning("`dropkey doctor` knows.", "service")
    shown = " ".join(capsys.readouterr().err.split())
    assert f"`{HERE} serve`" in shown and f"`{HERE} doctor`" in shown
    told = json.loads(bytes(problem(403, "No.", fix="Call `dropkey stop`.").body))
    assert told["fix"] == f"Call `{HERE} stop`."
    assert Problem.of(Misconfigured("No.", fix="See `dropkey doctor`.")).fix == f"See `{HERE} doctor`."
    first = write_pages(tmp_path)
    for page in (first, tmp_path / "docs" / "install.html"):
        text = page.read_text(encoding="utf-8")
        assert "/opt/Drop Key/dropkey.sh" in text
        assert re.search(rf"<code>(dropkey|python3 run\.py) ({COMMANDS})\b", text) is None


def test_doctor_words_its_fixes(elsewhere: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finding = doctor.Finding("torch", "problem", "It cannot be loaded.", "Run `python3 run.py --reinstall doctor`.")
    monkeypatch.setattr(doctor, "look", lambda _check, _settings: [finding])
    assert {found.fix for found in doctor.examine(Settings(home=tmp_path))} == {f"Run `{HERE} --reinstall doctor`."}


def test_help_is_worded_too(elsewhere: None) -> None:
    root = typer.main.get_command(app)
    fit_help(root)
    drain = root.commands["farm"].commands["drain"]  # type: ignore[attr-defined]
    assert f"`{HERE} farm status`" in drain.params[0].help


def test_in_a_code_block_too_but_for_what_a_checkout_alone_has(elsewhere: None) -> None:
    assert fitting("```sh\npython3 run.py demo\npython3 run.py test\n```") == (
        f"```sh\n{HERE} demo\npython3 run.py test\n```"
    )


def test_no_text_of_the_service_names_a_command_but_in_backticks() -> None:
    """There `fitting` finds it; docstrings and comments are read with the sources."""
    found = [
        f"{file.relative_to(ROOT)}: {text}"
        for room in ("service", "model")
        for file in sorted((ROOT / room).rglob("*.py"))
        if "release" not in file.parts
        for text in texts(ast.parse(file.read_text(encoding="utf-8")))
        if NAMED.search(IN_BACKTICKS.sub("", text))
    ]
    assert found == []


def texts(tree: ast.AST) -> Iterator[str]:
    """Return all strings but docstrings, those of f-strings whole."""
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


@pytest.mark.parametrize("folder", ["service/web", "ae_scripts/sources"])
def test_page_and_panel_name_no_command_of_their_own(folder: str) -> None:
    for file in sorted((ROOT / folder).glob("*.js*")):
        lines = file.read_text(encoding="utf-8").splitlines()
        named = [line for line in lines if NAMED.search(line) and not line.lstrip().startswith(("/", "*"))]
        assert named == [], f"{file.name}: ask the service, or installation.json, what is called here"
