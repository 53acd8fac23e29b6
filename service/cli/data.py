"""`dropkey data`: checks sets of shots with known answers, renders them, and shows them on a sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.app import app
from service.cli.failures import FailureGroup
from service.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.float32]

data = typer.Typer(
    cls=FailureGroup, no_args_is_help=True, help="Sets of shots with known answers: check, render, look at."
)
app.add_typer(data, name="data")


@data.command()
def check(folder: Annotated[Path, typer.Argument(help="Folder that holds shots with their shot.json.")]) -> None:
    """Check a set of shots: every file there, sizes, values, and that the parts add up to the plate."""
    from model.data.dataset import check as faults_of
    from model.data.dataset import find_shots

    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder.", fix="Name the folder that holds the shots.")
    count = 0
    for count, fault in enumerate(faults_of(folder, read_linear), start=1):  # noqa: B007 - counted for the end
        typer.echo(fault)
    shots = len(find_shots(folder))
    if count:
        raise BadInput(f"{count} faults in {shots} shots.", fix="docs/data.md describes the layout.")
    typer.echo(f"{shots} shots, no faults.")


@data.command()
def render(
    output: Annotated[Path, typer.Option(help="Folder for the set; shots of the same name are replaced.")],
    count: Annotated[int, typer.Option(help="Number of shots.", min=1)] = 8,
    size: Annotated[int, typer.Option(help="Width of the frames in pixels.", min=32, max=8192)] = 320,
    first_seed: Annotated[int, typer.Option(help="Seed of the first shot; the others follow.", min=1)] = 1,
    samples: Annotated[int, typer.Option(help="Samples per pixel; alpha gets more.", min=1)] = 24,
) -> None:
    """Render shots of hair, fur, cloth, glass and gels with Blender (package bpy), with their exact answers."""
    from model.data.blender.process import unavailable
    from model.data.blender.render import render_set

    why = unavailable()
    if why:
        raise BadInput(f"Blender is not available here: {why}.", fix="docs/data.md says how to get it.")
    for shot in render_set(output, linear_writer(), count=count, size=size, first_seed=first_seed, samples=samples):
        typer.echo(str(shot))


@data.command()
def sheet(
    output: Annotated[Path, typer.Option(help="Picture to write, such as sheet.jpg.")],
    rendered: Annotated[Path | None, typer.Option(help="Set whose plates come below the generated ones.")] = None,
    count: Annotated[int, typer.Option(help="Number of generated frames.", min=1)] = 40,
    first_seed: Annotated[int, typer.Option(help="Seed of the first generated frame.", min=0)] = 0,
    columns: Annotated[int, typer.Option(help="Frames beside each other.", min=1)] = 8,
    width: Annotated[int, typer.Option(help="Width of a frame in pixels.", min=16)] = 256,
) -> None:
    """Draw a sheet of generated frames and of the plates of a rendered set, to look at."""
    from model.data.sheet import draw_sheet

    picture = draw_sheet(range(first_seed, first_seed + count), rendered, read_linear, width=width, columns=columns)
    write_shown(output, picture)
    typer.echo(str(output))


def read_linear(path: Path) -> Picture:
    """Return a picture of a set (H, W, 3), values as they are stored."""
    from service.plates import read_picture

    return read_picture(path, encoding="linear", frame=0)


def linear_writer() -> Callable[[Path, Picture], None]:
    """Return a function that writes (H, W, 3) as float32 RGB EXR, lossless, scene-linear Rec.709."""
    from service.atomic import replace_file
    from service.exr import ExrHeader, encode

    header = ExrHeader(association="straight")

    def write(path: Path, picture: Picture) -> None:
        replace_file(path, encode({name: picture[..., index] for index, name in enumerate("RGB")}, header))

    return write


def write_shown(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write display-encoded bytes (H, W, 3) as PNG, or as JPEG of quality 85. Raises BadInput where it cannot."""
    import numpy
    import OpenImageIO as oiio

    buffer = oiio.ImageBuf(numpy.ascontiguousarray(picture))
    buffer.specmod().attribute("Compression", "jpeg:85" if path.suffix.lower() in (".jpg", ".jpeg") else "zip")
    if not buffer.write(str(path)):
        raise BadInput(f"{path} cannot be written: {buffer.geterror()}", fix="Choose another --output.")
