"""What weights that were put together of several files say of how they were made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from model.checkpoint import Checkpoint
from model.network.interface import Network
from model.network.registry import build_network


def combined(
    weights: Mapping[str, Tensor], like: Checkpoint, parents: Sequence[Checkpoint], command: str
) -> Checkpoint:
    """Return ``weights`` as a checkpoint of the network and the training of ``like``.

    Its provenance tells the commands of all ``parents``, then ``command``. Steps and seconds are those of all of them,
    a file named twice counted once (what two of them began with, twice); date, commit and seed are of the newest.
    """
    network: Network = build_network(like.network.name, dict(like.network.options))
    network.load_state_dict(weights)
    each = list({one.weights_id: one.provenance for one in parents}.values())
    told = max(each, key=lambda one: one.date).model_copy(
        update={
            "command": command,
            "machine": "; ".join(dict.fromkeys(one.machine for one in each if one.machine)),
            "steps": sum(one.steps for one in each),
            "seconds": sum(one.seconds for one in each),
            "metrics": {},
        }
    )
    return replace(like, network=network.eval(), provenance=told.preceded_by(*(one.provenance for one in parents)))


def command_line(module: str, *words: str | Path) -> str:
    """Return the command that called ``module``, as a shell takes it."""
    plain = (word.as_posix() if isinstance(word, Path) else word for word in words)
    return shlex.join(["python", "-m", module, *plain])
