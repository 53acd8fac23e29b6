"""The panel's sources: one reproducible bundle, and three checkers, each of which catches what it is there for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service.errors import Misconfigured
from service.panel_bundle import SOURCES, bundle
from tests.ae_scripts.node import PANEL, install_checkers, node

FILES = sorted((PANEL / "sources").glob("*.jsx"))

# One fault a line. Which of the three checkers is to refuse it: a parser, a linter, the types.
PARSER_FAULTS = (
    "let a = 1;",
    "var b = function () { return `text`; };",
    "var c = () => 1;",
    "var d = { get x() { return 1; } };",
    "var e = { a: 1, };",
    "var f = { class: 1 };",
    "var g = f.default;",
    "for (var h of []) { h(); }",
    '#include "other.jsx"',
    "function i(j = 1) { return j; }",
)
LINT_FAULTS = {
    "var k = a1 ? 1 : a1 ? 2 : 3;": "no-nested-ternary",
    "var l = a1 && a1 || a1;": "no-mixed-operators",
    "var m = Date.now();": "no-restricted-properties",
    "var n = JSON.parse('1');": "no-undef",
    "setTimeout(a1, 1);": "no-undef",
    "console.log(a1);": "no-undef",
    "Array.prototype.first = a1;": "no-extend-native",
    "for (var o in a1) { a1(o); }": "guard-for-in",
    "var p = /[/]/.test(a1);": "no-restricted-syntax",
}
TYPE_FAULTS = (
    "source.alphamode = 1;",
    "source.alphaMode = AlphaMode.UNMATTED;",
    "[1].forEach(a1);",
    "[1].indexOf(1);",
    "' a'.trim();",
    "Object.keys(a1);",
    "Array.isArray(a1);",
    "new Date().toISOString();",
    "a1.bind(1);",
    "module.applyTemplat('x');",
    "comp.layer(1).source.name = 'x';",
    "layer.inpoint = 1;",
)
# What people read has three plain words in a row, or ends as sentences do.
SENTENCE = re.compile(r"[a-z]{2,} [a-z']+ [a-z]+|^[^<]*[A-Za-z]+ .*[a-z}][.:]$")
# In After Effects itself, in a file, or in a log.
TECHNICAL = re.compile(
    r"DropKey screen|Made by DropKey|Holes in the|Dirty screen|Keep brightness|Use comp's|The data is|This is not JSON"
)
TYPE_HEAD = """
function a1() { return 1; }
/** @type {FileSource} */
var source = /** @type {any} */ (null);
/** @type {CompItem} */
var comp = /** @type {any} */ (null);
/** @type {AVLayer} */
var layer = /** @type {any} */ (null);
/** @type {OutputModule} */
var module = /** @type {any} */ (null);
"""


@pytest.fixture(scope="module")
def checkers() -> Path:
    return install_checkers()


@pytest.fixture
def workshop(tmp_path: Path, checkers: Path) -> Path:
    """A copy of the checkers' configuration with the real sources, in which a bad file may be laid."""
    for name in ("eslint.config.mjs", "tsconfig.json", "panel.d.ts", "package.json", "acorn_check.mjs"):
        shutil.copy(PANEL / name, tmp_path)
    shutil.copytree(PANEL / "sources", tmp_path / "sources")
    link_folder(checkers, tmp_path / "node_modules")
    return tmp_path


def link_folder(target: Path, link: Path) -> None:
    if os.name == "nt":  # where a symbolic link needs rights that a user may not have
        subprocess.run(["cmd", "/c", "mklink", "/J", str(link), str(target)], check=True, capture_output=True)
    else:
        link.symlink_to(target, target_is_directory=True)


def parse(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    return node("acorn_check.mjs", *map(str, files), cwd=folder)


def lint(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return node("node_modules/eslint/bin/eslint.js", "--no-inline-config", *more, cwd=folder)


def check_types(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return node("node_modules/typescript/bin/tsc", "-p", ".", "--pretty", "false", *more, cwd=folder)


def test_the_same_sources_make_the_same_file(tmp_path: Path) -> None:
    shutil.copytree(SOURCES / "sources", tmp_path / "sources")
    shutil.copy(SOURCES / "sources.txt", tmp_path)
    for file in (tmp_path / "sources").iterdir():  # a checkout on Windows
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert bundle(tmp_path) == bundle()


def test_every_source_is_bundled_once() -> None:
    names = (SOURCES / "sources.txt").read_text(encoding="utf-8").split()
    assert sorted(names) == [file.stem for file in FILES]


def test_words_for_people_stand_in_the_tables_alone() -> None:
    """Elsewhere stand names that After Effects, HTTP or a file knows, and lines of the log."""
    left = [
        f"{file.name}: {text}"
        for file in FILES
        if file.stem not in ("words", "sentences", "names")
        for text in literals_of(file.read_text(encoding="utf-8"))
        if SENTENCE.search(text) and not TECHNICAL.match(text)
    ]
    assert left == []


def literals_of(source: str) -> list[str]:
    """Return the text of each literal in ``source``, comments, lines of the log and names of handlers left out."""
    code = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    skipped = re.compile(r"\s*//|.*(logLine|logError|guarded)\(")
    lines = [line for line in code.splitlines() if not skipped.match(line)]
    return re.findall(r'"((?:[^"\\]|\\.)*)"', "\n".join(lines))


def test_characters_beyond_ascii_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources.txt").write_text("a\n", encoding="utf-8")
    (tmp_path / "sources" / "a.jsx").write_text("var a = '\u2026';", encoding="utf-8")
    with pytest.raises(Misconfigured, match="ASCII"):
        bundle(tmp_path)


def test_sources_and_bundle_are_es3(checkers: Path, panel_file: Path) -> None:
    done = parse(PANEL, *FILES, panel_file)
    assert done.returncode == 0, done.stdout


def test_sources_pass_the_linter(checkers: Path) -> None:
    done = lint(PANEL, "sources")
    assert done.returncode == 0, done.stdout


def test_sources_pass_the_types_of_after_effects(checkers: Path) -> None:
    done = check_types(PANEL)
    assert done.returncode == 0, done.stdout


def test_track_mattes_of_newer_versions_are_guarded(workshop: Path) -> None:
    """With the types of the version before, only a place that asks first may use `setTrackMatte`."""
    config = json.loads((workshop / "tsconfig.json").read_text(encoding="utf-8"))
    config["compilerOptions"]["types"] = ["types-for-adobe/AfterEffects/22.6"]
    (workshop / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = check_types(workshop)
    assert done.returncode == 0, done.stdout


def test_the_parser_refuses_each_seeded_fault(workshop: Path) -> None:
    files = []
    for number, fault in enumerate(PARSER_FAULTS):
        file = workshop / f"bad{number}.jsx"
        file.write_text(fault + "\n", encoding="utf-8")
        files.append(file)
    done = parse(workshop, *files)
    assert done.returncode == 1
    caught = {Path(line.split(":")[0]).name for line in done.stdout.splitlines()}
    assert caught == {file.name for file in files}, done.stdout


def test_the_linter_refuses_each_seeded_fault(workshop: Path) -> None:
    for number, fault in enumerate(LINT_FAULTS):
        text = f"(function () {{ var a1 = 1; {fault} return a1; }})();\n"
        (workshop / f"bad{number}.jsx").write_text(text, encoding="utf-8")
    done = lint(workshop, "--format", "json", *(f"bad{number}.jsx" for number in range(len(LINT_FAULTS))))
    assert done.returncode == 1
    found = {
        Path(entry["filePath"]).name: {m["ruleId"] for m in entry["messages"]} for entry in json.loads(done.stdout)
    }
    for number, (fault, rule) in enumerate(LINT_FAULTS.items()):
        assert rule in found[f"bad{number}.jsx"], (fault, found[f"bad{number}.jsx"])


def test_the_types_refuse_each_seeded_fault(workshop: Path) -> None:
    (workshop / "sources" / "bad.jsx").write_text(TYPE_HEAD + "\n".join(TYPE_FAULTS) + "\n", encoding="utf-8")
    done = check_types(workshop)
    assert done.returncode != 0
    first = TYPE_HEAD.count("\n") + 1
    caught = {
        int(line.split("(")[1].split(",")[0]) for line in done.stdout.splitlines() if line.startswith("sources/bad")
    }
    missed = [fault for number, fault in enumerate(TYPE_FAULTS) if first + number not in caught]
    assert not missed, done.stdout


def test_the_lock_file_pins_every_package_and_names_no_registry() -> None:
    text = (PANEL / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert all(entry["version"] and entry["integrity"] for entry in packages.values())
    assert "resolved" not in text
