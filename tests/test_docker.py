"""The container files say nothing that is not so. No engine builds or runs them here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

import run
from service.cli import app
from service.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yaml"


def instructions() -> list[tuple[str, str]]:
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def environment() -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word, rest in instructions():
        if word == "ENV":
            pairs |= {name: quoted or bare for name, quoted, bare in re.findall(r"(\w+)=(?:'([^']*)'|(\S+))", rest)}
    return pairs


def service() -> dict[str, Any]:
    return YAML(typ="safe").load(COMPOSE.read_text(encoding="utf-8"))["services"]["dropkey"]


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_hadolint_has_no_complaint() -> None:
    done = subprocess.run([program("hadolint"), str(DOCKERFILE)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_file_fits_the_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_is_copied_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / "docker" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [source for word, rest in instructions() if word == "COPY" for source in rest.split()[:-1]]
    assert copied
    for source in copied:
        name = source.removeprefix("./")
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored


def test_the_image_has_the_torch_of_the_installer() -> None:
    assert ("RUN", f"pip install torch=={run.TORCH}") in instructions()


def test_the_image_runs_a_command_that_exists() -> None:
    command = json.loads(dict(instructions())["CMD"])
    assert command[0] == "dropkey"
    assert CliRunner().invoke(app, [*command[1:], "--help"]).exit_code == 0


def test_the_image_does_not_run_as_root() -> None:
    assert dict(instructions())["USER"] == "${USER_ID}:${GROUP_ID}"
    assert ("ARG", "USER_ID=1000") in instructions()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the container starts with."""
    given = environment() | service()["environment"]
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    named = {name.removeprefix("DROPKEY_").lower() for name in given if name.startswith("DROPKEY_")}
    assert named <= set(Settings.model_fields)
    return load_settings()


def test_variables_are_settings_and_name_the_mounted_folders(settings: Settings) -> None:
    targets = {volume.rpartition(":")[2] for volume in service()["volumes"]}
    assert {settings.home.as_posix(), settings.output.as_posix(), *(r.as_posix() for r in settings.roots)} == targets
    assert set(json.loads(dict(instructions())["VOLUME"])) == targets
    assert {entry.ours.as_posix() for entry in settings.prefix_map} <= targets


def test_the_port_is_published_on_this_machine_only(settings: Settings) -> None:
    assert service()["ports"] == [f"127.0.0.1:{settings.port}:{settings.port}"]
    assert dict(instructions())["EXPOSE"] == str(settings.port)
    assert (settings.host, settings.behind_proxy) == ("0.0.0.0", True), "inside, the container's own address"


def test_health_checks_ask_a_route_that_exists(settings: Settings) -> None:
    routes = (ROOT / "service" / "api" / "routes.py").read_text(encoding="utf-8")
    checks = (dict(instructions())["HEALTHCHECK"], service()["healthcheck"]["test"][-1])
    for check in checks:
        (url,) = re.findall(r"http://[^']+", check)
        assert url == f"http://127.0.0.1:{settings.port}/health/live"
    assert '"/health/live"' in routes


def test_compose_builds_from_the_dockerfile_and_reserves_the_cards() -> None:
    build = service()["build"]
    context = (COMPOSE.parent / build["context"]).resolve()
    assert (context, context / build["dockerfile"]) == (ROOT, DOCKERFILE)
    (card,) = service()["deploy"]["resources"]["reservations"]["devices"]
    assert card["capabilities"] == ["gpu"]


FARM = ROOT / "docker" / "compose.farm.yaml"


def farm_services() -> dict[str, Any]:
    return YAML(typ="safe").load(FARM.read_text(encoding="utf-8"))["services"]


def test_the_farms_compose_file_fits_the_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FARM)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_farms_containers_run_commands_that_exist_and_find_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    services = farm_services()
    for service in services.values():
        assert service["command"][0] == "dropkey"
        assert CliRunner().invoke(app, [*service["command"][1:], "--help"]).exit_code == 0
    named = services["dropkey"]["environment"]["DROPKEY_FARM__SCHEDULER"]
    assert named == services["worker"]["command"][-1] == "tls://scheduler:8786"
    for name, value in (environment() | services["dropkey"]["environment"]).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.farm.scheduler == named
    for service in services.values():
        assert f"certificates:{settings.certificates.as_posix()}" in service["volumes"]
    shared = {volume.rpartition(":")[2] for volume in services["worker"]["volumes"]}
    assert {settings.output.as_posix(), *(root.as_posix() for root in settings.roots)} <= shared


def test_the_image_has_the_farms_packages() -> None:
    assert any(word == "RUN" and "./.[farm]" in rest for word, rest in instructions())


def test_the_farms_service_is_published_on_this_machine_only() -> None:
    published = [port for service in farm_services().values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:8765:8765"]
