"""`dropkey serve` opens its page where somebody sits."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from service import server
from service.cli import app


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
