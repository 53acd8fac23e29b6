"""The doctor finds what is wrong and says what to do."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from service import doctor
from service.cli import app
from service.discovery import write_discovery
from service.doctor import Finding, judge_torch
from service.private import load_token
from service.settings import PrefixMap, Settings


def findings(check: str, **chosen: object) -> dict[str, Finding]:
    settings = Settings(**chosen)
    return {finding.name: finding for finding in getattr(doctor, check)(settings)}


CARD = "NVIDIA RTX 4090, 580.95.05, 24564 MiB\n"


@pytest.mark.parametrize(
    ("version", "built_for", "seen", "cards", "device", "verdict", "fix"),
    [
        ("2.13.0+cu130", "13.0", "NVIDIA RTX 4090", CARD, "auto", "fine", ""),
        ("2.13.0+cpu", "", "", CARD, "auto", "problem", "run.py --reinstall"),
        ("2.13.0+cu130", "13.0", "", CARD, "auto", "problem", "Update the NVIDIA driver"),
        ("2.13.0+cpu", "", "", None, "cuda", "problem", "dropkey.toml"),
        ("2.13.0+cpu", "", "", None, "auto", "note", ""),
    ],
)
def test_card_and_torch_that_do_not_fit_are_told_apart(
    version: str, built_for: str, seen: str, cards: str | None, device: str, verdict: str, fix: str
) -> None:
    found = judge_torch(version, built_for, seen, False, cards, device)
    assert found.verdict == verdict
    assert fix in found.fix


def test_an_apple_gpu_is_fine() -> None:
    assert judge_torch("2.13.0", "", "", True, None, "mps").verdict == "fine"


def test_the_real_torch_is_described() -> None:
    found = findings("check_torch")["torch"]
    assert found.message.startswith("torch 2.")


def test_a_taken_port_is_a_problem_and_a_free_one_is_not(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = findings("check_port", home=tmp_path, port=port)["port"]
        assert taken.verdict == "problem" and "--port" in taken.fix
    assert findings("check_port", home=tmp_path, port=port)["port"].verdict == "fine"


def test_a_service_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, never listening
        write_discovery(settings, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        (found,) = doctor.check_port(settings)
    assert found.verdict == "problem" and str(os.getpid()) in found.fix


def test_a_running_service_of_another_version_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path)
    found = write_discovery(settings, "http://127.0.0.1:1")
    monkeypatch.setattr(doctor.httpx, "get", lambda *_, **__: httpx.Response(200))
    assert [(finding.verdict, finding.fix) for finding in doctor.check_port(settings)] == [("fine", "")]
    settings.discovery_file.write_text(
        found.model_copy(update={"version": "0.0.9"}).model_dump_json(), encoding="utf-8"
    )
    (told,) = doctor.check_port(settings)
    assert told.verdict == "note" and "0.0.9" in told.fix and "start it anew" in told.fix


def test_what_the_running_service_says_of_its_drop_folders_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    load_token(settings)
    write_discovery(settings, "http://127.0.0.1:1")
    told = {
        "workers": {"ok": False, "detail": "starting"},
        "drop folder S:/a": {"ok": True, "detail": "there"},
        "drop folder S:/b": {"ok": False, "detail": "there; it cannot be scanned: RuntimeError"},
    }
    monkeypatch.setattr(doctor.httpx, "get", lambda *_, **__: httpx.Response(503, json={"checks": told}))
    found = {finding.name: finding for finding in doctor.check_watching(settings)}
    assert [finding.verdict for finding in found.values()] == ["fine", "problem"]
    assert "RuntimeError" in found["watching, drop folder S:/b"].message


def test_folders_are_fine_where_they_can_be_made(tmp_path: Path) -> None:
    found = findings("check_folders", home=tmp_path / "not" / "yet")
    assert {finding.verdict for finding in found.values()} == {"fine"}
    assert list(tmp_path.iterdir()) == [], "looking changes nothing"


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write anywhere")
def test_an_output_folder_without_permission_is_a_problem(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    found = findings("check_folders", home=tmp_path, output_root=closed)["output folder"]
    assert found.verdict == "problem" and str(closed) in found.fix


def test_an_output_folder_whose_quota_is_used_up_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    found = findings("check_folders", home=tmp_path)["output folder"]
    assert found.verdict == "problem" and "quota" in found.message and "quota" in found.fix


def test_a_file_in_place_of_a_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("", encoding="utf-8")
    assert findings("check_folders", home=tmp_path)["output folder"].verdict == "problem"


def test_too_little_room_is_a_problem(tmp_path: Path) -> None:
    found = findings("check_space", home=tmp_path, minimum_free_gib=1e9)
    assert {finding.verdict for finding in found.values()} == {"problem"}


def test_a_mapped_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    entries = (PrefixMap(theirs=r"S:\shots", ours=tmp_path), PrefixMap(theirs=r"T:\shots", ours=tmp_path / "gone"))
    verdicts = [f.verdict for f in doctor.check_prefixes(Settings(home=tmp_path, prefix_map=entries))]
    assert verdicts == ["fine", "problem"]


def test_an_exr_library_with_known_holes_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "3.4.12" if name == "OpenEXR" else "9.9.9")
    (found,) = doctor.check_pictures(Settings())
    assert found.verdict == "problem"


def test_a_check_that_fails_is_itself_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: (_ for _ in ()).throw(OSError("no such disk")))
    found = {finding.name: finding for finding in doctor.examine(Settings())}
    assert found["space"].verdict == "problem" and "no such disk" in found["space"].message


def test_json_says_the_same_and_the_exit_code_tells_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROPKEY_HOME", str(tmp_path))
    monkeypatch.setenv("DROPKEY_PORT", "0")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = json.loads(result.stdout)
    assert {"dropkey", "torch", "home folder", "database", "pictures"} <= {entry["name"] for entry in found}
    assert result.exit_code == int(any(entry["verdict"] == "problem" for entry in found))

    monkeypatch.setenv("DROPKEY_MINIMUM_FREE_GIB", "1e9")
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_few_open_files_are_a_problem() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        assert findings("check_limits")["open files"].verdict == "problem"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_drop_folder_inside_the_output_folder_is_a_problem(tmp_path: Path) -> None:
    for output in (tmp_path / "drop", tmp_path):
        found = findings("check_folders", home=tmp_path / "home", drop_folders=(tmp_path / "drop",), output_root=output)
        assert found["drop folder"].verdict == "problem" and "no shot is taken" in found["drop folder"].message
    inside = {"drop_folders": (tmp_path / "drop",), "output_root": tmp_path / "drop" / "results"}
    assert findings("check_folders", home=tmp_path / "home", **inside)["drop folder"].verdict == "fine"
