"""Texts name the command that works in this installation."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import installation
from service.errors import Misconfigured
from service.installation import Kind, fitting, kind, program
from service.server import executor_for
from service.settings import FarmSettings, Settings
from tests.service.command_line import Dropkey


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    installation.command.cache_clear()
    yield
    installation.command.cache_clear()


@pytest.mark.parametrize(
    ("laid", "expected"),
    [
        ("run.py", Kind.ZIP),
        (".venv/uv-receipt.toml", Kind.UV),
        (".venv/pipx_metadata.json", Kind.PIPX),
        (".venv/pyvenv.cfg", Kind.ENVIRONMENT),
    ],
)
def test_what_lies_beside_the_environment_says_how_it_was_installed(tmp_path: Path, laid: str, expected: Kind) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / laid).touch()
    assert kind(tmp_path / ".venv" / "lib", tmp_path / ".venv") is expected


def test_a_checkout_is_told_by_its_sources() -> None:
    assert kind() is Kind.CHECKOUT


def test_a_text_names_the_command_that_works_from_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    told = fitting("Start it with `dropkey doctor --json`; `dropkey` alone and dropkey.toml stay words.")
    line = told.split("`")[1]
    assert told.count("run.py") == 2 and "dropkey.toml stay" in told
    assert Path(shlex.split(line)[1]).is_file() and shlex.split(line)[2:] == ["doctor", "--json"]


def test_where_nothing_builds_the_environment_anew_pip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "kind", lambda: Kind.PIPX)
    told = fitting("Run `python3 run.py --reinstall doctor`, then `dropkey doctor`.")
    assert "pip install --force-reinstall torch" in told and "run.py" not in told


def test_a_service_without_the_farms_packages_says_how_they_come_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, farm=FarmSettings(scheduler="tls://render01"))
    monkeypatch.setitem(sys.modules, "service.executor.dask.executor", None)
    for found, words in ((Kind.CHECKOUT, "`dropkey farm --help`"), (Kind.PIPX, "pip install distributed")):
        monkeypatch.setattr(installation, "kind", lambda found=found: found)
        with pytest.raises(Misconfigured, match="which is not installed") as refused:
            executor_for(settings)
        assert words in refused.value.fix and "[farm]" in refused.value.fix


def test_a_path_with_blanks_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installation, "kind", lambda: Kind.ZIP)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "Jörg's & co" / ".venv"))
    monkeypatch.setattr(sys, "platform", "linux")
    line = fitting("`dropkey serve`").strip("`")
    assert shlex.split(line) == [str(tmp_path / "Jörg's & co" / "dropkey.sh"), "serve"]


def test_what_programs_call_runs() -> None:
    done = subprocess.run(program("--version"), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("dropkey ")


def test_docs_are_pages_whose_links_lead_somewhere(dropkey: Dropkey) -> None:
    from tests.service.docs_links import broken_links

    shown = dropkey("docs", "color", "--print")
    assert shown.exit_code == 0, shown.output
    page = Path(shown.stdout.strip())
    assert "<h1>" in page.read_text(encoding="utf-8")
    assert broken_links(page.parents[1]) == []


def test_an_unknown_page_is_refused_with_those_that_are(dropkey: Dropkey) -> None:
    shown = dropkey("docs", "colour")
    assert shown.exit_code == 1 and "color" in shown.stderr
