"""Who may name which path, and how other machines' names become ours and back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.errors import NotFound, PathRefused
from service.paths import Paths
from service.settings import PrefixMap, Settings

posix_only = pytest.mark.skipif(os.name == "nt", reason="on Windows a drive is native")


def paths_of(tmp_path: Path, *maps: tuple[str, Path], **more: object) -> Paths:
    for name in ("drop", "out", "extra"):
        (tmp_path / name).mkdir(exist_ok=True)
    return Paths(
        Settings(
            home=tmp_path / "home",
            drop_folders=(tmp_path / "drop",),
            output_root=tmp_path / "out",
            extra_roots=(tmp_path / "extra",),
            prefix_map=tuple(PrefixMap(theirs=theirs, ours=ours) for theirs, ours in maps),
            **more,  # type: ignore[arg-type]  # keyword arguments of one pydantic model
        )
    )


def test_every_configured_folder_is_a_root_with_an_id(tmp_path: Path) -> None:
    assert [(root.id, root.watched) for root in paths_of(tmp_path).roots] == [
        ("drop", True),
        ("output", False),
        ("extra", False),
    ]


def test_two_drop_folders_of_one_name_get_different_ids(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, drop_folders=(tmp_path / "a" / "drop", tmp_path / "b" / "drop"))
    assert [root.id for root in Paths(settings).roots][:2] == ["drop", "drop-2"]


def test_a_path_relative_to_a_root_is_joined_to_it(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    assert paths.resolve("shot/a.####.exr", trusted=False, root="drop") == tmp_path / "drop" / "shot" / "a.####.exr"
    assert paths.resolve("shot\\a.png", trusted=False, root="drop") == tmp_path / "drop" / "shot" / "a.png"


def test_an_unknown_root_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="drop, output, extra"):
        paths_of(tmp_path).resolve("a", trusted=True, root="nowhere")


@pytest.mark.parametrize("folder", ["drop", "out", "extra"])
def test_strangers_may_name_what_lies_in_a_root(tmp_path: Path, folder: str) -> None:
    inside = tmp_path / folder / "shot"
    assert paths_of(tmp_path).resolve(str(inside), trusted=False) == inside


def test_strangers_may_not_name_what_lies_outside(tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match="outside"):
        paths_of(tmp_path).resolve(str(tmp_path / "secret"), trusted=False)


def test_the_token_holder_may_name_any_local_file(tmp_path: Path) -> None:
    assert paths_of(tmp_path).resolve(str(tmp_path / "footage"), trusted=True) == tmp_path / "footage"


@pytest.mark.parametrize("relative", ["../secret", "shot/../../secret", "..", "..\\secret", "shot/../../drop_evil/a"])
def test_dots_do_not_climb_out_of_a_root(tmp_path: Path, relative: str) -> None:
    with pytest.raises(PathRefused, match="outside"):
        paths_of(tmp_path).resolve(relative, trusted=True, root="drop")


def test_a_neighbour_whose_name_starts_alike_is_outside(tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match="outside"):
        paths_of(tmp_path).resolve(str(tmp_path / "drop_evil" / "a"), trusted=False)


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "a\0b",
        "/a\0b",
        "C:x",
        "C:..\\x",
        "\\\\?\\C:\\a",
        "\\\\.\\PhysicalDrive0",
        "//?/C:/a",
        "//./pipe/x",
        "\\??\\C:\\a",
        "shot.png",
        "",
    ],
)
def test_hostile_and_ambiguous_forms_are_refused_for_everybody(tmp_path: Path, text: str, trusted: bool) -> None:
    with pytest.raises(PathRefused):
        paths_of(tmp_path).resolve(text, trusted=trusted)


@pytest.mark.parametrize(
    "name",
    ["shot:stream", "shot.", "shot ", "CON", "nul", "aux.png", "COM1", "lpt9.exr", "com¹", "con .png", "CONIN$"],
)
def test_names_that_windows_reads_otherwise_are_refused(tmp_path: Path, name: str) -> None:
    paths = paths_of(tmp_path, ("S:\\shots", tmp_path / "drop"))
    with pytest.raises(PathRefused, match="every machine reads alike"):
        paths.resolve(f"{name}/a.png", trusted=True, root="drop")
    with pytest.raises(PathRefused, match="every machine reads alike"):
        paths.resolve(f"S:\\shots\\{name}\\a.png", trusted=True)


@pytest.mark.parametrize("name", ["console", "comma.png", "shot.v2", "com10", "ü 影 🎬", "%04d", "nul_take"])
def test_ordinary_names_that_look_similar_pass(tmp_path: Path, name: str) -> None:
    assert paths_of(tmp_path).resolve(name, trusted=False, root="drop") == tmp_path / "drop" / name


@pytest.mark.parametrize("relative", ["/etc/passwd", "\\etc", "C:\\a", "\\\\server\\share\\a", "", "."])
def test_an_absolute_path_is_not_relative_to_a_root(tmp_path: Path, relative: str) -> None:
    with pytest.raises(PathRefused):
        paths_of(tmp_path).resolve(relative, trusted=True, root="drop")


def test_an_unknown_share_is_refused_without_being_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = paths_of(tmp_path)

    def looked(*_: object, **__: object) -> None:
        raise AssertionError("the share was looked at")

    for name in ("stat", "lstat", "readlink"):
        monkeypatch.setattr(os, name, looked)
    for text in ("\\\\evil\\share\\a.png", "//evil/share/a.png", "\\/evil/share/a"):
        with pytest.raises(PathRefused, match="not configured"):
            paths.resolve(text, trusted=True)


@posix_only
def test_a_drive_that_nothing_maps_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match="prefix_map"):
        paths_of(tmp_path).resolve("S:\\shots\\a", trusted=True)


@pytest.mark.parametrize(
    ("theirs", "text"),
    [
        ("S:\\shots", "S:\\shots\\a\\b.####.exr"),
        ("S:\\shots\\", "s:/SHOTS/a/b.####.exr"),
        ("S:/shots", "S:\\Shots\\\\a\\b.####.exr"),
        ("\\\\server\\share", "\\\\SERVER\\share\\a\\b.####.exr"),
        ("\\\\server\\share", "//server/Share/a/b.####.exr"),
        ("S:", "S:\\a\\b.####.exr"),
        ("/Volumes/shots", "/Volumes/shots/a/b.####.exr"),
    ],
)
def test_a_path_of_another_machine_becomes_ours_and_theirs_again(tmp_path: Path, theirs: str, text: str) -> None:
    paths = paths_of(tmp_path, (theirs, tmp_path / "drop"))
    ours = paths.resolve(text, trusted=False)
    assert ours == tmp_path / "drop" / "a" / "b.####.exr"
    like = paths.prefix_of(text)
    assert like == theirs
    back = paths.theirs(ours, like)
    assert paths.resolve(back, trusted=False) == ours
    assert back.startswith(theirs.rstrip("\\/"))


def test_the_answer_to_a_windows_path_is_a_windows_path(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ("S:\\shots", tmp_path / "drop"))
    assert paths.theirs(tmp_path / "drop" / "a" / "b.png", "S:\\shots") == "S:\\shots\\a\\b.png"
    assert paths.theirs(tmp_path / "drop", "S:\\shots") == "S:\\shots"


def test_the_longest_prefix_wins(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ("S:\\", tmp_path / "drop"), ("S:\\special", tmp_path / "extra"))
    assert paths.ours("S:\\special\\a") == tmp_path / "extra" / "a"
    assert paths.ours("S:\\other\\a") == tmp_path / "drop" / "other" / "a"


@posix_only
def test_a_prefix_ends_at_a_whole_name(tmp_path: Path) -> None:
    with pytest.raises(PathRefused):
        paths_of(tmp_path, ("S:\\shots", tmp_path / "drop")).ours("S:\\shots2\\a")


def test_a_posix_prefix_minds_its_case(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ("/mnt/Shots", tmp_path / "drop"))
    assert paths.prefix_of("/mnt/shots/a") is None
    assert paths.prefix_of("/mnt/Shots/a") == "/mnt/Shots"


@posix_only
def test_dots_in_a_windows_path_are_taken_out_before_mapping(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ("S:\\shots", tmp_path / "drop"))
    assert paths.ours("S:\\shots\\a\\..\\b") == tmp_path / "drop" / "b"
    with pytest.raises(PathRefused):
        paths.ours("S:\\shots\\..\\..\\etc\\passwd")


def test_a_result_elsewhere_comes_back_under_the_askers_other_prefix(tmp_path: Path) -> None:
    paths = paths_of(
        tmp_path, ("S:\\shots", tmp_path / "drop"), ("/Volumes/out", tmp_path / "out"), ("O:\\", tmp_path / "out")
    )
    assert paths.theirs(tmp_path / "out" / "a", "S:\\shots") == "O:\\a"


def test_a_share_asker_gets_the_share_and_a_drive_asker_the_drive(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ("\\\\nas\\shots", tmp_path / "drop"), ("S:\\", tmp_path / "drop"))
    assert paths.theirs(tmp_path / "drop" / "a", "\\\\nas\\shots") == "\\\\nas\\shots\\a"
    assert paths.theirs(tmp_path / "drop" / "a", "S:\\") == "S:\\a"


def test_who_writes_our_own_names_gets_our_own_names(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, ("S:\\shots", tmp_path / "drop"))
    inside = tmp_path / "drop" / "a"
    assert paths.prefix_of(str(inside)) is None
    assert paths.theirs(inside, None) == str(inside)


def test_a_relative_path_in_a_sidecar_is_relative_to_it(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    folder = tmp_path / "drop" / "shot"
    assert paths.resolve_beside(folder, "hints/h.####.png") == folder / "hints" / "h.####.png"
    assert paths.resolve_beside(folder, "../clean.exr") == tmp_path / "drop" / "clean.exr"
    with pytest.raises(PathRefused):
        paths.resolve_beside(folder, "../../secret.exr")


def link(target: Path, name: Path) -> None:
    try:
        name.symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("this account may not make symbolic links")


def test_a_link_that_leads_out_of_its_root_is_refused(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    (tmp_path / "secret").mkdir()
    link(tmp_path / "secret", tmp_path / "drop" / "way")
    with pytest.raises(PathRefused, match="outside"):
        paths.resolve("way/a.png", trusted=False, root="drop")


def test_a_link_that_leads_out_is_followed_when_that_is_allowed(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, follow_links=True)
    (tmp_path / "secret").mkdir()
    link(tmp_path / "secret", tmp_path / "drop" / "way")
    assert paths.resolve("way/a.png", trusted=False, root="drop") == tmp_path / "drop" / "way" / "a.png"
    with pytest.raises(PathRefused):
        paths.resolve("../secret/a.png", trusted=False, root="drop")


def test_a_root_that_is_itself_a_link_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    link(tmp_path / "store", tmp_path / "shots")
    paths = Paths(Settings(home=tmp_path / "home", drop_folders=(tmp_path / "shots",)))
    assert paths.resolve(str(tmp_path / "store" / "a"), trusted=False) == tmp_path / "shots" / "a"
    assert paths.locate(tmp_path / "shots" / "a" / "b") == ("shots", "a/b")


def test_a_loop_of_links_is_refused_not_a_crash(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    link(tmp_path / "drop" / "b", tmp_path / "drop" / "a")
    link(tmp_path / "drop" / "a", tmp_path / "drop" / "b")
    try:
        resolved = paths.resolve("a/x.png", trusted=False, root="drop")
    except PathRefused:
        return
    assert resolved.is_relative_to(tmp_path / "drop")
