"""Shots: what lies in a folder, what a plate's path names, and what identifies it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadInput, PlateMissing
from service.shots import (
    Shot,
    file_fingerprint,
    find_shots,
    find_shots_in_root,
    format_frames,
    parse_frames,
    safe_name,
    shot_fingerprint,
    shot_from_plate,
    unique_name,
)


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def one(folder: Path) -> Shot:
    (shot,) = find_shots(folder)
    return shot


def every_file_is_there(shot: Shot) -> bool:
    return all(shot.frame_path(frame).is_file() for frame in shot.frames)


def test_a_shot_is_named_by_its_stem_and_knows_its_frames(tmp_path: Path) -> None:
    shot = one(put(tmp_path, *(f"shot_010.{n}.exr" for n in (1001, 1002, 1004))))
    assert (shot.name, shot.kind, shot.frames, shot.padding) == ("shot_010", "sequence", (1001, 1002, 1004), 4)
    assert shot.missing == (1003,)
    assert shot.pattern == "shot_010.####.exr"
    assert shot.files is None
    assert every_file_is_there(shot)


def test_numbers_alone_are_named_by_their_folder(tmp_path: Path) -> None:
    assert one(put(tmp_path / "walk", "0001.png", "0002.png")).name == "walk"


def test_negative_frames_of_both_spellings_are_one_sequence(tmp_path: Path) -> None:
    four_digits = one(put(tmp_path / "a", "s.-0002.exr", "s.-0001.exr", "s.0000.exr", "s.0001.exr"))
    printf = one(put(tmp_path / "b", "s.-002.exr", "s.-001.exr", "s.0000.exr", "s.0001.exr"))
    unpadded = one(put(tmp_path / "c", "s.-2.exr", "s.-1.exr", "s.0.exr", "s.1.exr"))
    for shot, padding in ((four_digits, 4), (printf, 4), (unpadded, 1)):
        assert shot.frames == (-2, -1, 0, 1)
        assert shot.padding == padding
        assert every_file_is_there(shot)


def test_a_dash_after_a_letter_separates_unless_frame_zero_carries_none(tmp_path: Path) -> None:
    separated = one(put(tmp_path / "a", "walk-0001.png", "walk-0002.png"))
    assert (separated.name, separated.frames) == ("walk", (1, 2))
    negative = one(put(tmp_path / "b", "walk-0001.png", "walk0000.png", "walk0001.png"))
    assert negative.frames == (-1, 0, 1)
    only_negative = one(put(tmp_path / "c", "walk.-0002.png", "walk.-0001.png"))
    assert only_negative.frames == (-2, -1)
    assert all(map(every_file_is_there, (separated, negative, only_negative)))


@pytest.mark.parametrize("numbers", [("8", "9", "10", "11"), ("9998", "9999", "10000", "10001")])
def test_more_digits_later_on_are_the_same_sequence(tmp_path: Path, numbers: tuple[str, ...]) -> None:
    shot = one(put(tmp_path, *(f"s.{number}.exr" for number in numbers)))
    assert shot.frames == tuple(map(int, numbers))
    assert shot.padding == len(numbers[0])
    assert shot.files is None
    assert every_file_is_there(shot)


def test_a_change_of_padding_is_remembered_by_file(tmp_path: Path) -> None:
    shot = one(put(tmp_path, "s.001.exr", "s.002.exr", "s.0003.exr"))
    assert shot.frames == (1, 2, 3)
    assert shot.files == {3: "s.0003.exr"}
    assert every_file_is_there(shot)


def test_the_same_frame_in_two_paddings_is_two_shots(tmp_path: Path) -> None:
    shots = find_shots(put(tmp_path, "s.01.exr", "s.02.exr", "s.001.exr", "s.002.exr"))
    assert [shot.padding for shot in shots] == [2, 3]
    assert all(map(every_file_is_there, shots))


@pytest.mark.parametrize("pattern", ["s.####.exr", "s.%04d.exr", "s.#.exr", "s.%d.exr", "s.$F.exr"])
def test_a_pattern_means_the_sequence_of_its_padding_and_mixes_no_two(tmp_path: Path, pattern: str) -> None:
    put(tmp_path, "s.1.exr", "s.2.exr", "s.3.exr", "s.0003.exr", "s.0004.exr")
    shot = shot_from_plate(tmp_path / pattern)
    assert every_file_is_there(shot)
    found = {shot.pattern: shot.frames for shot in find_shots(tmp_path)}
    padded = "4" in pattern or "####" in pattern
    assert (shot.pattern, shot.frames) == (("s.####.exr", (3, 4)) if padded else ("s.#.exr", (1, 2, 3)))
    assert found[shot.pattern] == shot.frames, "browsing tells the same pattern for the same files"


def test_a_pattern_that_means_two_files_of_a_frame_is_refused_with_both_names(tmp_path: Path) -> None:
    put(tmp_path, "s.1.exr", "s.2.exr", "s.0001.exr", "s.0002.exr")
    with pytest.raises(BadInput, match=r"s\.0001\.exr and s\.1\.exr are both frame 1"):
        shot_from_plate(tmp_path / "s.##.exr")


def test_extensions_differing_in_case_are_one_sequence(tmp_path: Path) -> None:
    shot = one(put(tmp_path, "s.0001.EXR", "s.0002.exr", "s.0003.exr"))
    assert shot.frames == (1, 2, 3)
    assert shot.suffix == ".exr"
    assert every_file_is_there(shot)


def test_a_numbered_picture_on_its_own_is_a_still(tmp_path: Path) -> None:
    shot = one(put(tmp_path, "single_v003.exr"))
    assert (shot.kind, shot.name, shot.frames) == ("still", "single_v003", (1,))
    assert every_file_is_there(shot)


def test_dates_in_names_are_not_frames(tmp_path: Path) -> None:
    shots = find_shots(put(tmp_path, "IMG_20231105123456.png", "IMG_20231105123457.png"))
    assert [shot.kind for shot in shots] == ["still", "still"]


def test_several_sequences_movies_and_stills_are_several_shots(tmp_path: Path) -> None:
    put(tmp_path, "a.0001.exr", "a.0002.exr", "b_01.png", "b_02.png", "c.mov", "d.JPG", "notes.txt", "e.MP4")
    found = {shot.name: shot.kind for shot in find_shots(tmp_path)}
    assert found == {"a": "sequence", "b": "sequence", "c": "movie", "d": "still", "e": "movie"}


def test_hidden_and_arriving_files_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, ".s.0001.exr", "._s.0001.exr", "~s.png", "s.exr.tmp", "s.exr.part", "s.mov.!sync", "s.rsls.mov")
    assert find_shots(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links take a right there, and names are always Unicode")
def test_a_looping_link_or_a_name_that_is_no_text_hides_no_other_shot(tmp_path: Path) -> None:
    put(tmp_path, "s.0001.exr", "s.0002.exr")
    (tmp_path / "loop.exr").symlink_to("loop.exr")
    with contextlib.suppress(OSError):  # some file systems refuse it
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.0001.png")).touch()
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xe9j\xe0")).mkdir()
    assert [shot.name for shot in find_shots_in_root(tmp_path)] == ["s"]


def test_a_root_holds_loose_shots_and_folders_but_not_our_own_output(tmp_path: Path) -> None:
    put(tmp_path, "loose.0001.exr", "loose.0002.exr")
    put(tmp_path / "one", "one.0001.exr", "one.0002.exr")
    put(tmp_path / "show" / "two", "two.mov")
    put(tmp_path / ".sync", "no.mov")
    put(tmp_path / "ae", "ae_RCF.txt", "no.0001.png", "no.0002.png")
    put(tmp_path / "one" / "v001", "manifest.json")
    put(tmp_path / "one" / "v001" / "foreground", "one_foreground.0001.exr", "one_foreground.0002.exr")
    put(tmp_path / "other" / "v002" / "foreground", "other_foreground.0001.exr", "other_foreground.0002.exr")
    put(tmp_path / "theirs" / "v001", "theirs.0001.png", "theirs.0002.png")
    assert [shot.name for shot in find_shots_in_root(tmp_path)] == ["loose", "one", "two", "theirs"]


def test_a_missing_folder_is_a_missing_plate(tmp_path: Path) -> None:
    with pytest.raises(PlateMissing, match="cannot be read"):
        find_shots(tmp_path / "gone")


# ---- what a plate's path names


def test_a_folder_names_its_one_sequence_even_beside_a_still(tmp_path: Path) -> None:
    put(tmp_path, "s.0001.exr", "s.0002.exr", "thumbnail.jpg")
    assert shot_from_plate(tmp_path).name == "s"


def test_a_folder_of_several_sequences_is_refused_with_their_names(tmp_path: Path) -> None:
    put(tmp_path, "a.0001.exr", "a.0002.exr", "b.0001.exr", "b.0002.exr")
    with pytest.raises(BadInput, match=r"2 shots: a\.####\.exr, b\.####\.exr"):
        shot_from_plate(tmp_path)


@pytest.mark.parametrize("pattern", ["s.####.exr", "s.#.exr", "s.%04d.exr", "s.@@@@.exr", "s.[####].exr", "s.$F4.exr"])
def test_every_spelling_of_a_pattern_names_the_sequence(tmp_path: Path, pattern: str) -> None:
    put(tmp_path, "s.0001.exr", "s.0002.exr", "st.0001.exr")
    assert shot_from_plate(tmp_path / pattern).frames == (1, 2)


def test_a_pattern_makes_a_sequence_of_one_frame(tmp_path: Path) -> None:
    put(tmp_path, "single_v003.exr")
    shot = shot_from_plate(tmp_path / "single_v###.exr")
    assert (shot.kind, shot.frames, shot.name) == ("sequence", (3,), "single_v")


def test_a_pattern_finds_frames_that_do_not_stand_last(tmp_path: Path) -> None:
    put(tmp_path, "Comp_00001_fg.exr", "Comp_00002_fg.exr", "Comp_00001_bg.exr")
    shot = shot_from_plate(tmp_path / "Comp_#####_fg.exr")
    assert (shot.name, shot.frames, shot.padding) == ("Comp_fg", (1, 2), 5)
    assert every_file_is_there(shot)


def test_a_range_in_a_pattern_or_beside_it_keeps_those_frames(tmp_path: Path) -> None:
    put(tmp_path, *(f"s.{n:04d}.exr" for n in range(1, 9)))
    assert shot_from_plate(tmp_path / "s.2-4####.exr").frames == (2, 3, 4)
    assert shot_from_plate(tmp_path / "s.####.exr", frames="3-5,99").frames == (3, 4, 5)
    with pytest.raises(PlateMissing, match=r"None of the frames 20-30 .* The plate has 1-8"):
        shot_from_plate(tmp_path / "s.####.exr", frames="20-30")


def test_a_picture_is_a_still_and_a_movie_can_start_anywhere(tmp_path: Path) -> None:
    put(tmp_path, "s.0001.exr", "s.0002.exr", "m.mov")
    alone = shot_from_plate(put(tmp_path / "b", "t.exr") / "t.exr")
    assert (alone.kind, alone.frames, alone.remarks) == ("still", (1,), ())
    movie = shot_from_plate(tmp_path / "m.mov", first_frame=1001)
    assert (movie.kind, movie.first_frame, movie.frames) == ("movie", 1001, ())


def test_a_file_that_looks_like_a_pattern_is_taken_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "take#2.png")
    shot = shot_from_plate(tmp_path / "take#2.png")
    assert (shot.kind, shot.name) == ("still", "take_2")


@pytest.mark.parametrize("name", ["none.exr", "none.####.exr", "none"])
def test_what_is_not_there_is_a_missing_plate(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlateMissing):
        shot_from_plate(tmp_path / name)


def test_what_is_no_plate_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "notes.txt")
    with pytest.raises(BadInput, match=r"Known are: .*\.exr"):
        shot_from_plate(tmp_path / "notes.txt")


# ---- frame ranges


def test_ranges_are_read_in_every_spelling() -> None:
    assert parse_frames("1001-1003,1105") == (1001, 1002, 1003, 1105)
    assert parse_frames("-3--1, 5, 5") == (-3, -2, -1, 5)
    assert parse_frames("1-9x4") == (1, 5, 9)


@pytest.mark.parametrize("text", ["", "a", "1-", "10-1", "1-2-3", "1,,2", "1-9x0", "1-9999999", "1.5", "1" * 50])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_frames(text)


@given(st.sets(st.integers(-2000, 2000), min_size=1))
def test_written_ranges_read_back(frames: set[int]) -> None:
    assert parse_frames(format_frames(frames)) == tuple(sorted(frames))


@given(st.sets(st.integers(-120, 12000), min_size=2, max_size=40), st.integers(1, 6))
def test_any_set_of_frames_is_one_sequence(frames: set[int], padding: int) -> None:
    from service.sequences import group_names

    names = {frame: f"s.{'-' if frame < 0 else ''}{abs(frame):0{padding}d}.exr" for frame in frames}
    (found,), singles = group_names(names.values())
    assert found.names == dict(sorted(names.items()))
    assert singles == []


# ---- names


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("shot 10", "shot 10"),
        ("con", "_con"),
        ("LPT1.old", "_LPT1.old"),
        ("a/b\\c:d", "a_b_c_d"),
        ("dots...", "dots"),
        (".hidden", "_hidden"),
        ("..", "shot"),
        ("", "shot"),
        ("tab\there", "tabhere"),
        ("Bru\u0308cke", "Br\u00fccke"),
        ("50%d", "50_d"),
    ],
)
def test_hostile_names_become_safe(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


@given(st.text(max_size=200))
def test_a_safe_name_is_safe(text: str) -> None:
    name = safe_name(text)
    assert safe_name(name) == name
    assert 0 < len(name) <= 81
    assert not set(name) & set('<>:"/\\|?*#@%$')
    assert name == name.strip(" ")
    assert not name.endswith(".")
    assert name.isprintable() or any(letter.isspace() for letter in name)


def test_long_names_stay_apart() -> None:
    assert safe_name("x" * 300 + "1") != safe_name("x" * 300 + "2")


@pytest.mark.parametrize("letter", ["é", "字", "🎬"])
def test_a_long_name_in_any_script_fits_into_a_file_name(letter: str) -> None:
    first, second = safe_name(letter * 79 + "1"), safe_name(letter * 79 + "2")
    assert len(f"{first}_foreground.0001001.exr".encode()) < 255
    assert first != second


def test_a_name_that_is_taken_gets_its_folder_then_a_number() -> None:
    assert unique_name("plate", "walk", []) == "plate"
    assert unique_name("plate", "walk", ["PLATE"]) == "walk_plate"
    assert unique_name("plate", "walk", ["plate", "walk_plate", "walk_plate_2"]) == "walk_plate_3"


# ---- fingerprints


def test_a_file_that_changes_changes_its_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "s.exr"
    path.write_bytes(bytes(300_000))
    os.utime(path, ns=(10**18, 10**18))
    before = file_fingerprint(path)
    assert file_fingerprint(path) == before
    for change in (bytes(299_999) + b"x", b"x" + bytes(299_999), bytes(300_001)):
        path.write_bytes(change)
        os.utime(path, ns=(10**18, 10**18))
        assert file_fingerprint(path) != before
    path.write_bytes(bytes(300_000))
    os.utime(path, ns=(10**18, 10**18 + 10**9))
    assert file_fingerprint(path) != before


def test_a_shot_keeps_its_fingerprint_when_it_moves_and_loses_it_when_a_frame_arrives(tmp_path: Path) -> None:
    shot = one(put(tmp_path / "a", "s.0001.exr", "s.0002.exr"))
    before = shot_fingerprint(shot, (1, 2, 3))
    (tmp_path / "a").rename(tmp_path / "b")
    moved = one(tmp_path / "b")
    assert shot_fingerprint(moved, (1, 2, 3)) == before
    put(tmp_path / "b", "s.0003.exr")
    assert shot_fingerprint(moved, (1, 2, 3)) != before


def test_shots_load_without_any_picture_library() -> None:
    code = "import sys, service.shots; print([m for m in ('numpy', 'av', 'OpenImageIO', 'torch') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
