"""The page over a worker that the test plays: what it makes of jobs that wait, begin, fail, and come again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from playwright.sync_api import Page, Route, expect

from tests.service.jobs_in_store import add_many, make_job
from tests.service.running import make_shot, until
from tests.service.web.played import SCREEN, Played
from tests.service.web.screen import displayed, serious

WAITING = 250
GIB = 2**30
pytestmark = pytest.mark.timeout(300)


def open_shot(page: Page, job: str) -> None:
    page.goto(f"{page.url.partition('#')[0]}#/shot/{job}")
    expect(page.locator(".title h1")).to_have_text(re.compile(r"\w v\d{3}$"))
    expect(page.locator("#frame")).to_contain_text("1001")


def hexadecimal(color: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{displayed(linear):02x}" for linear in color)


# ---- settings


def test_the_screen_that_the_survey_finds_later_is_the_color_to_start_from(page: Page, service: Played) -> None:
    job = service.submit()
    open_shot(page, job)
    color = page.get_by_label("Screen color", exact=True)
    assert color.input_value() != hexadecimal(SCREEN.color)
    service.start()
    service.finish(1001)
    expect(color).to_have_value(hexadecimal(SCREEN.color))
    expect(color).to_be_disabled()


def test_a_color_that_was_chosen_stays_when_the_survey_finds_another(page: Page, service: Played) -> None:
    job = service.submit()
    open_shot(page, job)
    color = page.get_by_label("Screen color", exact=True)
    page.get_by_label("Find the screen color").uncheck()
    color.fill("#123456")
    page.get_by_label("Find the screen color").check()
    service.start()
    with page.expect_response(re.compile(f"/jobs/{job}$")):
        service.finish(1001)
    page.get_by_label("Find the screen color").uncheck()
    expect(color).to_have_value("#123456")


def test_settings_between_the_steps_of_a_slider_are_kept_to_the_digit(page: Page, service: Played) -> None:
    settings = {"despill": 0.33, "alpha_floor": 0.005}
    job = service.submit(settings=settings)
    open_shot(page, job)
    expect(page.locator("output[for=set-despill]")).to_have_text("0.33")
    expect(page.locator("output[for=set-alpha_floor]")).to_have_text("0.005")
    reset = page.get_by_role("button", name="Reset")
    page.get_by_label("Refine edges").uncheck()
    expect(reset).to_be_enabled()
    page.get_by_label("Refine edges").check()
    expect(reset).to_be_disabled()
    page.get_by_label("Alpha ceiling").fill("0.9")
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/jobs")) as asked:
        page.get_by_role("button", name="Key again as v002").click()
    sent = asked.value.post_data_json["settings"]
    assert {name: sent[name] for name in settings} == settings and sent["alpha_ceiling"] == 0.9


# ---- the queue


def test_what_runs_is_listed_however_many_younger_jobs_wait(page: Page, service: Played) -> None:
    running = wait_behind_one(service)
    page.reload()
    expect(page.locator("li.job").first).to_be_visible()
    expect(page.locator(f'li[data-id="{running}"] .state')).to_have_text("Keying")


def test_what_is_in_work_is_listed_as_it_will_run(page: Page, service: Played) -> None:
    running = wait_behind_one(service)
    page.reload()
    page.get_by_role("button", name=re.compile("^In work")).click()
    rows = page.locator("li.job")
    expect(rows).to_have_count(WAITING + 1)
    order = sorted(range(WAITING), key=lambda number: (-(number % 100), number))
    wanted = [running, *(f"{number:032x}" for number in order)]
    assert rows.evaluate_all("(rows) => rows.map((row) => row.dataset.id)") == wanted
    moved = page.locator(f'li[data-id="{wanted[-1]}"]')
    sooner = moved.get_by_role("button", name=re.compile("^Sooner"))
    sooner.focus()
    for priority in range(10, 110, 10):
        page.keyboard.press("Enter")
        expect(moved.locator(".priority")).to_have_text(str(priority))
        expect(sooner).to_be_focused()
    expect(rows.nth(1)).to_have_attribute("data-id", wanted[-1])


def wait_behind_one(service: Played) -> str:
    """Return the id of the oldest job, which the worker has; more than two pages of others wait behind it."""
    running = service.submit("first")
    until(lambda: service.worker.current, "the worker has it")
    first = service.queue.get(running)
    add_many(service.store, [make_job(number, shot=first.shot, output=first.output) for number in range(WAITING)])
    return running


def test_the_picture_of_a_row_is_asked_for_again_when_more_frames_are_done(
    page: Page, service: Played, tmp_path: Path
) -> None:
    picture = oiio.ImageBuf(np.full((8, 8, 3), 0.5, np.float32))
    assert picture.write(str(tmp_path / "thumb.png"), "uint8"), picture.geterror()
    there: list[bool] = []
    page.route(
        "**/composite.png*",
        lambda route: route.fulfill(path=tmp_path / "thumb.png") if there else route.fulfill(status=404),
    )
    job = service.submit()
    image = page.locator(f'li[data-id="{job}"] img')
    service.start()
    with page.expect_response("**/frames/1001/composite.png*") as missing:
        service.finish(1002)
    assert missing.value.status == 404
    there.append(True)
    service.finish(1001)
    expect(image).to_have_class("loaded")


def test_a_row_without_a_picture_names_the_folder_to_add_to_the_roots(
    page: Page, service: Played, tmp_path: Path
) -> None:
    shot = make_shot(tmp_path / "private", range(1001, 1003))
    job = service.post("/jobs", {"plate": str(shot.folder / shot.pattern)}).json()["id"]
    service.start()
    service.finish(1001)
    row = page.locator(f'li[data-id="{job}"]')
    expect(row.locator(".why")).to_contain_text("No picture: 'hero' has files outside the folders")
    expect(row.locator(".why")).to_contain_text(f"Add '{shot.folder}' to extra_roots")
    expect(row.locator(".thumb")).to_have_class(re.compile("none"))
    assert serious(page) == []


def test_a_row_whose_result_is_gone_says_so_once_the_job_is_at_rest(page: Page, service: Played) -> None:
    job = service.submit()
    service.start()
    with page.expect_response("**/composite.png*"):
        service.finish(1001)  # without writing anything
    row = page.locator(f'li[data-id="{job}"]')
    expect(row.locator(".figures")).to_contain_text("1 / 3")
    expect(row.locator(".why")).to_be_hidden()  # another frame may come
    service.queue.cancel(job)
    expect(row.locator(".why")).to_contain_text("hero_foreground.1001.exr is not there")
    expect(row.locator(".why")).to_contain_text("put it back into")


def test_a_shot_whose_first_frame_failed_shows_another_in_its_row(page: Page, service: Played, tmp_path: Path) -> None:
    picture = oiio.ImageBuf(np.full((8, 8, 3), 0.5, np.float32))
    assert picture.write(str(tmp_path / "thumb.png"), "uint8"), picture.geterror()
    page.route("**/frames/1002/composite.png*", lambda route: route.fulfill(path=tmp_path / "thumb.png"))
    job = service.submit()
    service.start()
    service.finish(1001, problem="It cannot be decoded.")
    service.finish(1002)
    service.queue.cancel(job)
    row = page.locator(f'li[data-id="{job}"]')
    expect(row.locator("img")).to_have_class("loaded")
    expect(row.locator("img")).to_have_attribute("src", re.compile("/frames/1002/"))
    expect(row.locator(".why")).to_be_hidden()


def test_a_plate_that_is_gone_says_where_to_put_it_back(page: Page, service: Played) -> None:
    job = service.submit()
    for plate in (service.folder / "hero").iterdir():
        plate.unlink()
    open_shot(page, job)
    page.keyboard.press("1")
    expect(page.locator(".viewer .sentence")).to_contain_text("hero.1001.png is not there")
    expect(page.locator(".viewer .sentence")).to_contain_text(f"put it back into '{service.folder / 'hero'}'")
    expect(page.locator(".viewer .sentence")).not_to_contain_text("keyed")


def test_a_frame_that_failed_says_what_to_do_and_its_plate_what_it_is_now(page: Page, service: Played) -> None:
    job = service.submit()
    service.start()
    service.finish(1001, problem="It cannot be decoded.", fix="Render it again.")
    open_shot(page, job)
    sentence = page.locator(".viewer .sentence")
    expect(sentence).to_have_text("Frame 1001: It cannot be decoded. Render it again.")
    page.keyboard.press("1")
    expect(sentence).to_contain_text("hero.1001.png cannot be decoded")


def test_a_paused_job_has_no_serious_accessibility_finding(page: Page, service: Played) -> None:
    service.submit("first")
    job = service.submit("second")
    service.post(f"/jobs/{job}/pause")
    expect(page.locator(f'li[data-id="{job}"] .state')).to_have_text("Paused")
    assert serious(page) == []
    open_shot(page, job)
    expect(page.locator(".title .state")).to_have_text("Paused")
    assert serious(page) == []


# ---- one shot


def test_versions_are_of_one_shot_in_whatever_words_each_was_asked_for(page: Page, service: Played) -> None:
    first = service.submit()
    again = {"root": "drop", "plate": "hero/hero.####.png", "key_again": True}
    second = service.post("/jobs", again).json()
    assert second["version"] == 2
    other = service.submit("hero2")
    open_shot(page, first)
    versions = page.get_by_role("navigation", name="Versions").get_by_role("link")
    expect(versions).to_have_text(["v002", "v001"])
    expect(page.get_by_role("button", name="Key again as v003")).to_be_visible()
    versions.first.click()
    expect(page.locator(".title h1")).to_have_text("hero v002")
    expect(versions).to_have_text(["v002", "v001"])
    open_shot(page, other)
    expect(page.get_by_role("button", name="Key again as v002")).to_be_visible()
    expect(versions).to_have_count(0)


def test_many_failed_frames_hide_no_other_that_stands_out(page: Page, service: Played) -> None:
    failed = range(1001, 1011)
    job = service.submit(frames=range(1001, 1014))
    service.start()
    for frame in failed:
        service.finish(frame, problem="It is cut off.")
    service.finish(1012, warnings=("The screen is dark.",))
    open_shot(page, job)
    listed = page.get_by_role("list", name="Frames that stand out")
    expect(listed.get_by_role("button")).to_have_count(8)
    expect(listed).to_contain_text("and 3 more")
    expect(page.locator(".marks .failed")).to_have_count(10)
    expect(page.locator(".marks .worst")).to_have_count(1)
    page.keyboard.press("Shift+N")
    expect(page.locator("#frame")).to_contain_text("1012")


# ---- the machine


def told(**more: Any) -> dict[str, Any]:
    """Return what `GET /workers` tells of one worker."""
    worker = {
        "name": "1",
        "state": "busy",
        "device": "cuda:0",
        "device_name": "Card",
        "host": None,
        "card": None,
        "shot": None,
        "frame": None,
        "drained": False,
        "pid": 1,
        "deaths_in_a_row": 0,
        "problem": None,
        "memory_used_bytes": GIB,
        "memory_total_bytes": 64 * GIB,
        "gpu_memory_used_bytes": 10 * GIB,
        "gpu_memory_total_bytes": 24 * GIB,
    }
    return {"workers": [worker | more]}


def ask_every(page: Page, milliseconds: int) -> None:
    """Let the panel look again so often, from the next load of the page on."""

    def rewritten(route: Route) -> None:
        body = route.fetch().text()
        assert "const EVERY = 5000;" in body
        route.fulfill(
            body=body.replace("const EVERY = 5000;", f"const EVERY = {milliseconds};"), content_type="text/javascript"
        )

    page.route("**/machine.js", rewritten)


def test_the_memory_of_a_workers_card_is_told(page: Page) -> None:
    page.route("**/workers", lambda route: route.fulfill(json=told()))
    page.reload()
    worker = page.locator(".machine section:has(h2:text-is('Workers'))")
    expect(worker).to_contain_text("Keying · Card")
    expect(worker).to_contain_text("GPU memory: 10.0 GiB of 24.0 GiB")
    expect(worker).to_contain_text("Memory: 1.0 GiB of 64.0 GiB")
    expect(worker.locator("meter").first).to_have_attribute("value", str(10 * GIB))
    assert serious(page) == []


def test_the_machine_is_looked_at_again_when_the_queue_is_counted_anew(page: Page, service: Played) -> None:
    now = ["busy"]
    ask_every(page, 3_600_000)
    page.route("**/workers", lambda route: route.fulfill(json=told(state=now[0])))
    page.reload()
    worker = page.locator(".machine section:has(h2:text-is('Workers'))")
    expect(worker).to_contain_text("Keying")
    now[0] = "ready"
    service.submit()
    expect(worker).to_contain_text("Ready")


def test_the_machine_is_not_asked_again_before_it_has_answered(page: Page) -> None:
    held: list[Route] = []
    ask_every(page, 20)
    page.route("**/workers", lambda route: held.append(route))
    with page.expect_request("**/workers"):
        page.reload()
    page.evaluate("() => new Promise((done) => setTimeout(done, 400))")  # twenty times its turn
    assert len(held) == 1
    with page.expect_request("**/workers"):
        held[0].fulfill(json=told())
