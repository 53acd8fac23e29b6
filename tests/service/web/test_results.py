"""Results on the page: what they are, their path and zip, several at once, and removal that asks first."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from model.settings import KeySettings
from service.client import Client
from service.jobs import Job, JobRequest, JobState
from tests.service.running import until
from tests.service.serving import Service
from tests.service.shots_on_disk import write_shot
from tests.service.web.screen import DONE_MS, HEIGHT, WIDTH, opened, serious

pytestmark = pytest.mark.timeout(300)


def keyed(service: Service, folder: Path) -> Job:
    """Key a shot of two frames and return its job."""
    write_shot(folder, range(1001, 1003), WIDTH, HEIGHT)
    with Client(service.found.url, service.found.token_file.read_text(encoding="utf-8").strip()) as client:
        job = client.submit(JobRequest(plate=str(folder), settings=KeySettings(keyer="difference"))).id
        until(lambda: client.job(job).state is JobState.DONE, "it is keyed", DONE_MS / 1000, 0.2)
        return client.job(job)


def test_the_shot_says_what_its_result_is_and_hands_it_over(page: Page, service: Service, shots: Path) -> None:
    job = keyed(service, shots / "handed")
    opened(page, job.id)
    facts = page.locator(".facts")
    for words in (f"{WIDTH} × {HEIGHT}", "difference", "linear", str(job.output)):
        expect(facts).to_contain_text(words)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download zip").click()
    assert started.value.suggested_filename == f"{job.shot.name}_v001.zip"
    assert Path(started.value.path()).stat().st_size > 1000
    assert serious(page) == []


def test_several_results_are_removed_at_once_after_asking(page: Page, service: Service, shots: Path) -> None:
    jobs = [keyed(service, shots / name) for name in ("gone_a", "gone_b")]
    page.goto(f"{page.url.partition('#')[0]}#/")
    for job in jobs:
        page.locator(f'li[data-id="{job.id}"] .pick').check()
    expect(page.locator(".picked")).to_contain_text("2 selected")
    page.get_by_role("button", name="Remove 2…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(str(jobs[0].output))
    assert serious(page) == []
    dialog.get_by_role("button", name="Keep").click()
    expect(page.locator(f'li[data-id="{jobs[0].id}"]')).to_be_visible()
    page.get_by_role("button", name="Remove 2…").click()
    page.get_by_label("Delete the results from disk, too").check()
    page.get_by_role("button", name="Delete from disk").click()
    for job in jobs:
        expect(page.locator(f'li[data-id="{job.id}"]')).to_have_count(0)
        assert not job.output.exists() and len(list(job.shot.folder.glob("*.exr"))) == 2
    expect(page.locator(".picked")).to_be_hidden()
