"""`dropkey …` in the tests' own process."""

from __future__ import annotations

from collections.abc import Callable

from typer.testing import CliRunner, Result

from service.cli import app

Dropkey = Callable[..., Result]


def dropkey_command(*arguments: object) -> Result:
    """Run `dropkey` with these arguments."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
