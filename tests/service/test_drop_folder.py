"""When a dropped shot starts, and what never starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from service.drop_folder.settling import Patience
from service.jobs import JobRequest, JobState
from service.settings import Settings
from service.shots import Shot, shot_from_plate
from tests.service.dropping import FAILED, QUEUED, WAITING, Place


def test_a_shot_is_announced_as_soon_as_it_is_seen(place: Place) -> None:
    place.render(range(1, 4))
    (job,) = place.wait()
    assert job.state is WAITING and job.shot.name == "hero"
    assert place.folder.busy


def test_a_shot_of_unknown_length_starts_after_the_quiet_time_and_no_sooner(place: Place) -> None:
    place.render(range(1, 4))
    assert [job.state for job in place.wait(14.9)] == [WAITING]
    (job,) = place.wait(0.2)
    assert job.state is QUEUED and job.frames == (1, 2, 3)
    assert not place.folder.busy


def test_frames_that_keep_coming_keep_the_shot_waiting(place: Place) -> None:
    for frame in range(1, 12):
        place.render([frame, frame + 1])
        assert QUEUED not in [job.state for job in place.wait(10.0)]
    (job,) = place.wait(60.0)
    assert job.state is QUEUED and job.frames == tuple(range(1, 13))


def test_a_slow_render_is_waited_for_four_times_its_longest_pause(place: Place) -> None:
    place.render([1, 2])
    place.wait(12.0)
    place.render([3])
    assert [job.state for job in place.wait(47.0)] == [WAITING]
    assert [job.state for job in place.wait(3.0)] == [QUEUED]


def test_a_ready_file_starts_the_shot_once_its_files_are_stable(place: Place) -> None:
    place.render(range(1, 4))
    place.put("hero.ready", "")
    assert [job.state for job in place.wait(1.9)] == [WAITING]
    assert [job.state for job in place.wait(0.2)] == [QUEUED]


@pytest.mark.parametrize("name", ["hero/hero.ready", "hero.ready", "HERO/hero.READY"])
def test_a_ready_file_lies_in_the_folder_or_beside_it(place: Place, name: str) -> None:
    place.render(range(1, 3))
    if name.startswith("HERO") and not (place.root / "HERO").exists():
        name = "hero/HERO.Ready"
    place.put(name, "")
    assert [job.state for job in place.wait(3.0)] == [QUEUED]


def test_a_known_range_starts_when_its_last_frame_is_stable(place: Place) -> None:
    place.sidecar(frames="1-4")
    place.render([1, 2, 3])
    assert [job.state for job in place.wait(300.0)] == [WAITING]
    place.render([4])
    (job,) = place.wait(3.0)
    assert job.state is QUEUED and job.frames == (1, 2, 3, 4)


def test_a_known_range_that_stays_short_is_handed_over_with_its_gap_after_the_grace_time(place: Place) -> None:
    place.sidecar(frames="1-4")
    place.render([1, 2])
    place.wait(599.0)
    assert place.states() == [WAITING]
    (job,) = place.wait(3.0)
    assert job.state is JobState.NEEDS_ATTENTION
    assert job.problem is not None and "3-4" in job.problem.message


def test_a_range_of_which_nothing_comes_fails_with_its_reason(place: Place) -> None:
    place.sidecar(frames="1001-1004")
    place.render([1, 2])
    (job,) = place.wait(610.0, step=5.0)
    assert job.state is FAILED and job.problem is not None and "1001-1004" in job.problem.message


def test_a_gap_in_a_quiet_shot_needs_attention(place: Place) -> None:
    place.render([1, 2, 5])
    (job,) = place.wait(20.0)
    assert job.state is JobState.NEEDS_ATTENTION
    assert job.problem is not None and "3-4" in job.problem.message


def test_a_growing_file_is_not_settled(place: Place) -> None:
    place.render([1, 2])
    place.put("hero.ready", "")
    for size in range(1, 20):
        place.put("hero/hero.0002.png", b"x" * size)
        assert [job.state for job in place.wait(1.5)] == [WAITING]
    assert [job.state for job in place.wait(2.0)] == [QUEUED]


def test_a_file_whose_time_alone_changes_is_not_settled(place: Place) -> None:
    place.render([1, 2])
    place.put("hero.ready", "")
    place.wait(1.5)
    os.utime(place.root / "hero/hero.0002.png", ns=(1, 1))
    assert [job.state for job in place.wait(1.5)] == [WAITING]
    assert [job.state for job in place.wait(1.0)] == [QUEUED]


def test_a_file_servers_clock_in_the_future_does_not_matter(place: Place) -> None:
    place.render([1, 2])
    for file in (place.root / "hero").iterdir():
        os.utime(file, (4e9, 4e9))
    assert [job.state for job in place.wait(16.0)] == [QUEUED]


def test_an_empty_file_is_waited_for_and_handed_over_after_the_grace_time(place: Place) -> None:
    place.render([1, 2])
    place.put("hero/hero.0003.png", b"")
    assert [job.state for job in place.wait(590.0, step=5.0)] == [WAITING]
    (job,) = place.wait(15.0)
    assert job.state is QUEUED and job.frames == (1, 2, 3)


def test_an_empty_file_that_is_filled_in_time_is_a_frame_like_any_other(place: Place) -> None:
    place.render([1, 2])
    place.put("hero/hero.0003.png", b"")
    place.wait(30.0)
    place.put("hero/hero.0003.png", b"picture")
    assert [job.state for job in place.wait(150.0)] == [QUEUED]


def test_a_file_that_another_program_holds_open_is_waited_for(place: Place) -> None:
    place.render([1, 2])
    held = place.root / "hero" / "hero.0002.png"
    place.busy_files.add(held)
    assert [job.state for job in place.wait(60.0)] == [WAITING]
    place.busy_files.clear()
    assert [job.state for job in place.wait(16.0)] == [QUEUED]


def test_a_transfer_under_way_in_the_folder_keeps_the_shot_waiting(place: Place) -> None:
    place.render([1, 2])
    for size in range(1, 30):
        place.put("hero/hero.0003.png.!sync", b"x" * size)
        assert [job.state for job in place.wait(2.0)] == [WAITING]
    (place.root / "hero/hero.0003.png.!sync").rename(place.root / "hero/hero.0003.png")
    (job,) = place.wait(20.0)
    assert job.state is QUEUED and job.frames == (1, 2, 3)


def test_on_a_network_share_files_must_be_stable_for_five_seconds(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert Patience.of(settings, network=True).stable == 5.0
    assert Patience.of(settings, network=False).stable == 2.0


def test_a_lone_first_frame_does_not_become_a_still_while_others_come(place: Place) -> None:
    place.render([1])
    assert place.wait(5.0) == []
    place.render([2, 3])
    (job,) = place.wait(60.0)
    assert job.shot.kind == "sequence" and job.frames == (1, 2, 3) and job.state is QUEUED


def test_a_still_and_a_movie_in_the_root_are_shots(place: Place) -> None:
    place.put("poster.png")
    place.put("take.mov")
    jobs = {job.shot.name: job for job in place.wait(20.0)}
    assert {name: job.shot.kind for name, job in jobs.items()} == {"poster": "still", "take": "movie"}
    assert {job.state for job in jobs.values()} == {QUEUED}


def test_several_sequences_in_one_folder_are_several_shots(place: Place) -> None:
    place.render(range(1, 4), "a", folder="both")
    place.render(range(1, 3), "b", folder="both")
    assert sorted((job.shot.name, job.frames) for job in place.wait(20.0)) == [("a", (1, 2, 3)), ("b", (1, 2))]


def test_a_finished_shot_is_not_taken_again(place: Place) -> None:
    place.render(range(1, 4))
    place.wait(20.0)
    assert len(place.wait(600.0, step=10.0)) == 1


def test_a_restart_takes_up_the_waiting_job_and_makes_no_second_one(place: Place) -> None:
    place.render(range(1, 4))
    (before,) = place.wait(5.0)
    place.watch_anew()
    place.render([4])
    (after,) = place.wait(20.0)
    assert after.id == before.id and after.state is QUEUED and after.frames == (1, 2, 3, 4)


def test_a_restart_leaves_settled_and_cancelled_jobs_alone(place: Place) -> None:
    place.render(range(1, 4))
    place.render(range(1, 4), "other")
    jobs = place.wait(20.0)
    place.queue.cancel(jobs[0].id)
    before = place.jobs()
    place.watch_anew()
    assert place.wait(60.0) == before


def test_a_frame_rendered_anew_makes_a_new_version_of_the_whole_shot(place: Place) -> None:
    place.render(range(1, 4))
    (first,) = place.wait(20.0)
    place.queue.cancel(first.id)
    place.render([2], content="better")
    jobs = place.wait(20.0)
    assert [job.version for job in jobs] == [1, 2]
    assert jobs[1].state is QUEUED and jobs[1].frames == (1, 2, 3) and jobs[1].identity != first.identity


def test_an_old_ready_file_does_not_start_a_later_render_early(place: Place) -> None:
    place.render([1, 2])
    place.put("hero.ready", "")
    (first,) = place.wait(3.0)
    place.queue.cancel(first.id)
    place.render([1, 2], content="anew")
    assert place.wait(10.0)[-1].state is WAITING
    assert place.wait(10.0)[-1].state is QUEUED


def test_a_queued_shot_that_is_written_anew_waits_and_starts_in_spite_of_a_restart_and_a_lost_root(
    place: Place,
) -> None:
    place.render([1, 2, 3])
    assert [job.state for job in place.wait(20.0)] == [QUEUED]
    place.render([1, 2, 3], content="anew")
    assert [job.state for job in place.wait(2.0)] == [WAITING], "not keyed while it is written"
    place.watch_anew()
    place.wait(1.0)
    away = place.root.with_name("elsewhere")
    place.root.rename(away)
    assert [job.state for job in place.wait(1.0)] == [JobState.ROOT_OFFLINE]
    away.rename(place.root)
    (job,) = place.wait(60.0)
    assert job.state is QUEUED and place.store.keys(job.id).settled


def test_plates_taken_away_after_the_job_change_nothing(place: Place) -> None:
    place.render(range(1, 4))
    before = place.wait(20.0)
    (place.root / "hero" / "hero.0003.png").unlink()
    assert place.wait(60.0) == before


def test_a_waiting_shot_that_is_taken_away_is_cancelled(place: Place) -> None:
    place.render(range(1, 4))
    place.wait(5.0)
    for file in (place.root / "hero").iterdir():
        file.unlink()
    (job,) = place.wait(20.0)
    assert job.state is JobState.CANCELLED


def test_a_renamed_folder_is_one_shot_under_its_new_place(place: Place) -> None:
    place.render(range(1, 4), folder="New Folder")
    place.wait(5.0)
    (place.root / "New Folder").rename(place.root / "sc010")
    assert sorted((job.shot.folder.name, job.state) for job in place.wait(20.0)) == [
        ("New Folder", JobState.CANCELLED),
        ("sc010", QUEUED),
    ]


def test_a_job_cancelled_while_its_files_arrive_stays_cancelled(place: Place) -> None:
    place.render(range(1, 4))
    (job,) = place.wait(5.0)
    place.queue.cancel(job.id)
    assert [job.state for job in place.wait(60.0)] == [JobState.CANCELLED]


def test_a_root_that_goes_away_freezes_its_jobs_and_goes_on_when_back(place: Place) -> None:
    place.render(range(1, 4))
    (before,) = place.wait(5.0)
    away = place.root.with_name("elsewhere")
    place.root.rename(away)
    (job,) = place.wait(600.0, step=10.0)
    assert job.state is JobState.ROOT_OFFLINE and not place.folder.online
    away.rename(place.root)
    (job,) = place.wait(30.0)
    assert job.id == before.id and job.state is QUEUED and place.folder.online


def test_a_root_that_is_back_after_a_restart_sets_its_jobs_free(place: Place) -> None:
    place.render(range(1, 4))
    (before,) = place.wait(20.0)
    place.queue.root_lost(place.root)
    assert place.states() == [JobState.ROOT_OFFLINE]
    place.watch_anew()
    assert [(job.id, job.state) for job in place.wait(1.0)] == [(before.id, QUEUED)]


def test_a_root_that_is_missing_at_the_start_freezes_its_jobs(place: Place) -> None:
    place.render(range(1, 4))
    place.wait(20.0)
    place.root.rename(place.root.with_name("elsewhere"))
    place.watch_anew()
    assert [job.state for job in place.wait(5.0)] == [JobState.ROOT_OFFLINE]


def test_frames_that_come_after_a_start_by_hand_are_not_lost(place: Place) -> None:
    place.render(range(1, 4))
    place.wait(5.0)
    shot = shot_from_plate(place.root / "hero")
    by_hand, _ = place.queue.submit(JobRequest(root="drop", plate="hero/hero.####.png"), shot)
    assert by_hand.state is QUEUED
    place.render(range(4, 7))
    jobs = place.wait(60.0)
    assert jobs[-1].frames == (1, 2, 3, 4, 5, 6) and jobs[-1].state is QUEUED


def test_one_shot_that_cannot_be_taken_holds_up_no_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    really = place.queue.submit

    def submit(request: JobRequest, shot: Shot, **more: Any) -> Any:
        if shot.name == "a":
            raise RuntimeError("a bug")
        return really(request, shot, **more)

    monkeypatch.setattr(place.queue, "submit", submit)
    for name in ("a", "b"):
        place.render(range(1, 4), name)
    assert [(job.shot.name, job.state) for job in place.wait(20.0)] == [("b", QUEUED)]


def test_what_is_not_a_plate_is_left_alone(place: Place) -> None:
    for name in (
        "hero/.hero.0001.png",
        "hero/._hero.0001.png",
        "hero/~hero.0001.png",
        "hero/hero.0001.png.tmp",
        "hero/hero.0001.png.part",
        "hero/hero.0001.png.!sync",
        ".sync/hero.0001.png",
        ".sync/hero.0002.png",
        "hero/.DS_Store",
        "hero/Thumbs.db",
        "hero/notes.txt",
        "hero.ready",
    ):
        place.put(name)
    assert place.wait(60.0) == []


def test_a_folder_that_after_effects_watches_itself_is_left_alone(place: Place) -> None:
    place.render(range(1, 4))
    place.put("hero/comp_RCF.txt", "render control file")
    assert place.wait(60.0) == []


def test_our_own_results_are_never_plates(tmp_path: Path) -> None:
    place = Place(tmp_path, output_root=tmp_path / "drop" / "results")
    for frame in (1, 2, 3):
        place.put(f"results/hero/v001/foreground/hero_foreground.{frame:04d}.exr")
        place.put(f"results/loose.{frame:04d}.exr")
        place.put(f"elsewhere/hero/v001/foreground/hero_foreground.{frame:04d}.exr")
    place.put("elsewhere/hero/v001/manifest.json", "{}")
    assert place.wait(60.0) == []
    place.close()


def test_links_that_lead_out_of_the_root_are_not_followed_unless_allowed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for frame in (1, 2):
        (outside / f"secret.{frame:04d}.png").write_bytes(b"x")
    for allowed in (False, True):
        place = Place(tmp_path / str(allowed), follow_links=allowed)
        try:
            (place.root / "way").symlink_to(outside, target_is_directory=True)
            (place.root / "file").mkdir()
            for frame in (1, 2):
                (place.root / "file" / f"single.{frame:04d}.png").symlink_to(outside / f"secret.{frame:04d}.png")
        except OSError:
            pytest.skip("this account may not make symbolic links")
        names = sorted(job.shot.name for job in place.wait(20.0))
        assert names == (["secret", "single"] if allowed else [])
        place.close()
