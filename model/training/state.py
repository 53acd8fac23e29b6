"""A run in the middle: weights, their average, optimizer and step in one safetensors file, so that it can go on."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from model.checkpoint import read_tensors, write_tensors
from model.errors import KeyingError
from model.network.interface import Network
from model.network.neural import Neural
from model.network.registry import build_network
from model.network.segmenter import Segmenter
from model.training.config import TrainingConfig
from model.training.expand_inputs import guide_of, with_inputs_of

_KEY, _SCHEMA = "dropkey-training", 1


@dataclass
class TrainingState:
    """All that changes from step to step. Random choices are drawn from seed and step, so no generator is among it."""

    config: TrainingConfig
    network: Network
    optimizer: torch.optim.Adam
    average: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, config: TrainingConfig, device: torch.device) -> TrainingState:
        """Return the state before the first step."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = build_network(config.network, config.options)
        network.to(device).train()
        for name, weight in network.named_parameters():
            weight.requires_grad_(name.startswith(config.learns))
        learning = [weight for weight in network.parameters() if weight.requires_grad]
        if not learning:
            raise KeyingError(
                f"No weight of '{config.network}' has a name that begins with {' or '.join(config.learns)}.",
                fix="Leave `learns` unset, or name a part of the network such as `fine`.",
            )
        optimizer = torch.optim.Adam(learning, lr=config.learning_rate)
        average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        return cls(config, network, optimizer, average)

    @classmethod
    def load(cls, path: Path, device: torch.device) -> TrainingState:
        """Return the state that ``save`` wrote; raises KeyingError when the file is missing or something else."""
        tensors, metadata = read_tensors(path, device)
        try:
            document = json.loads(metadata[_KEY])
            if document["schema_version"] != _SCHEMA:
                raise KeyingError(f"{path} was written by another version of DropKey.", fix="Begin a new run.")
            state = cls.begin(TrainingConfig.model_validate(document["config"]), device)
            state.step, state.seconds = int(document["step"]), float(document["seconds"])
            state.network.load_state_dict(_below("network/", tensors))
            state.average = _below("average/", tensors)
            state._load_optimizer(_below("optimizer/", tensors))
        except (KeyError, ValueError, ValidationError, RuntimeError) as error:
            raise KeyingError(f"{path} is no state of this training: {error}.", fix="Begin a new run.") from error
        return state

    def start_from(self, network: Network) -> None:
        """Take the weights of ``network``; raises KeyingError where it is another one.

        Where this one sees more than that did, what is new begins with no weight, so that both answer the same.
        A segmenter may begin with the guide of a neural network.
        """
        earlier = network.state_dict()
        if isinstance(network, Neural) and isinstance(self.network, Segmenter):
            earlier = guide_of(earlier)
        fitting = with_inputs_of(earlier, self.network.state_dict())
        if fitting is None:
            raise KeyingError(
                f"The weights are for {network.name} with {dict(network.options)}, "
                f"not for {self.network.name} with {dict(self.network.options)}.",
                fix="Train the same network with the same options.",
            )
        self.network.load_state_dict(fitting)
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def save(self, path: Path) -> None:
        """Write everything, whole or not at all."""
        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average/{name}": value for name, value in self.average.items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{name}": value for name, value in values.items()}
        document = {
            "schema_version": _SCHEMA,
            "step": self.step,
            "seconds": self.seconds,
            "config": self.config.model_dump(mode="json"),
        }
        write_tensors(path, tensors, {_KEY: json.dumps(document)})

    def update(self, loss: Tensor) -> None:
        """Take one step down the slope of ``loss``."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if self.config.gradient_limit > 0.0:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)
        self.optimizer.step()
        # A young average would remember the random weights of the beginning for long.
        keep = min(self.config.averaging, (1.0 + self.step) / (10.0 + self.step))
        weights = {name: value.detach() for name, value in self.network.state_dict().items()}
        torch._foreach_lerp_([self.average[name] for name in weights], list(weights.values()), 1.0 - keep)
        self.step += 1

    def delivered(self) -> Network:
        """Return a copy of the network with the average of its weights, ready to answer."""
        network = build_network(self.config.network, self.config.options)
        network.load_state_dict(self.average)
        device = next(iter(self.average.values())).device
        return network.to(device).eval().requires_grad_(False)

    def _load_optimizer(self, tensors: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for path, value in tensors.items():
            index, name = path.split("/")
            # Adam counts its steps on the CPU, wherever the weights are.
            state.setdefault(int(index), {})[name] = value.cpu() if name == "step" else value
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Return the rate at ``step``: a linear rise, then half a cosine (Loshchilov, Hutter 2017, without restarts)."""
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    fallen = (1.0 + math.cos(math.pi * min(1.0, step / config.steps))) / 2.0
    return config.learning_rate * rise * (config.last_learning_rate + (1.0 - config.last_learning_rate) * fallen)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
