"""`dropkey serve` and `open`: whom the page opens for, and lets in."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from service import server
from service.cli import app
from service.installation import command
from tests.service.command_line import Dropkey


@pytest.mark.parametrize(
    ("flags", "here", "opens"),
    [([], True, True), ([], False, False), (["--no-open"], True, False), (["--open"], False, True)],
)
def test_serve_opens_the_page_where_somebody_sits_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, flags: list[str], here: bool, opens: bool
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(server, "somebody_sits_here", lambda: here)
    monkeypatch.setattr(server, "serve", lambda *_, open_page, **__: told.append(open_page) or 0)
    assert CliRunner().invoke(app, ["serve", *flags]).exit_code == 0
    assert told == [opens]


@pytest.mark.parametrize(
    ("platform", "terminal", "variables", "sits"),
    [
        ("linux", True, {"DISPLAY": ":0"}, True),
        ("linux", True, {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", True, {}, False),
        ("linux", False, {"DISPLAY": ":0"}, False),
        ("linux", True, {"DISPLAY": "localhost:10", "SSH_CONNECTION": "a 1 b 22"}, False),
        ("darwin", True, {}, True),
        ("win32", True, {}, True),
        ("win32", False, {}, False),
    ],
)
def test_somebody_sits_where_a_terminal_and_a_display_are(
    monkeypatch: pytest.MonkeyPatch, platform: str, terminal: bool, variables: dict[str, str], sits: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", platform)
        patched.setattr(sys.stdout, "isatty", lambda: terminal)
        found = server.somebody_sits_here()
    assert found is sits


@contextmanager
def serve_as_a_program(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Start `dropkey serve` with pipes, as programs do that stop it by closing its standard input."""
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--stop-with-stdin", "--device", "cpu"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "DROPKEY_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def test_serve_answers_and_ends_with_its_stdin(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serve_as_a_program(home) as process:
        assert process.stdin and process.stdout
        deadline = time.monotonic() + 60
        while not (home / "service.json").exists() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.02)
        process.stdin.close()
        assert process.wait(60) == 0
        assert "http://127.0.0.1:" in process.stdout.read()
    assert not (home / "service.json").exists()


def link_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/\?t=\S+", text)
    assert found, text
    return found.group()


def lets_in(link: str) -> bool:
    """Follow a link as a browser with no cookies does; tell whether the service then answers it."""
    with httpx.Client(timeout=30, follow_redirects=True) as browser:
        page = browser.get(link)
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        assert "t=" not in str(page.url), "the secret must not stay in the address"
        return browser.get(str(page.url.join("/jobs"))).status_code == 200


def test_the_links_of_serve_and_open_let_one_browser_in_each(
    dropkey: Dropkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    with serve_as_a_program(tmp_path / "home") as process:
        assert process.stdout
        assert "listens on" in process.stdout.readline()
        link = link_in(process.stdout.readline())
        assert lets_in(link) and not lets_in(link)

        monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
        printed = dropkey("open", "--print")
        assert printed.exit_code == 0 and opened == [] and lets_in(link_in(printed.stdout))
        shown = dropkey("open")
        assert shown.exit_code == 0 and opened == [link_in(shown.stdout)], "printed too: the browser may be another one"
        assert lets_in(opened[0])


def test_open_without_a_service_says_how_to_start_it(dropkey: Dropkey) -> None:
    result = dropkey("open")
    assert result.exit_code != 0 and f"{command()} serve" in result.stderr


def test_serve_opens_the_page_that_it_prints(dropkey: Dropkey, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, bool]] = []

    def open_and_leave(url: str) -> bool:
        opened.append((url, lets_in(url)))
        signal.raise_signal(signal.SIGINT)
        return True

    monkeypatch.setattr(webbrowser, "open", open_and_leave)
    result = dropkey("serve", "--port", "0", "--open")
    assert result.exit_code == 0, result.output
    assert opened == [(link_in(result.stdout), True)]
