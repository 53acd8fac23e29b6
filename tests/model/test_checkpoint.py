"""Weights files come back as they were, and anything that does not fit is refused with words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from model.checkpoint import Checkpoint, Provenance, load_checkpoint, read_tensors, save_checkpoint, write_tensors
from model.errors import KeyingError
from model.network.registry import build_network


def saved(path: Path, name: str = "classification") -> Checkpoint:
    options = {"last_relu": True, "reading": "likeliest"} if name == "classification" else {}
    told = Provenance(command="dropkey train", date="2020-01-01T00:00:00Z", steps=3, metrics={"loss": 0.5})
    checkpoint = Checkpoint(build_network(name, options), {"batch": 8}, told)
    save_checkpoint(path, checkpoint)
    return checkpoint


def rewritten(path: Path, tensors: dict[str, torch.Tensor] | None = None, **changes: object) -> Path:
    """Change entries of the description, or the tensors, of a file."""
    old, metadata = read_tensors(path)
    document = json.loads(metadata["dropkey"]) | changes
    write_tensors(path, old if tensors is None else tensors, {"dropkey": json.dumps(document)})
    return path


def test_network_options_weights_and_provenance_come_back(tmp_path: Path) -> None:
    before = saved(tmp_path / "w.safetensors")
    after = load_checkpoint(tmp_path / "w.safetensors", "classification")
    assert after.network.options == before.network.options
    assert after.training == before.training
    assert after.provenance == before.provenance
    assert after.weights_id == before.weights_id
    for name, value in before.network.state_dict().items():
        assert torch.equal(after.network.state_dict()[name], value)
    assert not after.network.training


def test_other_weights_or_options_have_another_id(tmp_path: Path) -> None:
    one = saved(tmp_path / "w.safetensors", "regression")
    same = load_checkpoint(tmp_path / "w.safetensors")
    assert same.weights_id == one.weights_id
    with torch.no_grad():
        next(same.network.parameters()).view(-1)[0] += 1e-3
    assert same.weights_id != one.weights_id


def test_saving_leaves_only_the_file(tmp_path: Path) -> None:
    saved(tmp_path / "w.safetensors", "regression")
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyingError, match="no weights file"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    with pytest.raises(KeyingError, match="does not say which network"):
        load_checkpoint(path)
    path.write_bytes(b"not a tensor in it")
    with pytest.raises(KeyingError, match="no readable safetensors"):
        load_checkpoint(path)


def test_a_half_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    saved(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(KeyingError, match="no readable safetensors"):
        load_checkpoint(path)


def test_another_network_than_expected_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "w.safetensors", "regression")
    with pytest.raises(KeyingError, match="holds the network 'regression', not 'classification'"):
        load_checkpoint(tmp_path / "w.safetensors", "classification")


def test_a_newer_schema_asks_for_a_newer_dropkey(tmp_path: Path) -> None:
    saved(tmp_path / "w.safetensors", "regression")
    with pytest.raises(KeyingError) as caught:
        load_checkpoint(rewritten(tmp_path / "w.safetensors", schema_version=2, invented="later"))
    assert caught.value.fix == "Update DropKey."


def test_unknown_entries_of_the_description_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "w.safetensors", "regression")
    with pytest.raises(KeyingError, match="invented"):
        load_checkpoint(rewritten(tmp_path / "w.safetensors", invented=1))


def test_missing_unknown_and_misshapen_tensors_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    saved(path, "regression")
    tensors, _ = read_tensors(path)
    tensors["extra"] = tensors.pop("last.bias")
    tensors["last.weight"] = torch.zeros(2, 2)
    with pytest.raises(KeyingError) as caught:
        load_checkpoint(rewritten(path, tensors))
    for part in ("missing: last.bias", "unknown: extra", "last.weight is (2, 2), should be (1, 16, 1, 1)"):
        assert part in caught.value.message
