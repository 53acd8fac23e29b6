"""What the first hour asks of the API: the panel for this machine only, and a machine's condition in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.api import welcome
from service.api.welcome import health_of
from service.demo.sample import paint
from service.doctor import Finding
from tests.service.asking import Asker, asker
from tests.service.dropping import Place


def test_the_panel_is_put_in_for_who_sits_here_only(
    place: Place, client: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "26.0" / "Scripts" / "ScriptUI Panels"
    monkeypatch.setattr(welcome, "panel_folders", lambda: [there])
    monkeypatch.setattr(welcome, "examine", lambda _settings: [])
    away = asker(place, address="192.0.2.7")
    assert away.get("/welcome").json()["here"] is False
    assert away.post("/welcome/panel").status_code == 403 and not there.exists()
    assert client.post("/welcome/panel").json()["panels"] == [{"after_effects": "26.0", "panel": "this"}]
    there.parent.joinpath("26.1").touch()
    monkeypatch.setattr(welcome, "panel_folders", lambda: [there.parent / "26.1" / "below"])
    refused = client.post("/welcome/panel").json()
    assert "cannot be written" in refused["detail"] and "right" in refused["fix"]


def test_the_worst_finding_leads() -> None:
    told = health_of(
        [
            Finding("torch", "fine", "torch 2, keys on a card"),
            Finding("space", "note", "little"),
            Finding("drop folder", "problem", "is away", "Mount it."),
        ]
    )
    assert told.verdict == "problem" and told.device == "torch 2, keys on a card"
    assert [trouble.name for trouble in told.troubles] == ["drop folder", "space"]
    assert told.troubles[0].fix == "Mount it."


def test_a_sample_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path, frames: int) -> None:
        folder.mkdir()
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr("service.demo.sample.write_shot", full)
    with pytest.raises(OSError, match="No space"):
        paint(tmp_path / "sample")
    assert not (tmp_path / "sample").exists()


def test_the_command_is_told_on_this_machine_only(place: Place, client: Asker) -> None:
    assert "run.py" in client.get("/health/live").json()["command"]
    assert asker(place, address="192.0.2.7").get("/health/live").json() == {"live": True}
