"""Presets on the page, in a real browser over the real service: saved, used, exported, taken in and removed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.service.web.screen import DONE_MS, opened

pytestmark = pytest.mark.timeout(300)
SEEN = re.compile("^You see these settings")


def names(page: Page) -> list[str]:
    return page.get_by_label("Preset", exact=True).locator("option").all_text_contents()


def test_a_preset_is_saved_used_carried_as_a_file_and_removed(page: Page, hero: str, tmp_path: Path) -> None:
    opened(page, hero)
    page.get_by_label("Despill").focus()
    page.keyboard.press("Home")
    page.get_by_label("Name of the preset").fill("Hair <b>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Preset", exact=True)).to_have_value("Hair <b>", timeout=DONE_MS)
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_label("Despill")).to_have_value("1")
    page.get_by_label("Preset", exact=True).select_option("Hair <b>")
    expect(page.get_by_label("Despill")).to_have_value("0")
    expect(page.locator(".go [role=status]")).to_have_text(SEEN, timeout=DONE_MS)
    page.get_by_label("Preset", exact=True).select_option("Dirty screen (crush residue)")
    expect(page.get_by_label("Alpha floor")).to_have_value("0.05")
    expect(page.get_by_label("Despill")).to_have_value("1")
    expect(page.locator(".presets").get_by_role("button", name="Remove")).to_be_disabled()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").click()
    content = json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))
    (preset,) = content["presets"]
    assert preset["name"] == "Hair <b>" and preset["settings"]["despill"] == 0
    assert "screen_color" not in preset["settings"], "a screen that was found is no choice"
    page.get_by_label("Preset", exact=True).select_option("Hair <b>")
    page.locator(".presets").get_by_role("button", name="Remove").click()
    expect(page.get_by_label("Preset", exact=True).locator("option")).to_have_count(4, timeout=DONE_MS)
    content["presets"][0]["name"] = "Skin"
    file = tmp_path / "show.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    page.get_by_label("File of presets").set_input_files(file)
    expect(page.get_by_label("Preset", exact=True).locator("option")).to_have_count(5, timeout=DONE_MS)
    assert names(page)[-1] == "Skin"
    page.get_by_label("Preset", exact=True).select_option("Skin")
    page.locator(".presets").get_by_role("button", name="Remove").click()
    expect(page.get_by_label("Preset", exact=True).locator("option")).to_have_count(4, timeout=DONE_MS)
