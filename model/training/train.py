"""The training loop: batches in, losses as named terms, weights, state and curve out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from model.checkpoint import Checkpoint, Provenance, load_checkpoint, save_checkpoint
from model.data.codecs import write_png
from model.data.dataset import ReadPicture
from model.errors import KeyingError
from model.training.config import TrainingConfig
from model.training.curve import Row, read_rows, write_curve, write_rows
from model.training.losses import Terms, weighted_sum
from model.training.objectives import Objective, begin_objective
from model.training.state import TrainingState

STATE, WEIGHTS, ROWS, CURVE = "state.safetensors", "weights.safetensors", "loss.csv", "loss.png"
PICTURES = "pictures.png"
_PENDING = 10  # steps whose figures may wait on the device; on a CPU nothing waits for them


@dataclass(frozen=True)
class Progress:
    """Where a run stands, for the person who watches."""

    row: Row
    steps: int
    seconds: float  # of this sitting
    generator_share: float  # of those seconds, that went into new shots


def train(
    config: TrainingConfig,
    output: Path,
    *,
    device: torch.device | str = "cpu",
    resume: bool = False,
    start: Checkpoint | None = None,
    seconds: float | None = None,
    provenance: Provenance | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    read_picture: ReadPicture | None = None,
) -> Checkpoint:
    """Train into the folder ``output`` and return what it delivers: weights, state to go on from, loss as CSV and PNG.

    Where the network has any to show, pictures of held-out frames lie beside them. ``read_picture`` reads the user's
    own shots, where the configuration names any.

    ``resume`` goes on where the state in ``output`` stands, with *its* configuration; the steps are those of a run
    without interruption. ``start`` begins with the weights of another run of the same network. ``seconds`` ends this
    sitting early. Raises KeyingError for a folder that already holds a run (without ``resume``), a state that cannot be
    read, a ``start`` of another network, or a loss that is no number.
    """
    place = torch.device(device)
    state = _opened(config, output, place, resume)
    if start is not None and not resume:
        state.start_from(start.network)
    rows = [row for row in read_rows(output / ROWS) if row.step < state.step] if resume else []
    objective = begin_objective(state.config, state.network, place, read_picture)
    output.mkdir(parents=True, exist_ok=True)
    told = _told(provenance or Provenance(), output, resume, start)
    begin, earlier = time.perf_counter(), state.seconds
    checkpoint, pending = None, _Pending()
    while state.step < state.config.steps:
        pending.add(state.step, *_step(state, objective))
        over = seconds is not None and time.perf_counter() - begin > seconds
        last = over or state.step == state.config.steps
        error = _held_out_error(state, objective, output)
        told_now = last or error is not None or state.step % state.config.report_every == 0
        if not told_now and state.step % state.config.save_every and len(pending) < _PENDING:
            continue
        rows += pending.rows(error)
        state.seconds = earlier + time.perf_counter() - begin
        if told_now:
            share = objective.generator_seconds / max(time.perf_counter() - begin, 1e-9)
            report(Progress(rows[-1], state.config.steps, time.perf_counter() - begin, share))
        if last or state.step % state.config.save_every == 0:
            checkpoint = _save(state, rows, output, told)
        if over:
            break
    return checkpoint or _checkpoint(state, rows, told)


def _told(provenance: Provenance, output: Path, resume: bool, start: Checkpoint | None) -> Provenance:
    """Put the commands of earlier sittings, or of the run that the weights began with, before this one's."""
    earlier = start.provenance if start is not None else None
    if resume and (output / WEIGHTS).exists():
        earlier = load_checkpoint(output / WEIGHTS).provenance
    return provenance if earlier is None else provenance.preceded_by(earlier)


def _opened(config: TrainingConfig, output: Path, device: torch.device, resume: bool) -> TrainingState:
    if resume:
        return TrainingState.load(output / STATE, device)
    if (output / STATE).exists():
        raise KeyingError(f"{output} already holds a run.", fix="Name another folder, or go on in it with --resume.")
    return TrainingState.begin(config, device)


def _step(state: TrainingState, objective: Objective) -> tuple[Tensor, Terms]:
    """Take one step; return its loss and terms."""
    config, step = state.config, state.step
    # Layers that draw at random draw the same at this step, whenever it is taken.
    torch.manual_seed(config.seed * 1_000_003 + step)
    terms = objective.terms(state.network, step)
    loss = weighted_sum(terms, config.loss_weights)
    state.update(loss)
    return loss, terms


def _held_out_error(state: TrainingState, objective: Objective, output: Path) -> float | None:
    """Return the error on held-out shots where it is due, and draw pictures of them."""
    if state.step % state.config.validate_every and state.step != state.config.steps:
        return None
    network = state.delivered()
    if (pictures := objective.pictures(network)) is not None:
        write_png(output / PICTURES, pictures)
    return objective.held_out_error(network)


class _Pending:
    """Rows of the curve whose figures are still on the device: asking for each at once would keep a GPU waiting."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, list[str], Tensor]] = []

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: int, loss: Tensor, terms: Terms) -> None:
        """Keep the figures of ``step``."""
        self._steps.append((step, list(terms), torch.stack([loss, *terms.values()]).detach()))

    def rows(self, validation: float | None) -> list[Row]:
        """Return the rows of all steps since the last call; the last one holds ``validation``.

        Raises KeyingError where a loss is no number.
        """
        found = []
        for step, names, figures in self._steps:
            loss, *values = figures.tolist()
            if not math.isfinite(loss):
                raise KeyingError(f"The loss is {loss} at step {step}.", fix="Train with a smaller learning rate.")
            found.append(Row(step, loss, dict(zip(names, values, strict=True)), None))
        self._steps.clear()
        found[-1] = replace(found[-1], validation=validation)
        return found


def _save(state: TrainingState, rows: list[Row], output: Path, provenance: Provenance) -> Checkpoint:
    # The state comes last: rows beyond it are dropped on resume, so an interruption between the files costs nothing.
    checkpoint = _checkpoint(state, rows, provenance)
    write_rows(output / ROWS, rows)
    write_curve(output / CURVE, rows)
    save_checkpoint(output / WEIGHTS, checkpoint)
    state.save(output / STATE)
    return checkpoint


def _checkpoint(state: TrainingState, rows: list[Row], provenance: Provenance) -> Checkpoint:
    errors = [row.validation for row in rows if row.validation is not None]
    metrics = {"loss": rows[-1].loss} if rows else {}
    if errors:
        metrics["validation_mad"] = errors[-1]
    told = provenance.model_copy(
        update={
            "steps": state.step,
            "seconds": round(state.seconds, 1),
            "data_seed": state.config.seed,
            "metrics": metrics,
        }
    )
    return Checkpoint(state.delivered(), state.config.model_dump(mode="json"), told)
