"""Names as programs really write them: patterns, folders, stars, ranges and drop folders mean the same shot."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from service.errors import BadInput, PlateMissing
from service.sequences import group_names
from service.shots import find_shots, shot_from_plate
from tests.service.test_shots import every_file_is_there, put

COMPOSED, DECOMPOSED = unicodedata.normalize("NFC", "Brücke"), unicodedata.normalize("NFD", "Brücke")

# Files, the pattern that an artist writes, the shot's name, its frames.
AS_WRITTEN: dict[str, tuple[Sequence[str], str, str, tuple[int, ...]]] = {
    "case of the extension": (("SHOT.0001.PNG", "SHOT.0002.png", "SHOT.0003.PNG"), "SHOT.####.png", "SHOT", (1, 2, 3)),
    "case of the name": (("Shot.0001.png", "shot.0002.png", "SHOT.0003.png"), "shot.####.png", "SHOT", (1, 2, 3)),
    "accents": (
        (f"{COMPOSED}.0001.png", f"{DECOMPOSED}.0002.png", f"{DECOMPOSED}.0003.png"),
        f"{COMPOSED}.####.png",
        COMPOSED,
        (1, 2, 3),
    ),
    "eight digits": (
        ("shot_00086400.png", "shot_00086401.png", "shot_00086402.png"),
        "shot_########.png",
        "shot",
        (86400, 86401, 86402),
    ),
    "ten o'clock": (("s.10000000.exr", "s.10000001.exr"), "s.########.exr", "s", (10000000, 10000001)),
    "ComfyUI": (("ComfyUI_00001_.png", "ComfyUI_00002_.png"), "ComfyUI_#####_.png", "ComfyUI", (1, 2)),
    "copies": (("name (1).png", "name (2).png", "name (3).png"), "name (#).png", "name", (1, 2, 3)),
    "version last": (
        ("sh010_0001_v02.png", "sh010_0002_v02.png", "sh010_0003_v02.png"),
        "sh010_####_v02.png",
        "sh010_v02",
        (1, 2, 3),
    ),
    "size last": (("s_0001_1080.png", "s_0002_1080.png"), "s_####_1080.png", "s_1080", (1, 2)),
}


@pytest.mark.parametrize("case", AS_WRITTEN)
def test_a_folder_a_pattern_a_star_and_a_range_name_the_same_shot(tmp_path: Path, case: str) -> None:
    names, pattern, name, frames = AS_WRITTEN[case]
    folder = put(tmp_path / "plates", *names)
    middle = f"{min(frames)}-{max(frames)}"
    for plate in (folder, folder / pattern, folder / "*.png" if pattern.endswith("png") else folder / "*.exr"):
        shot = shot_from_plate(plate)
        assert (shot.name.casefold(), shot.kind, shot.frames) == (name.casefold(), "sequence", frames), plate
        assert every_file_is_there(shot)
        assert {shot.frame_path(frame).name for frame in frames} == set(names)
        assert shot_from_plate(plate, frames=middle).frames == frames
    assert find_shots(folder) == [shot_from_plate(folder)]
    again = shot_from_plate(folder / shot_from_plate(folder).pattern)
    assert again.frames == frames, "a drop folder names its shots by their pattern"


@pytest.mark.parametrize(
    "plate",
    [
        "name_[0001-0003].png",
        "name_%04d.png 1-3",
        "name_####.png 1-3",
        "name_1-3####.png",
        "name_*.png",
        "name_000?.png",
    ],
)
def test_other_programs_spellings_of_a_range_are_read(tmp_path: Path, plate: str) -> None:
    put(tmp_path, *(f"name_{number:04d}.png" for number in (1, 2, 3)))
    assert shot_from_plate(tmp_path / plate).frames == (1, 2, 3)


def test_a_range_in_a_name_that_is_not_all_there_is_told(tmp_path: Path) -> None:
    put(tmp_path, *(f"name_{number:04d}.png" for number in (1, 2)))
    shot = shot_from_plate(tmp_path / "name_[0001-0004].png")
    assert shot.frames == (1, 2)
    assert "Frames 3-4" in shot.remarks[0]


def test_of_two_numbers_the_one_that_counts_without_gaps_is_the_frame(tmp_path: Path) -> None:
    names = [f"take{take}_{frame:04d}_{seconds}.png" for take, frame, seconds in ((1, 1, 17), (1, 2, 23), (1, 3, 31))]
    (shot,) = find_shots(put(tmp_path / "a", *(f"t_{frame:04d}_{end}.png" for frame in (1, 2, 3) for end in (5, 9))))[
        :1
    ]
    assert shot.frames == (1, 2, 3)
    assert len(find_shots(put(tmp_path / "b", *names))) == 3, "they differ in two numbers"


def test_versions_and_takes_stay_apart(tmp_path: Path) -> None:
    put(tmp_path, *(f"sh010_{frame:04d}_v{version:02d}.png" for frame in (1, 2, 3) for version in (1, 2)))
    assert [(shot.name, shot.frames) for shot in find_shots(tmp_path)] == [
        ("sh010_v01", (1, 2, 3)),
        ("sh010_v02", (1, 2, 3)),
    ]


def test_first_frames_of_several_shots_are_no_shot(tmp_path: Path) -> None:
    """So drop folders see them while the others are still to come."""
    shots = find_shots(put(tmp_path, "sh010.1001.exr", "sh011.1001.exr"))
    assert [(shot.kind, shot.frames) for shot in shots] == [("still", (1001,)), ("still", (1001,))]


def test_the_same_frame_in_two_spellings_is_two_shots_and_a_pattern_means_its_own(tmp_path: Path) -> None:
    put(tmp_path, "s.0001.png", "s.0002.png", "s.0001.PNG", "s.0002.PNG")
    if len(list(tmp_path.iterdir())) < 4:
        pytest.skip("this disk does not tell case apart")
    assert [shot.frames for shot in find_shots(tmp_path)] == [(1, 2), (1, 2)]
    shot = shot_from_plate(tmp_path / "s.####.PNG")
    assert shot.frame_path(1).name == "s.0001.PNG"


def test_numbers_far_apart_are_no_frames(tmp_path: Path) -> None:
    shots = find_shots(put(tmp_path, "IMG_1000000000.png", "IMG_9999999999.png"))
    assert [shot.kind for shot in shots] == ["still", "still"]


def test_one_numbered_file_keeps_its_number_and_says_what_lies_beside_it(tmp_path: Path) -> None:
    put(tmp_path, *(f"s.{number:04d}.exr" for number in range(1, 9)))
    shot = shot_from_plate(tmp_path / "s.0003.exr")
    assert (shot.kind, shot.name, shot.frames, shot.padding) == ("still", "s", (3,), 4)
    assert "beside it lie frames 1-8: name s.####.exr" in shot.remarks[0]
    assert every_file_is_there(shot)
    lone = shot_from_plate(put(tmp_path / "b", "t.1005.exr") / "t.1005.exr")
    assert (lone.frames, lone.remarks) == ((1005,), ())
    assert shot_from_plate(tmp_path / "b" / "t.1005.exr", first_frame=7).frames == (7,)


def test_a_near_miss_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "s.0001.exr", "s.0002.exr", "s_0003.exr", "s.0004.png", "other.0001.exr")
    shot = shot_from_plate(tmp_path / "s.####.exr")
    assert shot.frames == (1, 2)
    assert "s.0004.png, s_0003.exr" in shot.remarks[0]
    assert "other" not in shot.remarks[0]
    with_still = shot_from_plate(put(tmp_path / "b", "s.0001.exr", "s.0002.exr", "thumbnail.jpg"))
    assert "thumbnail.jpg" in with_still.remarks[0]
    with pytest.raises(PlateMissing, match=r"In the folder lie: .*s\.####\.exr"):
        shot_from_plate(tmp_path / "shot.####.exr")


def test_a_star_that_names_several_shots_is_refused_with_their_names(tmp_path: Path) -> None:
    put(tmp_path, "a.0001.exr", "a.0002.exr", "b.0001.exr", "b.0002.exr")
    with pytest.raises(BadInput, match=r"2 shots: a\.####\.exr, b\.####\.exr"):
        shot_from_plate(tmp_path / "*.exr")
    with pytest.raises(PlateMissing, match="No file fits"):
        shot_from_plate(tmp_path / "*.png")


def test_no_file_is_ever_dropped_by_grouping() -> None:
    """Whatever the names, each is in exactly one sequence or alone."""
    pick = random.Random(7)
    texts = ["s", "S", ".", "_", "-", "v", " (", ")", "é", "e\u0301", "sh"]
    for _ in range(400):
        names = {
            "".join(
                pick.choice([*texts, *(f"{pick.randrange(12):0{pick.randint(1, 4)}d}" for _ in range(6))])
                for _ in range(pick.randint(1, 6))
            )
            + pick.choice([".png", ".PNG"])
            for _ in range(pick.randint(1, 12))
        }
        sequences, singles = group_names(names)
        listed = [*singles, *(name for numbered in sequences for name in numbered.names.values())]
        assert sorted(listed) == sorted(names)
        assert all(len(numbered.names) > 1 for numbered in sequences)
