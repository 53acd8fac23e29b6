"""Weights, the network that they fit, and where they come from, in one safetensors file; loading is strict."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from model.errors import KeyingError
from model.network.interface import Network
from model.network.registry import build_network

SCHEMA = 1
_KEY = "dropkey"  # of the safetensors metadata, which maps strings to strings: one JSON document
_STEPS = re.compile(" && | ; ")  # between the commands that made weights one after the other
_FIX = "Take a file that `dropkey train` wrote, or train it again."


class Provenance(BaseModel):
    """Where weights come from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    command: str = ""
    """The command lines that made them, one after the other."""

    date: str = ""
    """UTC, ISO 8601."""

    commit: str = ""
    """Commit of the source; ends in `-dirty` where files differed from it."""

    torch_version: str = torch.__version__
    """Version of torch."""

    machine: str = ""
    """Class of machine: device and number of threads."""

    steps: int = 0
    """Training steps behind them."""

    seconds: float = 0.0
    """Seconds of training."""

    data_seed: int = 0
    """Seed of the training shots."""

    metrics: dict[str, float] = {}
    """Figures measured at the end of training, by name."""

    def preceded_by(self, *earlier: Provenance) -> Provenance:
        """Return it with the commands of what the weights came from before its own, each told once."""
        steps = dict.fromkeys(step.strip() for one in earlier for step in _STEPS.split(one.command))
        return self.model_copy(update={"command": " && ".join(filter(None, (*steps, self.command)))})


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_version: int
    network: str
    options: dict[str, bool | int | float | str]
    training: dict[str, Any]
    provenance: Provenance


@dataclass(frozen=True)
class Checkpoint:
    """A network with its weights, the configuration that trained it, and its provenance."""

    network: Network
    training: dict[str, Any]
    provenance: Provenance

    @property
    def weights_id(self) -> str:
        """Name and hash of network, options and weights: equal for equal answers, whenever they were saved."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(json.dumps([self.network.name, dict(self.network.options)], sort_keys=True).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return f"{self.network.name}-{digest.hexdigest()}"


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file, whole or not at all."""
    document = _Document(
        schema_version=SCHEMA,
        network=checkpoint.network.name,
        options=dict(checkpoint.network.options),
        training=checkpoint.training,
        provenance=checkpoint.provenance,
    )
    write_tensors(path, checkpoint.network.state_dict(), {_KEY: document.model_dump_json()})


def load_checkpoint(path: Path, expected: str | None = None, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a file and build its network on ``device``, ready to answer.

    Raises KeyingError when the file is missing or no such file, was written by a newer DropKey, holds another network
    than ``expected``, or has tensors missing, too many or of another shape.
    """
    tensors, metadata = read_tensors(path, device)
    document = _document(path, metadata)
    if expected is not None and document.network != expected:
        raise KeyingError(f"{path.name} holds the network '{document.network}', not '{expected}'.", fix=_FIX)
    network = build_network(document.network, document.options)
    _check_fit(path, network, tensors)
    network.load_state_dict(tensors)
    return Checkpoint(network.to(device).eval().requires_grad_(False), document.training, document.provenance)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata under a temporary name, then rename."""
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(save(flat, dict(metadata)))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file; it can hold no code. Raises KeyingError."""
    if not path.is_file():
        raise KeyingError(f"There is no weights file {path}.", fix=_FIX)
    try:
        with safe_open(str(path), framework="pt", device=str(device)) as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})
    except SafetensorError as error:
        raise KeyingError(f"{path.name} is no readable safetensors file: {error}.", fix=_FIX) from error


def _document(path: Path, metadata: Mapping[str, str]) -> _Document:
    if _KEY not in metadata:
        raise KeyingError(f"{path.name} does not say which network it is for.", fix=_FIX)
    try:
        raw = json.loads(metadata[_KEY])
        version = raw.get("schema_version")
        if isinstance(version, int) and version > SCHEMA:
            raise KeyingError(
                f"{path.name} has schema {version}; this DropKey knows up to {SCHEMA}.", fix="Update DropKey."
            )
        return _Document.model_validate(raw)
    except (ValueError, AttributeError, ValidationError) as error:
        raise KeyingError(f"The description inside {path.name} is broken: {error}.", fix=_FIX) from error


def _check_fit(path: Path, network: Network, tensors: Mapping[str, Tensor]) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    faults = [f"missing: {name}" for name in sorted(wanted.keys() - found.keys())]
    faults += [f"unknown: {name}" for name in sorted(found.keys() - wanted.keys())]
    faults += [
        f"{name} is {found[name]}, should be {wanted[name]}"
        for name in sorted(wanted.keys() & found.keys())
        if wanted[name] != found[name]
    ]
    if faults:
        raise KeyingError(f"{path.name} does not fit '{network.name}': {'; '.join(faults)}.", fix=_FIX)
