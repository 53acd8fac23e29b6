"""Each peer keys an easy plate from its own package, or says why it cannot run here."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.errors import UnknownKeyerError
from model.evaluation import metrics, sets
from model.evaluation.contenders import contender_names, load_contender
from model.evaluation.peers import PEER_NAMES, load_peer
from model.evaluation.peers.first_click import key_color, trimap
from model.evaluation.run import score
from model.keyer import KEYER_NAMES
from tests.model.evaluation.made_up import SCREEN, SUBJECT, disc


@pytest.mark.parametrize("name", PEER_NAMES)
def test_a_peer_keys_an_easy_plate_or_says_why_not(name: str) -> None:
    peer = load_peer(name)
    why = peer.unavailable()
    if why:
        pytest.skip(f"{name} is NOT tested here: {why}")
    example = disc(120, 160)
    keyed = next(iter(peer.key_shot([example.plate])))
    assert keyed.alpha.shape == example.alpha.shape
    assert keyed.foreground.shape == example.foreground.shape
    assert metrics.core_error(keyed.alpha, example.alpha) < 0.05
    assert metrics.screen_error(keyed.alpha, example.alpha) < 0.05
    core = example.alpha >= 0.999
    assert np.abs(keyed.foreground[core] - example.foreground[core]).mean() < 0.05


@pytest.mark.skipif(not importlib.util.find_spec("pymatting"), reason="the extra [peers] is not installed")
def test_the_threads_of_torch_are_the_same_after_a_peer_was_imported() -> None:
    ask = (
        "import torch; from model.evaluation.peers import load_peer; torch.set_num_threads(1);"
        "load_peer('pymatting').prepare(); print(torch.get_num_threads())"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", ask]
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "1\n"


def test_ffmpeg_alpha_is_finer_than_eight_bits() -> None:
    alpha = next(iter(load_peer("ffmpeg").key_shot([disc(120, 160).plate]))).alpha
    soft = alpha[(alpha > 0.0) & (alpha < 1.0)]
    assert soft.size
    assert np.abs(soft * 255 - np.round(soft * 255)).max() > 0.01


def test_blender_without_an_interpreter_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    peer = load_peer("blender")
    monkeypatch.setenv("DROPKEY_BLENDER_PYTHON", str(tmp_path / "python"))
    assert "does not exist" in peer.unavailable()
    monkeypatch.delenv("DROPKEY_BLENDER_PYTHON")
    if not importlib.util.find_spec("bpy"):
        assert "DROPKEY_BLENDER_PYTHON" in peer.unavailable()


@pytest.mark.parametrize("interpreter", ["", "no-python"], ids=["none named", "a wrong one named"])
def test_the_row_of_a_missing_peer_says_once_that_it_is_missing(
    interpreter: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DROPKEY_BLENDER_PYTHON", interpreter and str(tmp_path / interpreter))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("blender", "pymatting"):
        note = score(load_peer(name), sets.PlateSet("made up", "")).note
        assert note.startswith("not available here: ") and note.count("available") == 1


def test_blender_keys_the_frames_of_a_shot_in_order() -> None:
    peer = load_peer("blender")
    if peer.unavailable():
        pytest.skip(f"blender is NOT tested here: {peer.unavailable()}")
    plate = disc(60, 80).plate.copy()
    plate[:20, :30] = SUBJECT
    upright, flipped = peer.key_shot([plate, np.ascontiguousarray(plate[::-1, ::-1])])
    assert upright.alpha[5, 5] > 0.9 > 0.1 > upright.alpha[-5, -5]
    assert flipped.alpha[-5, -5] > 0.9 > 0.1 > flipped.alpha[5, 5]


def test_the_key_color_comes_from_the_border() -> None:
    assert np.allclose(key_color(disc().plate), SCREEN, atol=1e-6)


def test_the_trimap_is_sure_only_away_from_the_edge() -> None:
    example = disc(120, 160)
    known = trimap(example.plate, key_color(example.plate))
    assert set(np.unique(known)) == {0.0, 0.5, 1.0}
    assert (example.alpha[known == 0.0] == 0.0).all()
    assert (example.alpha[known == 1.0] == 1.0).all()


def test_every_name_loads_and_strange_ones_do_not() -> None:
    assert contender_names() == (*KEYER_NAMES, *PEER_NAMES)
    assert [load_contender(name).name for name in contender_names()] == list(contender_names())
    with pytest.raises(UnknownKeyerError):
        load_peer("keylight")
