"""`dropkey evaluate`: how good a keyer is, as figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from service.cli.app import Device, app
from service.errors import PlateMissing
from service.settings import load_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@app.command()
def evaluate(
    plates: Annotated[
        Path | None, typer.Option(envvar="DROPKEY_PLATES", help="Folder that holds the plates with known alpha.")
    ] = None,
    keyer: Annotated[list[str] | None, typer.Option(help="Keyer to judge; may be given several times.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller pictures.")] = False,
    page: Annotated[Path | None, typer.Option(help="Folder for an HTML page with pictures.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where keying runs.")] = None,
) -> None:
    """Score keyers on plates whose true alpha is known."""
    from model.device import find_device
    from model.evaluation.report import tables, write_page
    from model.evaluation.run import evaluate as run_evaluation
    from service.plates import read_picture

    console = Console(width=None if Console().is_terminal else 160)
    where, _ = find_device(load_settings(device=device).device)
    report = run_evaluation(
        keyer or ["difference"],
        plates,
        quick,
        read_picture,
        device=where,
        progress=lambda text: Console(stderr=True).print(text),
        sheets=page is not None,
    )
    for table in tables(report):
        console.print(table)
    if page is not None:
        typer.echo(str(write_page(report, page.absolute(), _write_picture)))
    if report.missing:
        raise PlateMissing(
            f"Plates are missing: {'; '.join(report.missing)}.",
            fix="Name their folder with --plates or DROPKEY_PLATES.",
        )


def _write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    import numpy

    from service.demo_pictures import write_png

    write_png(path, picture.astype(numpy.float32) / 255.0, bits=8)
