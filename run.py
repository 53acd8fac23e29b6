#!/usr/bin/env python3
"""DropKey keys green-screen shots for After Effects. `python3 run.py COMMAND` sets up what it needs, then runs it.

    demo     key a painted shot and measure it        serve    watch the drop folders, answer the panel
    key      key one shot here and now                open     show the service's page in the browser
    doctor   say what is wrong with this machine      panel    put the panel into After Effects
    docs     open the documentation                   start, stop, autostart   the service without a window
    test     run every check of the project           bench, evaluate, train, data   measure and teach the keyers
    farm     key on several machines                  presets   list, export and import saved choices
    release  build what a download page needs         update, uninstall   the newest version; none

Nothing but Python 3.11 to 3.13 has to be there. The first command makes the environment .venv, which takes minutes.
Options before the command: --dry-run prints what would be done instead, --reinstall builds the environment anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TORCH = "2.13.0"
PYTORCH_INDEX = "https://download.pytorch.org/whl/"
# Extras of pyproject.toml, each with all that the one before it brings; checks need their tools, the score its peers.
EXTRAS = ("", "farm", "dev")
NEEDS = {"farm": "farm", "test": "dev", "evaluate": "dev", "release": "dev"}
BESIDE = {"test": ("tests.checks",), "release": ("service.release",)}  # no commands of the product
PYTHONS = ((3, 13), (3, 12), (3, 11))
THIS_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
BASE_PYTHON = getattr(sys, "_base_executable", "") or sys.executable  # uv may call us by an environment's Python
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / ".venv.lock"
LOG = ROOT / ".venv-setup.log"
STAMP = VENV / "dropkey-stamp.json"
# Lies in the environment while it is being changed: whoever finds it knows that the last change was cut short.
UNFINISHED = VENV / "dropkey-unfinished"
shown = subprocess.list2cmdline  # a command as a person would type it


class SetupError(Exception):
    """Something the user has to mend; the text says what and how."""


@dataclass(frozen=True)
class Card:
    """What nvidia-smi says: the newest CUDA the driver can run, and the oldest card's compute capability."""

    cuda: tuple[int, int]
    capability: tuple[int, int]


@dataclass(frozen=True)
class TorchChoice:
    """Which build of torch fits the machine: pip arguments to try in order, and the version labels that satisfy it."""

    name: str
    attempts: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]
    note: str = ""


# ---- what fits this machine (pure)


def parse_card(report: str, capabilities: str) -> Card | None:
    """Read the plain report of nvidia-smi and its `--query-gpu=compute_cap` answer; None when no card is listed."""
    found = [(int(a), int(b)) for a, b in re.findall(r"^\s*(\d+)\.(\d+)\s*$", capabilities, re.MULTILINE)]
    version = re.search(r"CUDA (?:UMD )?Version:\s*(\d+)\.(\d+)", report)
    if not found or not version:
        return None
    return Card(cuda=(int(version[1]), int(version[2])), capability=min(found))


def choose_torch(system: str, card: Card | None) -> TorchChoice:
    """Return the build of torch for `system` (as platform.system() names it) with or without a CUDA card."""
    plain = f"torch=={TORCH}"
    if system == "Darwin":
        return TorchChoice("macos", ((plain,),), ("",))
    if card is None:
        if system == "Windows":
            return TorchChoice("cpu", ((plain,),), ("", "cpu"))
        # PyPI's Linux wheel carries CUDA, gigabytes of it: only when no CPU build can be had.
        from_index = (f"{plain}+cpu", "--index-url", PYTORCH_INDEX + "cpu")
        return TorchChoice("cpu", ((f"{plain}+cpu",), from_index, (plain,)), ("cpu", ""))
    newest = (f"{plain}+cu130", "--index-url", PYTORCH_INDEX + "cu130")
    # CUDA 13 builds need a CUDA 13 driver and a Turing card or newer; the CUDA 12.6 build serves the older ones.
    if card.cuda >= (13, 0) and card.capability >= (7, 5):
        if system == "Windows":
            return TorchChoice("cu130", (newest,), ("cu130",))
        # `===`: PyPI's own wheel, which carries CUDA, and never a `+cpu` one that happens to lie at hand.
        return TorchChoice("cuda", ((f"torch==={TORCH}",), newest), ("", "cu130"))
    note = ""
    if card.cuda < (12, 0) or card.capability >= (10, 0):
        note = f"The NVIDIA driver (CUDA {card.cuda[0]}.{card.cuda[1]}) is too old for this card: update it, run again."
    return TorchChoice("cu126", ((f"{plain}+cu126", "--index-url", PYTORCH_INDEX + "cu126"),), ("cu126",), note)


def install_commands(python: str, choice: TorchChoice, extra: str) -> list[list[str]]:
    """Return the commands that install: the attempts at torch, then DropKey itself (torch is then satisfied already).

    By uv where it lies beside this file or is on the PATH, which is several times faster; by pip elsewhere.
    """
    pip = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    if uv := find_uv():
        pip = [uv, "pip", "install", "--python", python]
    wheel = shipped_wheel()
    named = f"[{'farm' if wheel else extra}]" if extra else ""
    project = [f"{wheel}{named}"] if wheel else ["-e", f".{named}"]
    return [[*pip, *attempt] for attempt in choice.attempts] + [[*pip, *project]]


# ---- this machine


def programs() -> tuple[Path, str]:
    """Return the folder of the environment's programs and their suffix."""
    return (VENV / "Scripts", ".exe") if os.name == "nt" else (VENV / "bin", "")


def venv_python() -> Path:
    """Return the environment's Python."""
    return programs()[0] / f"python{programs()[1]}"


def answer(*command: str) -> str | None:
    """Return what `command` prints; None when it is missing, fails or hangs."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def find_card() -> Card | None:
    """Ask nvidia-smi for the card; None where there is none or its driver does not answer."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return None
    return parse_card(answer(tool) or "", answer(tool, "--query-gpu=compute_cap", "--format=csv,noheader") or "")


def find_uv() -> str | None:
    """Return uv: the one of a release, else the one on the PATH unless pip was told where packages come from."""
    ours = ROOT / ("uv.exe" if os.name == "nt" else "uv")
    told = os.environ.keys() & {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"}
    return str(ours) if ours.is_file() else None if told else shutil.which("uv")


def shipped_wheel() -> Path | None:
    """Return the wheel of an unpacked release; None in a checkout."""
    return None if (ROOT / "pyproject.toml").exists() else max(ROOT.glob("dropkey-*.whl"), default=None)


def driver_mark() -> str:
    """Return what changes when an NVIDIA driver comes, goes or is updated, without the second nvidia-smi may take."""
    tool = shutil.which("nvidia-smi")
    return f"{tool}:{os.stat(tool).st_mtime_ns}" if tool else ""


def wanted_stamp() -> dict[str, str]:
    """Return everything the environment depends on; equal stamps mean there is nothing to do."""
    return {
        "root": str(ROOT),
        "python": THIS_PYTHON,
        "torch": TORCH,
        "driver": driver_mark(),
        "project": hashlib.sha256((shipped_wheel() or ROOT / "pyproject.toml").read_bytes()).hexdigest(),
    }


def read_stamp() -> dict[str, str]:
    """Return the stamp of the last finished setup; empty where there is none."""
    with suppress(OSError, ValueError):
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    return {}


def is_ready(extra: str = "") -> bool:
    """Say whether the environment is as it should be, without starting a process."""
    stamp = read_stamp()
    folder, suffix = programs()
    whole = venv_python().exists() and (folder / f"dropkey{suffix}").exists() and not UNFINISHED.exists()
    return whole and stamp.pop("extras", "") in EXTRAS[EXTRAS.index(extra) :] and stamp == wanted_stamp()


# ---- setting up


@contextmanager
def setup_lock() -> Iterator[None]:
    """Let one run.py at a time change the environment; the system frees the lock of a process that died."""
    with open(LOCK, "a+b") as file:
        if not _try_lock(file.fileno()):
            tell("Another run.py is setting up; waiting for it.")
            while not _try_lock(file.fileno()):
                time.sleep(0.5)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def venv_is_usable() -> bool:
    """Say whether an environment that is there can be built upon: whole, of this Python, in this place."""
    said = answer(str(venv_python()), "-c", "import pip, sys; print(sys.version_info[:2], sys.prefix)")
    if said is None or UNFINISHED.exists():
        return False
    version, _, prefix = said.strip().partition(") ")
    return version + ")" == str(sys.version_info[:2]) and Path(prefix).resolve() == VENV.resolve()


def make_venv() -> None:
    """Build an empty environment, in place of any that is there."""
    if answer(sys.executable, "-c", "import ensurepip, venv") is None:
        raise SetupError(
            "This Python cannot make virtual environments (its venv or ensurepip part is missing).\n"
            f"On Debian or Ubuntu: sudo apt install python{THIS_PYTHON}-venv. Elsewhere: Python from python.org."
        )
    if build([BASE_PYTHON, "-m", "venv", "--clear", str(VENV)], "an environment"):
        raise SetupError(f"{VENV} could not be made (see above). Close programs that use it, or delete it; run again.")


def install(extra: str) -> None:
    """Bring the environment to where `wanted_stamp` says, with the extra that it had if that is more, and stamp it."""
    extra = max({extra, read_stamp().get("extras", "")} & {*EXTRAS}, key=EXTRAS.index)
    choice = choose_torch(platform.system(), find_card())
    if choice.note:
        tell(choice.note)
    if not venv_is_usable():
        make_venv()
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    python = str(venv_python())
    *attempts, project = install_commands(python, choice, extra)
    label = "import importlib.metadata as m; print(m.version('torch'))"
    version, _, tag = (answer(python, "-c", label) or "").strip().partition("+")
    there = version == TORCH and tag in choice.labels
    if version and not there:
        build([python, "-m", "pip", "uninstall", "--yes", "--quiet", "torch"], "making room")
    there = there or any(build(attempt, f"torch {TORCH} for {choice.name}") == 0 for attempt in attempts)
    if not there or build(project, "DropKey and its libraries"):
        UNFINISHED.unlink()  # pip takes back what it could not finish
        raise SetupError(
            f"Setting up did not finish: {last_complaint()}\n"
            "Usual reasons: no network (a proxy needs HTTPS_PROXY), no room on the disk (about 2 GB; 8 GB with CUDA).\n"
            f"Run the same command again: what is there is kept. All that was said is in {LOG}."
        )
    STAMP.write_text(json.dumps({**wanted_stamp(), "extras": extra}, indent=1), encoding="utf-8")
    UNFINISHED.unlink()


def set_up(extra: str = "", anew: bool = False) -> None:
    """Make the environment ready; says nothing and does nothing when it is."""
    if is_ready(extra) and not anew:
        return
    with setup_lock():
        if anew and VENV.exists():
            UNFINISHED.touch()
        if not is_ready(extra):
            tell(f"Setting up DropKey in {VENV} (the first time this takes minutes).")
            install(extra)


def tell(text: str, end: str = "\n") -> None:
    """Print what a setup says: on stderr, and in vain where that is closed, as no reader (`| head`) may end a setup."""
    with suppress(OSError):
        print(text, file=sys.stderr, end=end, flush=True)


def build(command: Sequence[str], name: str) -> int:
    """Run a step of the setup and return its exit code; a line tells what it costs and cost, the log all else."""
    tell(f"  {name} …")
    began, before, live = time.monotonic(), shutil.disk_usage(ROOT).used, sys.stderr.isatty()

    def cost() -> str:
        size, seconds = max(shutil.disk_usage(ROOT).used - before, 0) / 2**20, time.monotonic() - began
        return f"    {size:.0f} MB in {seconds // 60:.0f}:{seconds % 60:02.0f}"

    with open(LOG, "ab") as log:
        log.write(f"$ {shown(command)}\n".encode())
        log.flush()
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        code = wait(process, (lambda: tell(cost(), end="\r")) if live else None)
    tell(f"{cost()}  " if code == 0 else "    failed          ")
    return code


def last_complaint() -> str:
    """Return the last line of the log that says what went wrong."""
    told = [line.strip() for line in LOG.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return next((line for line in reversed(told) if "error" in line.casefold()), told[-1])


# ---- running


def wait(process: subprocess.Popen[bytes], each_second: Callable[[], None] | None = None) -> int:
    """Return the exit code. Ctrl-C reaches the child as well: it decides how to end, we wait for it."""
    while True:
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            code = process.wait(1.0 if each_second else None)
            return 128 - code if code < 0 else code
        if each_second:
            each_second()


def in_environment(command: str, arguments: Sequence[str]) -> list[str]:
    """Return how the environment's Python runs a command: the checks and the release stand beside the product."""
    return [str(venv_python()), "-m", *BESIDE.get(command, ("service.cli", command)), *arguments]


def run_dropkey(command: list[str]) -> int:
    """Become the command, in the folder the user is in."""
    if os.name == "posix":
        # In our place rather than below us: signals and supervisors then reach the service itself.
        os.execv(command[0], command)
    return wait(subprocess.Popen(command))


def dry_run(command: str, arguments: Sequence[str]) -> int:
    """Print what a run on a fresh machine of this kind would do."""
    choice = choose_torch(platform.system(), find_card())
    *attempts, project = install_commands(str(venv_python()), choice, NEEDS.get(command, ""))
    print(shown([BASE_PYTHON, "-m", "venv", "--clear", str(VENV)]))
    for number, attempt in enumerate(attempts):
        print(shown(attempt) + ("   # if that fails" if number else ""))
    print(shown(project), shown(in_environment(command, arguments)), sep="\n")
    return 0


def other_python() -> list[str] | None:
    """Return how to call an installed Python that fits, when this one does not."""
    for major, minor in PYTHONS:
        for name in (["py", f"-{major}.{minor}"], [f"python{major}.{minor}"]):
            tool = shutil.which(name[0])
            said = answer(tool, *name[1:], "-c", "import sys; print(sys.version_info[:2])") if tool else None
            if tool and said and said.strip() == str((major, minor)):
                return [tool, *name[1:]]
    return None


def main(arguments: list[str]) -> int:
    """Set up, then run the command; returns its exit code."""
    if arguments in ([], ["-h"], ["--help"]):
        if not is_ready():
            print(__doc__)
            return 0
        arguments = ["--help"]
    if sys.version_info[:2] not in PYTHONS:
        python = other_python()
        if python is None:
            raise SetupError(
                f"DropKey needs Python 3.11, 3.12 or 3.13; this is {THIS_PYTHON}. Get one from python.org, then run "
                "this again with it, for example: python3.13 run.py demo"
            )
        return wait(subprocess.Popen([*python, str(Path(__file__).resolve()), *arguments]))
    options = set()
    while arguments and arguments[0] in {"--dry-run", "--reinstall"}:
        options.add(arguments.pop(0))
    command = arguments[0] if arguments else "--help"
    if "--dry-run" in options:
        return dry_run(command, arguments[1:])
    set_up(NEEDS.get(command, ""), anew="--reinstall" in options)
    if command in BESIDE:
        os.chdir(ROOT)
    return run_dropkey(in_environment(command, arguments[1:]))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        tell(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
