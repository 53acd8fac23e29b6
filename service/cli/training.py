"""`dropkey train`: teaches a network on procedural shots."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from service.cli.app import Device, app
from service.cli.data import read_linear
from service.cli.refusals import flag, refused
from service.errors import BadInput
from service.settings import load_settings

if TYPE_CHECKING:
    from model.checkpoint import Provenance
    from model.training.config import TrainingConfig
    from model.training.train import Progress


@app.command()
def train(
    network: Annotated[
        str | None, typer.Option(help="Network to train: neural (unset as well), regression or classification.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="New folder for weights, state and loss curve; unset: out/NETWORK.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Folder of an interrupted run: goes on in it, with its choices.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", "--start", help="Weights of the same network to begin with, instead of random ones."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of your own shots with known answers (docs/data.md), to learn from as well."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the whole run.", min=1)] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; --resume goes on.", min=0.0)] = None,
    shuffled_truth: Annotated[
        bool, typer.Option("--shuffled-truth", help="Give each crop another one's alpha: the control of an experiment.")
    ] = False,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Option of the network, such as last_relu=true.")
    ] = None,
    choices: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any choice of the run; see docs/training.md."),
    ] = None,
    threads: Annotated[int, typer.Option(help="CPU threads of torch; 0: its own choice.", min=0)] = 0,
    device: Annotated[Device | None, typer.Option(help="Where training runs.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="All stages of a recipe, such as `released`; the same command goes on after a stop."),
    ] = None,
) -> None:
    """Train a network on procedural shots; an interrupted run goes on with --resume."""
    if output is not None and resume is not None:
        raise BadInput(
            "A run is new or goes on.", fix="Give --output for a new run, or --resume for an interrupted one."
        )
    import torch

    from model.checkpoint import load_checkpoint
    from model.device import find_device
    from model.training.train import train as run_training

    if threads:
        torch.set_num_threads(threads)
    where, _ = find_device(load_settings(device=device).device)
    if recipe is not None:
        if network or resume or start or data or steps or seconds or shuffled_truth or option:
            raise BadInput("A recipe has its own stages.", fix="Give --recipe with --output, --device and --set alone.")
        _follow(recipe, output or Path("out") / recipe, where, _pairs(choices))
        return
    if resume is not None and (network or start or data or steps or shuffled_truth or option or choices):
        raise BadInput("An interrupted run goes on with the choices that it began with.", fix="Give --resume alone.")
    named: dict[str, Any] = {"steps": steps, "options": _pairs(option), "shuffled_truth": shuffled_truth}
    named |= {"own_shots": str(data.resolve())} if data else {}
    config = _config(
        network or "neural", where, {name: value for name, value in named.items() if value}, _pairs(choices)
    )
    folder = resume or output or Path("out") / config.network
    done = run_training(
        config,
        folder,
        device=where,
        resume=resume is not None,
        start=load_checkpoint(start, device=where) if start else None,
        seconds=seconds,
        provenance=_provenance(where, torch.get_num_threads()),
        report=_show,
        read_picture=read_linear,
    )
    typer.echo(f"{done.weights_id}: {folder / 'weights.safetensors'}")


def _follow(recipe: str, output: Path, device: str, choices: dict[str, Any]) -> None:
    import torch

    from model.training.recipes import RECIPES, Stage, follow

    if recipe not in RECIPES:
        raise BadInput(f"There is no recipe '{recipe}'.", fix=f"There are: {', '.join(RECIPES)}.")

    def show(stage: Stage, progress: Progress) -> None:
        typer.echo(f"{stage.name}: ", nl=False)
        _show(progress)

    made = follow(
        RECIPES[recipe],
        output,
        device=device,
        choices=choices,
        provenance=_provenance(device, torch.get_num_threads()),
        report=show,
    )
    typer.echo("\n".join(str(path) for path in made))


def measure_training(device: str, threads: int, as_json: bool) -> None:
    """Print what a training step of each network costs, and how much of it goes into making shots."""
    import torch

    from model.device import find_device
    from model.network.registry import NETWORKS
    from model.training.config import training_config
    from model.training.timing import time_steps

    if threads:
        torch.set_num_threads(threads)
    where, _ = find_device(device)
    for network in NETWORKS:
        found = time_steps(training_config(network, cuda=where.startswith("cuda"), pool=16), where)
        if as_json:
            typer.echo(json.dumps(asdict(found) | {"generator_share": found.generator_share}))
        else:
            typer.echo(
                f"{found.network} on {found.device}, {found.threads} threads: {found.step_seconds:.3f} s a step of "
                f"{found.batch} crops of {found.crop}×{found.crop}, {found.generator_share:.0%} of it making shots "
                f"({found.fresh:g} a step, {found.shot_seconds:.3f} s each)"
            )


def _config(network: str, device: str, named: dict[str, Any], choices: dict[str, Any]) -> TrainingConfig:
    """Return the run's choices; those of --set win over flags. Raises BadInput that names what does not fit."""
    from model.training.config import training_config

    try:
        return training_config(network, cuda=device.startswith("cuda"), **(named | choices))
    except ValidationError as error:
        typed = {name: flag(name) for name in named} | {"options": "--option", "own_shots": "--data"}
        typed |= {name: f"--set {name}" for name in choices}
        raise BadInput(
            f"The choices of the run do not fit: {refused(error, typed)}.",
            fix="model/training/config.py documents every choice.",
        ) from error


def _pairs(texts: list[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE; a value is JSON where it can be, else the text itself."""
    found: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise BadInput(f"'{text}' is no NAME=VALUE.", fix="Write it like batch=8.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _show(progress: Progress) -> None:
    row = progress.row
    error = "" if row.validation is None else f"  validation MAD {row.validation:.4f}"
    typer.echo(
        f"step {row.step + 1}/{progress.steps}  loss {row.loss:.4f}{error}"
        f"  {progress.seconds:.0f} s, {progress.generator_share:.0%} of it making shots"
    )


def _provenance(device: str, threads: int) -> Provenance:
    from model.checkpoint import Provenance

    return Provenance(
        command=shlex.join(["dropkey", *sys.argv[1:]]),
        date=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        commit=_commit(),
        machine=f"{device}, {threads} threads, {platform.machine()}",
    )


def _commit() -> str:
    """Return the commit of the source, `-dirty` behind it where files differ; empty outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
