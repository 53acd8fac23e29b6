"""Changes one place of the service at a time and runs the tests that should notice: `python -m tests.mutants`.

Which places is decided by a seed; a full run takes days. Survivors show where a test is missing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 1200.0  # a mutant that hangs the tests counts as noticed
TESTS = {
    "service/queue": ("queue", "full_disks", "disks_away", "unreadable_rows", "status_index", "executor"),
    "service/executor": ("executor", "restarts", "wall_clock"),
    "service/drop_folder": (
        "drop_folder stalled_copies bulk_drops watching lease sidecars awaited_frames scan_share disks_away".split()
    ),
    "service/pipeline": (
        "pipeline pipeline_holes pipeline_resuming changing_plates quality power_loss rights preview screen_doubts"
        " memory lost_device exr".split()
    ),
    "service/store": ("store", "store_plans", "unreadable_rows", "queue"),
}
_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: that of the node so far along `ast.walk`."""

    file: str
    place: int
    line: int
    what: str

    @property
    def name(self) -> str:
        """As a person would look it up."""
        return f"{self.file}:{self.line} {self.what}"


def mutants_of(file: str) -> Iterator[Mutant]:
    """Yield what may be changed in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    passed_over = _passed_over(tree)
    for place, node in enumerate(ast.walk(tree)):
        if id(node) not in passed_over and (what := _change(copy.deepcopy(node))):
            yield Mutant(file, place, getattr(node, "lineno", 0), what)


def _passed_over(tree: ast.AST) -> set[int]:
    """Return what changes no behavior that tests should hold: types, what is logged, what is only said."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            parts = [node.returns, *node.decorator_list]
        elif isinstance(node, ast.Assert | ast.JoinedStr):
            parts = [node]
        elif isinstance(node, ast.Expr) and ast.unparse(node).startswith("log."):
            parts = [node]
        for part in parts:
            found |= {id(inner) for inner in ast.walk(part)} if part is not None else set()
    return found


def _change(node: ast.AST) -> str:
    """Change ``node`` itself, and say how; nothing where it is left alone."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARED:
            node.ops = [_COMPARED[type(op)]()]
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp(op=ast.Not()):
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() | float() as number):
            node.value = number + 1
        case ast.Expr(value=ast.Call()):
            node.value = ast.Constant(value=None)
        case _:
            return ""
    return f"becomes {ast.unparse(node)}" if not isinstance(node, ast.Expr) else "is left out"


def write(mutant: Mutant, root: Path) -> None:
    """Write the changed file below ``root``."""
    tree = ast.parse((ROOT / mutant.file).read_text(encoding="utf-8"))
    _change(list(ast.walk(tree))[mutant.place])
    (root / mutant.file).write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")


def sampled(seed: int, count: int, folders: tuple[str, ...] = tuple(TESTS)) -> list[Mutant]:
    """Return so many mutants, of each folder in turn."""
    draw = random.Random(seed)
    chosen: list[Mutant] = []
    for number in range(count):
        folder = folders[number % len(folders)]
        files = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / folder).glob("*.py"))
        known = [mutant for file in files for mutant in mutants_of(file) if mutant not in chosen]
        chosen.append(draw.choice(known))
    return chosen


def survives(mutant: Mutant, root: Path) -> bool:
    """Tell whether no test notices; ``root`` is a copy of the project that may be changed."""
    write(mutant, root)
    folder = mutant.file.rpartition("/")[0]
    tests = [f"tests/service/test_{name}.py" for name in TESTS[folder]]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        # Found before the installed project, by processes that tests start too.
        found = {**os.environ, "PYTHONPATH": str(root)}
        done = subprocess.run(command, cwd=root, env=found, capture_output=True, check=False, timeout=SECONDS)
        return done.returncode == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        shutil.copyfile(ROOT / mutant.file, root / mutant.file)


def copied(place: Path) -> Path:
    """Copy what git knows of the project into ``place``."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copyfile(ROOT / name, target)
    return place


def main() -> None:
    """Run a sample and say which mutants survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--folder", action="append", choices=tuple(TESTS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dropkey-mutants-") as place:
        root = copied(Path(place))
        for mutant in sampled(options.seed, options.count, tuple(options.folder or TESTS)):
            outcome = "survived" if survives(mutant, root) else "noticed "
            sys.stdout.write(f"{outcome} {mutant.name}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
