"""What sidecars and job files say, and what becomes of those that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.jobs import JobRequest, JobState
from service.settings import PrefixMap
from service.shots import shot_from_plate
from tests.service.dropping import FAILED, QUEUED, Place


def test_a_sidecar_says_how_the_shot_is_keyed(place: Place) -> None:
    place.sidecar(settings={"despill": 0.5, "association": "straight"}, fps="24000/1001", priority=80)
    place.render(range(1, 4))
    (job,) = place.wait(20.0)
    assert job.request.settings.despill == 0.5 and job.request.settings.association == "straight"
    assert job.request.fps == "24000/1001" and job.priority == 80 and job.request.client == "drop folder"


def test_what_a_sidecar_does_not_say_comes_from_the_services_settings(tmp_path: Path) -> None:
    place = Place(tmp_path, key_defaults={"despill": 0.25, "compression": "piz"})
    place.sidecar(settings={"despill": 0.5})
    place.render(range(1, 4))
    (job,) = place.wait(20.0)
    assert job.request.settings.despill == 0.5 and job.request.settings.compression == "piz"
    place.close()


@pytest.mark.parametrize(
    ("plate", "sidecar"),
    [
        ("hero/hero.", "hero/hero.dropkey.json"),
        ("hero/hero.", "hero.dropkey.json"),
        ("sc010/render_", "sc010.dropkey.json"),
        ("sc010/render_", "sc010/render.dropkey.json"),
        ("sc010/render_", "sc010/sc010.dropkey.json"),
        ("loose.", "loose.dropkey.json"),
    ],
)
def test_a_sidecar_is_called_as_the_shot_or_its_folder(place: Place, plate: str, sidecar: str) -> None:
    for frame in (1, 2):
        place.put(f"{plate}{frame:04d}.png")
    place.sidecar(sidecar, fps="25")
    (job,) = place.wait(20.0)
    assert job.request.fps == "25"


def test_a_notepad_sidecar_with_byte_order_mark_is_read(place: Place) -> None:
    place.put("hero.dropkey.json", b'\xef\xbb\xbf{"fps": "25"}')
    place.render([1, 2])
    assert place.wait(20.0)[0].request.fps == "25"


def test_paths_in_a_sidecar_are_relative_to_it_and_are_no_plates_themselves(place: Place) -> None:
    place.sidecar("hero/hero.dropkey.json", mattes={"hint": "hints/hint.####.png", "clean_plate": "clean.exr"})
    place.render(range(1, 4))
    place.put("hero/clean.exr")
    for frame in (1, 2, 3):
        place.put(f"hero/hints/hint.{frame:04d}.png")
    (job,) = place.wait(20.0)
    assert job.shot.name == "hero" and job.state is QUEUED
    assert job.mattes.hint == str(place.root / "hero" / "hints" / "hint.####.png")
    assert job.mattes.clean_plate == str(place.root / "hero" / "clean.exr")
    assert job.request.mattes.hint == "hints/hint.####.png"


def test_a_sidecar_may_name_another_machines_path(tmp_path: Path) -> None:
    place = Place(tmp_path, prefix_map=(PrefixMap(theirs="S:\\drop", ours=tmp_path / "drop"),))
    place.sidecar(mattes={"garbage": "S:\\drop\\garbage.png"})
    place.put("garbage.png")
    place.render([1, 2])
    (job,) = place.wait(20.0)
    assert job.mattes.garbage == str(place.root / "garbage.png")
    place.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "JSON object"),
        ('{"despil": 1}', "despil"),
        ('{"settings": {"despill": 7}}', "settings.despill"),
        ('{"settings": 7}', "settings"),
        ('{"frames": "1-"}', "no frame range"),
        ('{"plate": "other.####.png"}', "plate"),
        ('{"key_again": true}', "key again"),
        ('{"mattes": {"hint": "../../secret.png"}}', "outside"),
        ('{"output": "/somewhere/else"}', "outside"),
        ('{"mattes": {"hint": "\\\\\\\\evil\\\\share\\\\h.png"}}', "not configured"),
    ],
)
def test_a_sidecar_that_cannot_be_used_fails_the_job_and_says_why(place: Place, content: str, said: str) -> None:
    place.render(range(1, 4))
    place.put("hero.dropkey.json", content)
    (job,) = place.wait(60.0)
    assert job.state is FAILED
    assert job.problem is not None and said in job.problem.message and job.problem.fix
    assert len(place.wait(300.0, step=10.0)) == 1


def test_a_sidecar_that_is_mended_starts_the_shot(place: Place) -> None:
    place.render(range(1, 4))
    place.put("hero.dropkey.json", '{"frames": "1-')
    assert [job.state for job in place.wait(10.0)] == [FAILED]
    place.sidecar("hero.dropkey.json", frames="1-2")
    job = place.wait(20.0)[-1]
    assert job.state is QUEUED and job.frames == (1, 2)


def test_a_sidecar_that_is_still_being_written_is_not_judged(place: Place) -> None:
    place.render(range(1, 4))
    place.put("hero.dropkey.json", '{"frames": "1-')
    assert [job.state for job in place.wait(1.5)] != [FAILED]
    place.sidecar("hero.dropkey.json", frames="1-2")
    assert [job.state for job in place.wait(20.0)] == [QUEUED]


def test_a_bad_sidecar_beside_a_finished_shot_is_told_as_well(place: Place) -> None:
    place.render(range(1, 4))
    (first,) = place.wait(20.0)
    place.put("hero.dropkey.json", "{")
    jobs = place.wait(60.0)
    assert jobs[0].id == first.id and jobs[-1].state is FAILED


def test_a_restart_does_not_tell_the_same_bad_news_twice(place: Place) -> None:
    place.render(range(1, 4))
    place.put("hero.dropkey.json", "{")
    before = place.wait(30.0)
    place.watch_anew()
    assert place.wait(30.0) == before


def test_a_changed_sidecar_makes_a_new_version(place: Place) -> None:
    place.render(range(1, 4))
    (first,) = place.wait(20.0)
    place.queue.cancel(first.id)
    place.sidecar(settings={"despill": 0.5})
    jobs = place.wait(30.0)
    assert [job.request.settings.despill for job in jobs] == [1.0, 0.5] and jobs[1].version == 2


def test_a_late_sidecar_can_send_the_results_elsewhere(tmp_path: Path) -> None:
    place = Place(tmp_path, extra_roots=(tmp_path / "extra",))
    place.render(range(1, 4))
    place.wait(5.0)
    place.sidecar(output=str(tmp_path / "extra"))
    jobs = place.wait(30.0)
    assert [job.state for job in jobs] == [JobState.CANCELLED, QUEUED]
    assert jobs[1].output.is_relative_to(tmp_path / "extra")
    place.close()


# ---- job files and meeting other ways in


def test_a_job_file_orders_a_shot_that_nobody_watches(tmp_path: Path) -> None:
    place = Place(tmp_path, extra_roots=(tmp_path / "footage",))
    (tmp_path / "footage").mkdir()
    for frame in (1, 2, 3):
        (tmp_path / "footage" / f"take.{frame:04d}.png").write_bytes(b"x")
    place.put("order.job.json", json.dumps({"plate": str(tmp_path / "footage" / "take.####.png"), "frames": "2-3"}))
    (job,) = place.wait(20.0)
    assert job.state is QUEUED and job.frames == (2, 3) and job.request.client == "order.job.json"
    place.close()


def test_a_job_file_for_a_dropped_shot_is_its_sidecar(place: Place) -> None:
    place.render(range(1, 4))
    place.put("order.job.json", json.dumps({"plate": "hero/hero.####.png", "fps": "25"}))
    (job,) = place.wait(20.0)
    assert job.state is QUEUED and job.request.fps == "25"


def test_a_job_file_may_not_reach_outside_the_roots(place: Place, tmp_path: Path) -> None:
    place.put("order.job.json", json.dumps({"plate": str(tmp_path / "secret")}))
    (job,) = place.wait(20.0)
    assert job.state is FAILED and job.shot.name == "order"
    assert job.problem is not None and "outside" in job.problem.message


def test_a_job_file_whose_plate_never_comes_fails_after_the_grace_time(place: Place) -> None:
    place.put("order.job.json", json.dumps({"plate": "late/late.####.png"}))
    assert place.wait(590.0, step=5.0) == []
    (job,) = place.wait(20.0)
    assert job.state is FAILED and job.problem is not None and job.problem.kind == "plate_missing"


def test_a_shot_that_is_dropped_and_ordered_over_http_is_one_job(place: Place) -> None:
    place.render(range(1, 4))
    (dropped,) = place.wait(20.0)
    shot = shot_from_plate(place.root / "hero")
    job, new = place.queue.submit(JobRequest(plate=str(place.root / "hero")), shot)
    assert not new and job.id == dropped.id
