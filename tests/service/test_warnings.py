"""Warnings of a manifest reach whoever asks for the job: each once, in lists shortened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from model.settings import KeySettings, Screen
from service.api.summaries import LONGEST_WARNING, MOST_WARNINGS, summary_of
from service.jobs import JobState
from service.paths import Paths
from service.queue.status_file import write_status
from service.store import JobStore
from tests.service.jobs_in_store import add
from tests.service.pipeline_runs import manifest_of, run
from tests.service.running import make_settings
from tests.service.shots_on_disk import LinearKeyer, order_for, write_shot


def test_what_is_said_of_plate_and_screen_reaches_the_manifest_once_and_who_waits_for_it(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates", range(1, 4))
    remark = "Beside the plate lie other pictures."
    order = order_for(shot.model_copy(update={"remarks": (remark, remark)}), tmp_path / "out" / "v001")
    finished = run(order, LinearKeyer())
    assert finished.warnings == manifest_of(order).warnings
    assert finished.warnings.count(remark) == 1


def test_a_screen_that_is_doubted_says_so_in_the_manifest_and_again_when_the_shot_is_keyed_on(tmp_path: Path) -> None:
    class Doubts(LinearKeyer):
        def survey(self, plates: Sequence[torch.Tensor], settings: KeySettings) -> Screen:
            return super().survey(plates, settings).model_copy(update={"coverage": 0.01})

    order = order_for(write_shot(tmp_path / "plates", range(1, 4)), tmp_path / "out" / "v001")
    (told,) = run(order, Doubts()).warnings
    screen = manifest_of(order).screen
    assert screen is not None and screen.doubt == told
    assert "covers only 1.0%" in told
    assert run(order, Doubts()).warnings == (told,)


def test_a_job_keeps_its_warnings_and_tells_them_in_lists_and_in_its_status_file(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    job = add(store, 1, state=JobState.DONE)
    assert job.warnings == ()
    told = ("The screen is pale.", "x" * 2000, *(f"Warning {number}." for number in range(9)))
    job = store.update(job.id, warnings=told, output=tmp_path / "out" / "hero" / "v001")
    store.close()
    store = JobStore(tmp_path / "jobs.sqlite")
    assert store.get(job.id).warnings == told
    settings = make_settings(tmp_path / "home")
    short = summary_of(store.get(job.id), Paths(settings)).warnings
    assert short[0] == told[0] and len(short) == MOST_WARNINGS and len(short[1]) == LONGEST_WARNING + 1
    assert "The screen is pale." in write_status(store.get(job.id)).read_text(encoding="utf-8")
    store.close()
