"""How a failure reaches the person at the terminal: one line, the fix, an exit code; the details go to a file."""

from __future__ import annotations

import errno
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup
from typer.exceptions import TyperException

from model.errors import KeyingError
from service.errors import BadInput, Cancelled, DropKeyError, Misconfigured
from service.installation import fitting
from service.settings import home_folder

_REFUSED = {errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EROFS}
"""What the system says of a path that somebody named and it will not have."""


class FailureGroup(TyperGroup):
    """Runs a command; known errors become one red line and their exit code, unknown ones a report in a file."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; raises typer.Exit with the error's code where it fails."""
        try:
            return super().invoke(ctx)
        except DropKeyError as error:
            where = " ".join(part for part in (error.shot, _frame(error.frame)) if part)
            show_failure(error.message, error.fix, where)
            raise typer.Exit(error.exit_code) from None
        except KeyingError as error:
            show_failure(error.message, error.fix)
            raise typer.Exit(BadInput.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(Cancelled.exit_code) from None
        except (typer.Exit, typer.Abort, TyperException, BrokenPipeError):
            raise  # wrong usage among them: typer explains it, and ends without a word where nobody reads any more
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _REFUSED and error.filename is not None:
                show_failure(
                    f"{error.filename} cannot be used: {error.strerror}.", "Name another path, or ask for rights to it."
                )
                raise typer.Exit(BadInput.exit_code) from None
            report = write_report()
            show_failure(
                f"{type(error).__name__}: {error}",
                f"This should not happen. The details are in {report}; please report them.",
            )
            raise typer.Exit(1) from None


def _frame(frame: int | None) -> str:
    return "" if frame is None else f"frame {frame}"


def show_failure(message: str, fix: str = "", where: str = "") -> None:
    """Write one failure to stderr: where, what, and on its own line what to do."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    text = Text()
    text.append("Error: ", style="bold red")
    text.append(fitting(f"{where}: {message}" if where else message), style="red")
    console.print(text)
    if fix:
        console.print(Text(f"  → {fitting(fix)}"))


def show_warning(sentence: str, where: str) -> None:
    """Write to stderr what an artist should know of a result that is there."""
    text = Text("Warning: ", style="bold yellow").append(f"{where}: {fitting(sentence)}", style="not bold")
    Console(stderr=True, highlight=False, soft_wrap=True).print(text)


def write_report() -> Path | str:
    """Write the traceback at hand into the logs of the home folder, or onto stderr when that cannot be; say where."""
    text = f"{' '.join(sys.argv)}\n{traceback.format_exc()}"
    try:
        folder = home_folder() / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        report = folder / f"failure-{time.strftime('%Y%m%d-%H%M%S')}.txt"
        report.write_text(text, encoding="utf-8")
    except (OSError, Misconfigured):
        sys.stderr.write(text)
        return "the lines above"
    return report
