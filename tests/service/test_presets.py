"""Presets: saved by name, listed over HTTP, named by requests and drop folders, carried elsewhere in one file."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from model.settings import KeySettings
from service.cli import app
from service.errors import BadInput, DropKeyError, NotFound
from service.presets import BUILT_IN, MOST_PRESETS, Preset, Presets
from service.settings import Settings
from tests.service.asking import Asker, check_problem
from tests.service.dropping import QUEUED, Place


def preset(name: str, **settings: Any) -> Preset:
    return Preset(name=name, settings=KeySettings.model_validate(settings))


def names(presets: Any) -> list[str]:
    return [each.name for each in presets if not each.comes_with_dropkey]


@pytest.fixture
def kept(tmp_path: Path) -> Presets:
    return Presets(tmp_path / "home" / "presets.json")


# ---- the file


def test_a_preset_says_only_what_was_chosen_and_survives(kept: Presets) -> None:
    kept.save(preset("Hair", despill=0.8, encoding="arri-logc4"))
    again = Presets(kept._file).get("Hair")
    assert again.told()["settings"] == {"despill": 0.8, "encoding": "arri-logc4"}
    assert kept.over("Hair", KeySettings(despill=0.1, alpha_floor=0.2)) == KeySettings(
        despill=0.8, encoding="arri-logc4", alpha_floor=0.2
    )


@pytest.mark.parametrize("again", ["hair caf\u00e9", "HAIR  CAFE\u0301", " Hair caf\u00e9 "])
def test_case_spaces_and_accents_make_no_second_preset(kept: Presets, again: str) -> None:
    kept.save(preset("Hair caf\u00e9", despill=0.8))
    kept.save(preset(again, despill=0.2))
    assert len(names(kept.all())) == 1 and kept.get("hair caf\u00e9").settings.despill == 0.2


def test_those_of_every_dropkey_stay_as_they_are(kept: Presets) -> None:
    assert [each.name for each in kept.all()] == [each.name for each in BUILT_IN]
    for act in (lambda: kept.save(preset("dirty SCREEN (crush residue)")), lambda: kept.remove(BUILT_IN[0].name)):
        with pytest.raises(BadInput, match="comes with DropKey"):
            act()


def test_an_unknown_name_is_answered_with_those_that_there_are(kept: Presets) -> None:
    kept.save(preset("Hair"))
    with pytest.raises(NotFound, match=r"no preset “Skin”\. There are: “Dirty screen.*“Hair”"):
        kept.get("Skin")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{ half", "do not fit"),
        ("[]", "do not fit"),
        ('{"schema_version": 9, "presets": []}', "schema_version"),
        ('{"presets": [{"name": "Hair", "settings": {"despil": 1}}]}', "despil"),
    ],
)
def test_a_damaged_file_is_told_by_name_and_never_written_over(kept: Presets, content: str, told: str) -> None:
    kept._file.parent.mkdir()
    kept._file.write_text(content, encoding="utf-8")
    for act in (kept.all, lambda: kept.save(preset("Skin"))):
        with pytest.raises(DropKeyError, match=told) as error:
            act()
        assert "presets.json" in str(error.value) and error.value.fix
    assert kept._file.read_text(encoding="utf-8") == content


def test_there_are_not_more_than_a_list_can_show(kept: Presets) -> None:
    kept.save(*(preset(f"P{number}") for number in range(MOST_PRESETS)))
    kept.save(preset("P0", despill=0.5))
    with pytest.raises(BadInput, match="200 presets already"):
        kept.save(preset("one more"))


def test_many_who_save_at_once_lose_nothing(kept: Presets) -> None:
    threads = [threading.Thread(target=kept.save, args=(preset(f"P{number}"),)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(kept.all())) == 12


def test_one_file_carries_them_to_another_dropkey(kept: Presets, tmp_path: Path) -> None:
    kept.save(preset("Hair", despill=0.8), preset("Skin", screen_color=(0.1, 0.5, 0.2)))
    other = Presets(tmp_path / "elsewhere" / "presets.json")
    other.save(preset("hair", despill=0.1), preset("Own"))
    other.imported(kept.exported().encode(), "show.json")
    assert names(other.all()) == ["Hair", "Own", "Skin"]
    assert other.get("Hair").settings.despill == 0.8 and other.get("skin").settings.screen_color == (0.1, 0.5, 0.2)
    only = json.loads(kept.exported(["skin"]))["presets"]
    assert [each["name"] for each in only] == ["Skin"]


# ---- over HTTP


def test_http_lists_saves_replaces_and_removes(client: Asker, place: Place) -> None:
    built_in = client.get("/presets").json()["presets"]
    assert [each["comes_with_dropkey"] for each in built_in] == [True] * 3
    told = client.request("PUT", "/presets/Green%20caf%C3%A9%2B", json={"despill": 0.8})
    assert told.json()["presets"][3:] == [
        {"name": "Green caf\u00e9+", "settings": {"despill": 0.8}, "comes_with_dropkey": False}
    ]
    client.request("PUT", "/presets/Green%20caf%C3%A9%2B", json={"alpha_floor": 0.05})
    assert client.get("/presets").json()["presets"][3]["settings"] == {"alpha_floor": 0.05}
    assert Presets.of(place.settings).get("green caf\u00e9+").settings.alpha_floor == 0.05
    exported = {"schema_version": 1, "presets": [{"name": "Skin", "settings": {"despill": 0.3}}]}
    taken = client.post("/presets", json=exported).json()["presets"]
    assert [each["name"] for each in taken[3:]] == ["Green caf\u00e9+", "Skin"]
    left = client.request("DELETE", "/presets/skin").json()["presets"]
    assert [each["name"] for each in left[3:]] == ["Green caf\u00e9+"]


def test_http_refuses_what_is_no_preset(client: Asker) -> None:
    assert "despil" in check_problem(client.request("PUT", "/presets/x", json={"despil": 1}), 422)["errors"][0]["where"]
    check_problem(client.request("PUT", f"/presets/{'x' * 81}", json={}), 422)
    check_problem(client.request("PUT", "/presets/a%0Ab", json={}), 422)
    check_problem(client.request("PUT", "/presets/Keep%20brightness%20at%20despill", json={}), 422, "bad_input")
    check_problem(client.request("DELETE", "/presets/none"), 404, "not_found")


def test_a_request_names_a_preset_and_its_own_settings_win(client: Asker, place: Place) -> None:
    place.render(range(1, 4))
    Presets.of(place.settings).save(preset("Show", despill=0.8, alpha_floor=0.04))
    body = {"plate": str(place.root / "hero" / "hero.####.png"), "preset": "show", "settings": {"despill": 0.5}}
    job = client.post("/jobs", json=body).json()
    assert (job["request"]["settings"]["despill"], job["request"]["settings"]["alpha_floor"]) == (0.5, 0.04)
    plain = {"plate": body["plate"], "settings": {"despill": 0.5, "alpha_floor": 0.04}}
    assert client.post("/jobs", json=plain).json()["id"] == job["id"], "the same settings are the same job"
    told = check_problem(client.post("/jobs", json={**body, "preset": "Shaw"}), 422, "bad_input")
    assert "no preset “Shaw”" in told["detail"] and "“Show”" in told["fix"]


# ---- of a drop folder


def test_a_drop_folder_has_defaults_of_its_own(place: Place) -> None:
    Presets.of(place.settings).save(preset("Show", despill=0.8, alpha_floor=0.04))
    place.put(".dropkey.json", json.dumps({"preset": "Show", "settings": {"alpha_floor": 0.1}}))
    place.render(range(1, 4))
    place.put("second/second.0001.png")
    place.put("second/second.0002.png")
    place.put("second/second.dropkey.json", json.dumps({"settings": {"despill": 0.2}}))
    jobs = {job.shot.name: job.request.settings for job in place.wait(20.0)}
    assert (jobs["hero"].despill, jobs["hero"].alpha_floor) == (0.8, 0.1)
    assert (jobs["second"].despill, jobs["second"].alpha_floor) == (0.2, 0.1), "the shot's own sidecar wins"


@pytest.mark.parametrize(
    ("content", "told"),
    [('{"presets": "Show"}', "presets"), ('{"preset": "Shaw"}', "no preset “Shaw”"), ("{ half", "not JSON")],
)
def test_defaults_that_cannot_be_used_hold_the_folder_until_they_can(place: Place, content: str, told: str) -> None:
    place.put(".dropkey.json", content)
    place.render(range(1, 4))
    with pytest.raises(BadInput, match=told):
        place.wait(20.0)
    assert place.jobs() == []
    place.put(".dropkey.json", '{"settings": {"despill": 0.4}}')
    (job,) = place.wait(20.0)
    assert job.state is QUEUED and job.request.settings.despill == 0.4


# ---- on the command line


def run(home: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["presets", *arguments], env={"DROPKEY_HOME": str(home)})
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_lists_exports_imports_and_removes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    Presets.of(Settings(home=first)).save(preset("Hair", despill=0.8), preset("Skin"))
    listed = run(first, "list")
    assert "Hair: despill 0.8" in listed and "Skin: the defaults" in listed and "alpha_floor 0.05" in listed
    run(first, "export", str(tmp_path / "show.json"), "--name", "hair")
    assert run(second, "import", str(tmp_path / "show.json")) == "Hair\n"
    run(first, "remove", "Skin")
    told = json.loads(run(second, "list", "--json"))["presets"]
    assert [each["name"] for each in told] == [*(each.name for each in BUILT_IN), "Hair"]
    assert names(Presets.of(Settings(home=first)).all()) == ["Hair"]
