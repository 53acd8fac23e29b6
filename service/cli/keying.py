"""`dropkey key`: keys one shot in this process, without the service; the farm calls it once per chunk of frames."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from model.settings import Compression, KeySettings, MatteSources
from service.cli.app import Device, app
from service.cli.refusals import flag, refused
from service.errors import BadInput
from service.jobs import JobRequest
from service.presets import Presets
from service.settings import load_settings

ProgressStyle = Literal["auto", "bar", "lines", "openjd", "none"]
_COLOR = "auto, or linear Rec.709 as R,G,B"


@app.command()
def key(
    plate: Annotated[str, typer.Argument(help="Folder, pattern (shot.####.exr), picture or movie.")],
    output: Annotated[Path | None, typer.Option(help="Folder for the results; unset: the service's.")] = None,
    frames: Annotated[str | None, typer.Option(help="Frames to key, for example 1001-1100.")] = None,
    first_frame: Annotated[int | None, typer.Option(help="Number of a movie's first frame.")] = None,
    fps: Annotated[str | None, typer.Option(help="Frame rate: 24, 23.976 or 24000/1001.")] = None,
    keyer: Annotated[
        str | None,
        typer.Option(help="Keyer: neural (the default), neural:NAME (your own weights), difference, ..."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the plate: auto, arri-logc3, srgb, ...")] = None,
    layer: Annotated[str | None, typer.Option(help="EXR layer or part to read.")] = None,
    screen_color: Annotated[str | None, typer.Option(help=f"Color of the screen: {_COLOR}.")] = None,
    despill: Annotated[float | None, typer.Option(help="Screen light taken off the subject, 0-1.")] = None,
    straight: Annotated[bool, typer.Option("--straight", help="Foreground not multiplied by alpha.")] = False,
    compression: Annotated[Compression | None, typer.Option(help="EXR compression; dwaa and dwab lose detail.")] = None,
    hint: Annotated[str | None, typer.Option(help="A coarse alpha.")] = None,
    clean_plate: Annotated[str | None, typer.Option(help="The screen without the subject.")] = None,
    garbage: Annotated[str | None, typer.Option(help="Picture that is 1 where nothing may stay.")] = None,
    core: Annotated[str | None, typer.Option(help="Picture that is 1 where all must stay.")] = None,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="JSON file with settings of the key.", exists=True, dir_okay=False)
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings of the key under a name; `dropkey presets list` shows them.")
    ] = None,
    choices: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting of the key; see docs/settings.md."),
    ] = None,
    accept_gaps: Annotated[
        bool, typer.Option("--accept-gaps", help="Key what is there although frames are missing.")
    ] = False,
    version_folder: Annotated[
        str | None,
        typer.Option(metavar="v001", help="Go on in this version; with --frames: key a part, for farms."),
    ] = None,
    progress: Annotated[ProgressStyle, typer.Option(help="auto: a bar on a terminal, else lines.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    device: Annotated[Device | None, typer.Option(help="Where keying runs.")] = None,
) -> None:
    """Key one shot here and now, without the service; prints the path of its manifest last."""
    from service.cli.progress import failure_told, tell_failure
    from service.cli.run_shot import Wish, run_shot

    settings = load_settings(device=device)
    named = {
        "keyer": keyer,
        "encoding": encoding,
        "layer": layer,
        "screen_color": screen_color,
        "despill": despill,
        "association": "straight" if straight else None,
        "compression": compression,
    }
    request = checked_request(
        plate=plate,
        frames=frames,
        first_frame=first_frame,
        fps=fps,
        settings=key_settings(
            Presets.of(settings).over(preset, settings.key_defaults), settings_file, named, choices or []
        ),
        mattes=MatteSources(
            hint=_absolute(hint), clean_plate=_absolute(clean_plate), garbage=_absolute(garbage), core=_absolute(core)
        ),
        accept_gaps=accept_gaps,
    )
    wish = Wish(request, (output or settings.output).absolute(), settings, version_folder, settings.device)
    with failure_told(progress):
        result = run_shot(wish, style=progress, quiet_output=as_json)
    if progress == "openjd" and result.exit_code:
        tell_failure(f"The shot is {result.outcome}: {result.frames_failed} frames failed. See {result.manifest}.")
    typer.echo(json.dumps(result.as_dict()) if as_json else str(result.manifest))
    raise typer.Exit(result.exit_code)


def _absolute(path: str | None) -> str | None:
    """Return a matte's path so that the manifest still names it from elsewhere."""
    return str(Path(os.path.expanduser(path)).absolute()) if path else None


def checked_request(**values: Any) -> JobRequest:
    """Return the request; raises BadInput that names every flag that does not fit."""
    try:
        return JobRequest(**values)
    except ValidationError as error:
        typed = {name: flag(name) for name in values} | {"plate": "plate"}
        raise BadInput(
            f"That cannot be asked for: {refused(error, typed)}.", fix="`dropkey key --help` shows how."
        ) from None


def key_settings(defaults: KeySettings, file: Path | None, named: dict[str, Any], choices: list[str]) -> KeySettings:
    """Return the settings of the key: defaults, then ``file``, then flags and `name=value` choices; later wins.

    Raises BadInput that names every flag, choice or entry of the file that does not fit.
    """
    values = defaults.model_dump()
    typed: dict[str, str] = {}
    if file is not None:
        read = _read_json_object(file)
        values.update(read)
        typed.update({name: f"{name} in {file}" for name in read})
    given = {name: value for name, value in named.items() if value is not None}
    values.update(given)
    typed.update({name: flag(name) for name in given})
    for choice in choices:
        name, equals, text = choice.partition("=")
        if not equals:
            raise BadInput(f"'{choice}' is not a setting.", fix="Write it as name=value, for example despill=0.8.")
        block, dot, inner = name.strip().partition(".")
        if dot and isinstance(values.get(block), dict):
            values[block] = {**values[block], inner: _value(text)}
        else:
            values[name.strip()] = _value(text)
        typed[name.strip()] = f"--set {name.strip()}"
    if isinstance(values.get("screen_color"), str) and values["screen_color"] != "auto":
        values["screen_color"] = _color(values["screen_color"], typed["screen_color"])
    try:
        return KeySettings.model_validate(values)
    except ValidationError as error:
        unknown = any(name not in KeySettings.model_fields for name in values)
        known = f"There are: {', '.join(KeySettings.model_fields)}."
        fix = known if unknown else "docs/settings.md says what each may be."
        raise BadInput(f"The settings of the key do not fit: {refused(error, typed)}.", fix=fix) from None


def _read_json_object(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read as JSON: {error}.", fix="Fix the file.") from None
    if not isinstance(values, dict):
        raise BadInput(f"{file} holds no JSON object.", fix='Write it as {"despill": 0.8}.')
    return values


def _value(text: str) -> Any:
    """Read a value as JSON where it is (0.8, true, null), else as plain text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _color(text: str, typed: str) -> tuple[float, ...]:
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(
            f"{typed}: '{text}' is not a color.", fix=f"Write {_COLOR}, for example 0.05,0.3,0.08."
        ) from None
    return red, green, blue
