"""run.py picks the right torch per machine, repeats nothing, and repairs what was cut short."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_group

from service.cli import app
from tests.checks import check_commands, run_checks
from tests.service.web import browser
from tests.setups import copied_setup, fake_environment

ROOT = Path(__file__).parent.parent

NEW_DRIVER = """
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |
|-----------------------------------------+------------------------+----------------------+
"""
OLD_DRIVER = NEW_DRIVER.replace("13.0", "12.4")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))  # pip installs, wherever a uv may be
    return copied_setup(tmp_path / "project")


def torch_commands(run: ModuleType, system: str, report: str = "", capabilities: str = "") -> list[str]:
    choice = run.choose_torch(system, run.parse_card(report, capabilities))
    *attempts, _ = run.install_commands("py", choice, "")
    return [
        " ".join(command).removeprefix("py -m pip install --no-input --disable-pip-version-check ")
        for command in attempts
    ]


@pytest.mark.parametrize(
    ("system", "report", "capabilities", "expected"),
    [
        ("Darwin", "", "", ["torch==2.13.0"]),
        ("Windows", "", "", ["torch==2.13.0"]),
        (
            "Linux",
            "",
            "",
            [
                "torch==2.13.0+cpu",
                "torch==2.13.0+cpu --index-url https://download.pytorch.org/whl/cpu",
                "torch==2.13.0",
            ],
        ),
        ("Windows", NEW_DRIVER, "12.0\n", ["torch==2.13.0+cu130 --index-url https://download.pytorch.org/whl/cu130"]),
        ("Windows", OLD_DRIVER, "8.9\n", ["torch==2.13.0+cu126 --index-url https://download.pytorch.org/whl/cu126"]),
        (
            "Linux",
            NEW_DRIVER,
            "9.0\n9.0\n",
            ["torch===2.13.0", "torch==2.13.0+cu130 --index-url https://download.pytorch.org/whl/cu130"],
        ),
        ("Linux", OLD_DRIVER, "8.6\n", ["torch==2.13.0+cu126 --index-url https://download.pytorch.org/whl/cu126"]),
        # A Pascal card beside a new one: the CUDA 13 builds no longer hold code for it.
        ("Linux", NEW_DRIVER, "6.1\n8.9\n", ["torch==2.13.0+cu126 --index-url https://download.pytorch.org/whl/cu126"]),
        # nvidia-smi is there, but its driver is not loaded.
        ("Windows", "NVIDIA-SMI has failed because it couldn't communicate", "", ["torch==2.13.0"]),
    ],
)
def test_torch_build_fits_system_driver_and_card(
    run: ModuleType, system: str, report: str, capabilities: str, expected: list[str]
) -> None:
    assert torch_commands(run, system, report, capabilities) == expected


def test_newer_nvidia_smi_wording_is_understood(run: ModuleType) -> None:
    assert run.parse_card(NEW_DRIVER.replace("CUDA Version", "CUDA UMD Version"), "8.9\n").cuda == (13, 0)


def test_driver_too_old_for_the_card_is_said(run: ModuleType) -> None:
    assert "update" in run.choose_torch("Windows", run.parse_card(OLD_DRIVER, "12.0\n")).note
    assert run.choose_torch("Windows", run.parse_card(OLD_DRIVER, "8.9\n")).note == ""


def test_pinned_torch_is_within_the_project_range(run: ModuleType) -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = (r for r in map(Requirement, project["dependencies"]) if r.name == "torch")
    assert requirement.specifier.contains(run.TORCH)
    major, minor, _ = run.TORCH.split(".")
    assert not requirement.specifier.contains(f"{major}.{int(minor) + 1}.0"), "nothing newer may be pulled"


def test_python_versions_are_those_of_the_project(run: ModuleType) -> None:
    from packaging.specifiers import SpecifierSet

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    assert {(3, minor) for minor in range(20) if allowed.contains(f"3.{minor}.0")} == set(run.PYTHONS)


def test_each_command_installs_the_extra_that_it_needs(run: ModuleType) -> None:
    choice = run.choose_torch("Linux", None)

    def installed(command: str) -> str:
        return run.install_commands("py", choice, run.NEEDS.get(command, ""))[-1][-1]

    assert [installed(command) for command in ("serve", "farm", "test")] == [".", ".[farm]", ".[dev]"]
    dry = subprocess.run(
        [sys.executable, str(run.ROOT / "run.py"), "--dry-run", "farm", "init"], capture_output=True, text=True
    )
    assert ".[farm]" in dry.stdout and dry.stdout.splitlines()[-1].endswith("service.cli farm init")


def test_every_extra_of_run_py_brings_what_the_one_before_it_does(run: ModuleType) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert [extra for extra in run.EXTRAS if extra] == ["farm", "dev"]
    assert {"distributed", "cryptography"} == {need.partition(">")[0] for need in extras["farm"]}
    assert "dropkey[peers,farm]" in extras["dev"]


def test_an_environment_keeps_the_farm_when_another_command_renews_it(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def steps(_python: str, _choice: object, extra: str) -> list[list[str]]:
        asked.append(extra)
        return [[sys.executable, "-c", ""]] * 2

    monkeypatch.setattr(run, "venv_is_usable", lambda: True)
    monkeypatch.setattr(run, "find_card", lambda: None)
    monkeypatch.setattr(run, "install_commands", steps)
    fake_environment(run)
    assert not run.is_ready("farm"), "its packages are missing"
    run.set_up("farm")
    assert run.is_ready("farm") and run.is_ready() and not run.is_ready("dev")
    (run.ROOT / "pyproject.toml").write_text("[project]\nname='newer'\n", encoding="utf-8")
    run.set_up()
    assert run.is_ready("farm") and asked == ["farm", "farm"]
    fake_environment(run, extras="dev")
    assert run.is_ready("farm"), "the development tools bring it"
    fake_environment(run, extras="of a later release")
    assert not run.is_ready()
    run.set_up()
    assert run.is_ready() and asked[-1] == ""


def test_every_check_runs_with_the_arguments_for_pytest_last(run: ModuleType) -> None:
    checks = check_commands(["-k", "exr"])
    assert list(checks) == ["formatting", "ruff", "mypy", "imports", "pytest"]
    assert checks["pytest"][-2:] == ["-k", "exr"]
    assert all(not {"-k", "exr"} & set(checks[name]) for name in checks if name != "pytest")


def test_a_right_stamp_starts_no_process(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_environment(run, extras="dev")
    for name in ("run", "check_output", "Popen", "call"):
        monkeypatch.setattr(subprocess, name, lambda *_, **__: pytest.fail("a process was started"))
    run.set_up("dev")
    run.set_up()


def test_changes_that_matter_call_for_a_new_setup(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_environment(run)
    assert run.is_ready()
    assert not run.is_ready("dev"), "the development tools are missing"

    run.UNFINISHED.touch()
    assert not run.is_ready(), "a setup was cut short"
    run.UNFINISHED.unlink()

    with monkeypatch.context() as patch:
        patch.setattr(run, "driver_mark", lambda: "/usr/bin/nvidia-smi:1")
        assert not run.is_ready(), "a card came"

    run.STAMP.write_text("{ half a", encoding="utf-8")
    assert not run.is_ready(), "the stamp is broken"

    fake_environment(run)
    (run.ROOT / "pyproject.toml").write_text("[project]\nname='other'\n", encoding="utf-8")
    assert not run.is_ready(), "pyproject.toml changed"

    fake_environment(run)
    run.venv_python().unlink()
    assert not run.is_ready(), "the environment lost its Python"


def test_an_environment_cut_short_or_moved_is_not_built_upon(run: ModuleType) -> None:
    assert not run.venv_is_usable(), "there is none"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(run.VENV)], check=True)
    assert not run.venv_is_usable(), "pip is missing"


def test_dry_run_prints_every_command_and_makes_nothing(run: ModuleType) -> None:
    script = str(run.ROOT / "run.py")
    shown = subprocess.run(
        [sys.executable, script, "--dry-run", "test", "-k", "exr"], capture_output=True, text=True, check=True
    ).stdout
    assert "-m venv" in shown and "torch==" in shown and ".[dev]" in shown
    assert shown.rstrip().endswith("-m tests.checks -k exr")
    shown = subprocess.run(
        [sys.executable, script, "--dry-run", "demo"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.rstrip().endswith("-m service.cli demo") and ".[dev]" not in shown
    assert not run.VENV.exists()


@pytest.mark.parametrize("asked", [[], ["-h"], ["--help"]])
def test_help_is_told_at_once_where_nothing_is_set_up(run: ModuleType, asked: list[str]) -> None:
    script = str(run.ROOT / "run.py")
    told = subprocess.run([sys.executable, script, *asked], capture_output=True, text=True, check=True).stdout
    assert "python3 run.py COMMAND" in told and "--reinstall" in told
    assert not run.VENV.exists()
    for name in ("test", "release", *get_group(app).commands):
        assert re.search(rf"\b{name}\b", told), f"{name} is no command that the help tells of"


@pytest.mark.parametrize("asked", [[], ["-h"], ["--help"]])
def test_where_all_is_set_up_help_is_the_whole_one(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    fake_environment(run)
    monkeypatch.setattr(run, "run_dropkey", list)
    assert run.main(asked)[-2:] == ["service.cli", "--help"]


@pytest.mark.parametrize("errors", [subprocess.STDOUT, subprocess.PIPE], ids=["2>&1 | head", "| head"])
def test_a_setup_goes_on_when_nobody_reads_what_it_says_any_more(run: ModuleType, errors: int) -> None:
    step = "print('line\\n' * 100_000, flush=True); open('whole', 'w').close()"
    script = (
        f"import sys, runpy; sys.argv = ['run.py']; space = runpy.run_path({str(run.ROOT / 'run.py')!r});"
        f"space['tell']('begins'); sys.exit(space['build']([sys.executable, '-c', {step!r}], 'step'))"
    )
    setup = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=errors, text=True)
    reader = setup.stderr or setup.stdout
    assert reader and setup.stdout and reader.readline() == "begins\n"
    reader.close()
    assert setup.wait(20) == 0
    assert (run.ROOT / "whole").exists(), "the step was cut short"
    if errors == subprocess.PIPE:
        assert setup.stdout.read() == "", "what programs read is the command's own"
    setup.stdout.close()


def test_setting_up_says_nothing_on_stdout(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "venv_is_usable", lambda: True)
    monkeypatch.setattr(run, "find_card", lambda: None)
    monkeypatch.setattr(
        run, "install_commands", lambda *_: [[sys.executable, "-c", f"exit({code})"] for code in (1, 0, 0)]
    )
    run.VENV.mkdir()
    run.set_up()
    told = capsys.readouterr()
    assert told.out == "" and "Setting up DropKey" in told.err
    assert len(told.err.splitlines()) == 7, "two lines a step"
    assert run.STAMP.exists() and not run.UNFINISHED.exists()


def test_a_setup_that_fails_says_why_and_where_all_of_it_stands(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = "print('Collecting torch'); print('ERROR: no room on the disk'); print('notice: a new pip'); exit(1)"
    monkeypatch.setattr(run, "venv_is_usable", lambda: True)
    monkeypatch.setattr(run, "find_card", lambda: None)
    monkeypatch.setattr(run, "install_commands", lambda *_: [[sys.executable, "-c", step]] * 2)
    run.VENV.mkdir()
    with pytest.raises(run.SetupError, match="ERROR: no room on the disk") as failed:
        run.set_up()
    assert str(run.LOG) in str(failed.value)
    assert "Collecting torch" in run.LOG.read_text() and "Collecting torch" not in capsys.readouterr().err


def test_an_unpacked_release_installs_its_wheel_with_its_own_uv(run: ModuleType) -> None:
    (run.ROOT / "pyproject.toml").unlink()
    wheel, uv = run.ROOT / "dropkey-0.2.0-py3-none-any.whl", run.ROOT / ("uv.exe" if os.name == "nt" else "uv")
    for file in (wheel, uv):
        file.write_bytes(b"1")
    *torch, project = run.install_commands("py", run.choose_torch("Linux", None), "")
    assert project == [str(uv), "pip", "install", "--python", "py", str(wheel)]
    assert run.install_commands("py", run.choose_torch("Linux", None), "farm")[-1][-1] == f"{wheel}[farm]"
    assert all(command[0] == str(uv) for command in torch)
    fake_environment(run)
    assert run.is_ready()
    wheel.rename(wheel.with_name("dropkey-0.3.0-py3-none-any.whl")).write_bytes(b"2")
    assert not run.is_ready(), "another version lies there"


def test_where_pip_was_told_its_index_uv_of_the_path_is_left_alone(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.shutil, "which", lambda name: f"/bin/{name}")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    assert run.find_uv() == "/bin/uv"
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    assert run.find_uv() is None


def test_two_runs_do_not_set_up_at_once(run: ModuleType) -> None:
    script = (
        "import sys, runpy; sys.argv=['run.py'];"
        f"space = runpy.run_path({str(run.ROOT / 'run.py')!r});"
        "lock = space['setup_lock']();"
        "lock.__enter__(); print('inside', flush=True)"
    )
    with run.setup_lock():
        second = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert second.stdout
        assert "waiting" in second.stdout.readline()
    assert second.stdout.readline().strip() == "inside"
    second.stdout.close()
    assert second.wait(20) == 0


def test_exit_codes_pass_through(run: ModuleType) -> None:
    for code in (0, 1, 10, 130):
        assert run.wait(subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])) == code


def test_checks_all_run_and_the_first_failure_is_the_exit_code(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = {
        name: [sys.executable, "-c", f"raise SystemExit({code})"] for name, code in {"a": 0, "b": 3, "c": 4}.items()
    }
    assert run_checks(commands) == 3
    assert "a: passed   b: FAILED (3)   c: FAILED (4)" in capsys.readouterr().out


def test_ci_runs_exactly_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [line for line in script.splitlines() if "run.py" in line] == ["exec python3 run.py test"]


@pytest.mark.skipif(os.name == "nt", reason="CI runs a shell script")
def test_ci_forbids_skipping_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "python3"
    stand_in.write_text('#!/bin/sh\necho "$CI: $*"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CI", raising=False)
    told = subprocess.run([ROOT / ".ci" / "run"], stdout=subprocess.PIPE, text=True, check=True).stdout
    flag, _, command = told.strip().partition(": ")
    assert command == "run.py test"

    monkeypatch.setattr(browser, "find_browser", lambda: None)
    monkeypatch.setattr(browser, "install_browser", lambda: None)
    with pytest.raises(pytest.skip.Exception, match="NO CHROMIUM"):
        browser.browser_or_skip()
    monkeypatch.setenv("CI", flag)
    with pytest.raises(pytest.fail.Exception, match="NO CHROMIUM"):
        browser.browser_or_skip()


def test_a_browser_that_takes_too_long_to_install_is_given_up_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def hang(command: list[str], *, timeout: float, **_: object) -> None:
        asked.append(timeout)
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(browser.shutil, "which", lambda name: name if name == "apt-get" else None)
    monkeypatch.setattr(browser, "PLACES", ())
    monkeypatch.setattr(browser.subprocess, "run", hang)
    assert browser.install_browser() is None
    (seconds,) = asked
    assert 0 < seconds < 300, "the limit of the tests that ask"
