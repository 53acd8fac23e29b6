"""`dropkey bench` and `dropkey evaluate`: how fast and how good keying is, as figures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from model.settings import KeySettings
from service.cli.app import Device, app
from service.cli.keying import key_settings
from service.errors import BadInput, PlateMissing
from service.settings import load_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model.evaluation.run import Look


@app.command()
def evaluate(
    plates: Annotated[
        Path | None, typer.Option(envvar="DROPKEY_PLATES", help="Folder that holds the plates with known alpha.")
    ] = None,
    keyer: Annotated[
        list[str] | None, typer.Option(help="Keyer or peer to judge; may be given several times. Unset: all of them.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set to judge on: procedural, rendered, plates/alpha or plates/real."),
    ] = None,
    half: Annotated[
        str | None,
        typer.Option(help="Half of the pictures to judge on: development, to choose by, or held-out, to report."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller pictures.")] = False,
    frames: Annotated[bool, typer.Option("--frames", help="Print the figures of every picture as well.")] = False,
    page: Annotated[Path | None, typer.Option(help="Folder for an HTML page with pictures.")] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Folder for full-size pictures: plate, alpha, foreground on grey, and what is wrong."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights of a neural keyer to judge, such as `dropkey train` wrote.")
    ] = None,
    grain: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Grain to put upon the plates: deviation in the square root of light."),
    ] = 0.0,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Part of the neural keyer to leave out, to see its worth; may be given several times."),
    ] = None,
    stamped: Annotated[bool, typer.Option("--stamp", help="Write what they scored into the weights' file.")] = False,
    device: Annotated[Device | None, typer.Option(help="Where keying runs.")] = None,
) -> None:
    """Score keyers on plates whose true alpha is known."""
    from model.device import find_device
    from model.evaluation.report import frame_tables, tables, write_page
    from model.evaluation.run import evaluate as run_evaluation
    from model.evaluation.split import HALVES
    from model.evaluation.stamping import stamp
    from service.plates import read_picture

    console = Console(width=None if Console().is_terminal else 160)
    where, _ = find_device(load_settings(device=device).device)
    if stamped and grain > 0.0:
        raise BadInput("Weights are stamped on plates as they are.", fix="Leave --grain or --stamp out.")
    if stamped and half:
        raise BadInput("Weights are stamped on whole sets.", fix="Leave --half or --stamp out.")
    if stamped and without:
        raise BadInput("Weights are stamped on the whole keyer.", fix="Leave --without or --stamp out.")
    if half not in (None, *HALVES):
        raise BadInput(f"There is no half called '{half}'.", fix=f"There are: {', '.join(HALVES)}.")
    report = run_evaluation(
        keyer or [],
        plates,
        quick,
        read_picture,
        device=where,
        progress=lambda text: Console(stderr=True).print(text),
        sheets=page is not None,
        set_names=chosen_sets(only),
        weights=weights,
        grain=grain,
        half=half,
        look=None if sheet is None else _written_to(sheet),
        without=left_out(without, keyer, weights),
    )
    for table in (*(frame_tables(report) if frames else ()), *tables(report)):
        console.print(table)
    if stamped:
        if weights is None:
            raise BadInput("There is nothing to stamp.", fix="Name the file with --weights.")
        stamp(weights, report)
    if page is not None:
        typer.echo(str(write_page(report, page.absolute(), _write_picture)))
    # Who names neither a folder nor a set asks for what is there; the table says what is not.
    if report.missing and (plates is not None or only):
        raise PlateMissing(
            f"Plates are missing: {'; '.join(report.missing)}.",
            fix="Name their folder with --plates or DROPKEY_PLATES.",
        )


def chosen_sets(names: list[str] | None) -> tuple[str, ...]:
    """Return the sets to judge on; raises BadInput for an unknown one."""
    from model.evaluation.run import SET_NAMES

    for name in names or ():
        if name not in SET_NAMES:
            raise BadInput(f"There is no set called '{name}'.", fix=f"There are: {', '.join(SET_NAMES)}.")
    return tuple(names) if names else tuple(SET_NAMES)


def left_out(names: list[str] | None, keyers: list[str] | None, weights: Path | None) -> frozenset[str]:
    """Return the parts that neural keyers leave out; raises BadInput for an unknown one, or where none is judged."""
    from model.evaluation.contenders import NEURAL, parts

    known = parts()
    for name in names or ():
        if name not in known:
            raise BadInput(f"The neural keyer has no part called '{name}'.", fix=f"There are: {', '.join(known)}.")
    if names and weights is None and keyers and NEURAL not in keyers:
        raise BadInput(
            "--without leaves out parts of the neural keyer, which is not among those to judge.",
            fix=f"Add --keyer {NEURAL}, or leave --without out.",
        )
    return frozenset(names or ())


@app.command()
def bench(
    sizes: Annotated[list[str] | None, typer.Argument(help="360p, 720p, 1080p or 4k; unset: 1080p and 4k.")] = None,
    frames: Annotated[int, typer.Option(help="Frames to key of each size.", min=2)] = 20,
    memory: Annotated[
        bool, typer.Option("--memory", help="Key 500 frames of 640x360 and see whether memory grows.")
    ] = False,
    training: Annotated[
        bool, typer.Option("--training", help="Measure training steps instead, and the share that makes shots.")
    ] = False,
    api: Annotated[
        bool, typer.Option("--api", help="Measure the service with 10,000 jobs and 50 open event streams instead.")
    ] = False,
    farm: Annotated[
        str | None,
        typer.Option(help="Measure a farm whose workers only wait instead: how many, as 1,2,4; `keying`: that key."),
    ] = None,
    shots: Annotated[
        int | None, typer.Option(help="With --farm: shots of 100 frames; unset: a minute's work.", min=1)
    ] = None,
    chaos: Annotated[
        float | None,
        typer.Option(help="Minutes to disturb a service of its own instead, and compare with a calm run.", min=0.1),
    ] = None,
    seed: Annotated[int, typer.Option(help="With --chaos: decides what is done when.")] = 1,
    formats: Annotated[
        bool, typer.Option("--formats", help="Measure what the short number formats change instead, keying alone.")
    ] = False,
    keyer: Annotated[str | None, typer.Option(help="Keyer to measure; unset: the default one.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="Number format of its convolutions: float32, bfloat16 or float16.")
    ] = None,
    chosen_settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the key as name=value, such as temporal=off.")
    ] = None,
    device: Annotated[Device | None, typer.Option(help="Where keying runs.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads of torch; 0: its own choice.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure seconds per stage, frames per second, CPU seconds and memory on painted shots."""
    from service import bench as benchmark

    where = load_settings(device=device).device
    if training:
        from service.cli.training import measure_training

        return measure_training(where, threads, as_json)
    if api:
        return _bench_api(as_json)
    if farm is not None:
        return (
            _bench_farm_keying(frames, keyer or "neural", as_json)
            if farm == "keying"
            else _bench_farm(farm, shots, as_json)
        )
    if chaos is not None:
        return _bench_chaos(chaos, seed, as_json)
    for size in sizes or ():
        if size not in benchmark.SIZES:
            raise BadInput(f"There is no size called '{size}'.", fix=f"There are: {', '.join(benchmark.SIZES)}.")
    if formats:
        return _bench_formats(keyer or "neural", where, [benchmark.SIZES[size] for size in sizes or ("1080p", "4k")])
    chosen = key_settings(KeySettings(), None, {"keyer": keyer, "precision": precision}, chosen_settings or [])
    if memory:
        found = [benchmark.bench_memory(device=where, threads=threads, settings=chosen)]
    else:
        wanted = tuple(sizes or ("1080p", "4k"))
        found = benchmark.bench(wanted, frames=frames, device=where, threads=threads, settings=chosen)
    if as_json:
        typer.echo(json.dumps([measurement.model_dump() for measurement in found], indent=1))
    else:
        benchmark.show(found)


def _bench_formats(keyer: str, device: str, sizes: list[tuple[int, int]]) -> None:
    from model.device import find_device
    from model.evaluation.formats import compare_formats

    for found in compare_formats(keyer, find_device(device)[0], sizes):
        line = f"{found.keyer} on {found.device}, {found.width}×{found.height}, {found.precision}: "
        line += f"{found.seconds:.3f} s a frame"
        if found.peak_mib is not None:
            line += f", {found.peak_mib:.0f} MiB in use, {found.reserved_mib:.0f} reserved"
        line += f"; alpha off by {found.mean_error:.1e}, at most {found.most_error:.1e}"
        if found.device_error is not None:
            line += f"; float32 differs from the CPU by up to {found.device_error:.1e}"
        typer.echo(line)


def _bench_farm(farm: str, shots: int | None, as_json: bool) -> None:
    from service.bench_farm import bench_farm
    from service.cli.farm import require_dask

    require_dask()
    try:
        counts = [int(count) for count in farm.split(",")]
    except ValueError:
        raise BadInput(f"--farm: '{farm}' are no counts.", fix="Write them as 1,2,4, or write keying.") from None
    for count in counts:
        found = bench_farm(count, shots=shots or math.ceil(1.2 * count), frame_seconds=0.5, part_frames=16)
        line = f"{found.workers} workers, {found.shots} shots: {found.seconds} s, {found.ideal_share} of ideal; "
        line += f"busy {found.busy_share}, idle at most {found.longest_idle_seconds} s while jobs were queued, "
        line += f"the end took {found.tail_seconds} s; first frame after {found.first_frame_seconds} s, a page of jobs "
        line += f"in {found.list_ms} ms; scheduler {found.scheduler_cores} cores, {found.scheduler_mib:.0f} MiB; "
        line += f"service {found.service_cores} cores, {found.service_mib:.0f} MiB"
        typer.echo(found.model_dump_json() if as_json else line)


def _bench_farm_keying(frames: int, keyer: str, as_json: bool) -> None:
    from service.bench_farm_keying import bench_farm_keying
    from service.cli.farm import require_dask

    require_dask()
    for workers, threads in ((0, 2), (1, 2), (2, 1)) * 2:
        found = bench_farm_keying(workers, threads, frames, keyer)
        who = f"{workers} farm workers" if workers else "the service's own worker"
        line = f"{who}, {threads} threads each: first frame after {found.first_frame_seconds} s, {frames} frames in "
        line += f"{found.seconds} s, {found.cpu_seconds} CPU seconds"
        typer.echo(found.model_dump_json() if as_json else line)


def _bench_chaos(minutes: float, seed: int, as_json: bool) -> None:
    from service.bench_chaos import bench_chaos, text_of

    found = bench_chaos(minutes, seed=seed)
    typer.echo(found.model_dump_json(indent=1) if as_json else text_of(found))
    if found.findings:
        raise typer.Exit(1)


def _bench_api(as_json: bool) -> None:
    from service.bench_api import bench_api

    found = bench_api()
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    typer.echo(f"GET /jobs with {found.jobs} jobs: median {found.list_median_ms} ms, 95 % in {found.list_p95_ms} ms.")
    typer.echo(
        f"{found.listeners} event streams during a shot of {found.shot_seconds} s: {found.api_cpu_seconds} CPU seconds"
        f" of the service's process, {found.events_heard} events heard."
    )


def _written_to(folder: Path) -> Look:
    from model.data.codecs import write_png
    from model.evaluation.report import file_name

    folder.mkdir(parents=True, exist_ok=True)

    def write(name: str, picture: NDArray[np.uint8]) -> None:
        write_png(folder / file_name(name), picture)

    return write


def _write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    import numpy

    from service.demo.pictures import write_png

    write_png(path, picture.astype(numpy.float32) / 255.0, bits=8)
