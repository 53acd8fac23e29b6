"""What a hostile page, name or file could try, where no other test holds it: scripts in names, old decoders, pickles.

Which test holds what, all in this folder; here where no file is named:

| threat | held by |
|---|---|
| DNS rebinding | test_security.py: test_a_foreign_host_is_refused_even_with_the_token |
| CSRF | test_security.py: test_a_foreign_origin_is_refused_even_with_the_token, test_what_a_foreign_page_fetches_is_refused, test_only_json_bodies_are_read; test_browser_session.py: test_a_foreign_page_gets_nowhere_with_the_cookie, test_a_browser_changes_things_on_purpose_only |
| CORS | test_security.py: test_no_reply_allows_other_origins |
| strangers | test_security.py: test_nothing_but_health_is_answered_without_the_token, test_a_wrong_token_is_refused, test_listening_beyond_this_machine_is_refused_without_a_proxy; test_browser_session.py: test_a_changed_cookie_is_none; test_discovery.py: test_only_the_user_can_read_token_and_discovery_file |
| traversal | test_paths.py: test_dots_do_not_climb_out_of_a_root, test_a_neighbour_whose_name_starts_alike_is_outside, test_hostile_and_ambiguous_forms_are_refused_for_everybody, test_names_that_windows_reads_otherwise_are_refused; test_machine.py: test_browsing_stays_inside_its_root |
| links | test_confined.py; test_output_links.py; test_paths.py: test_a_link_that_leads_out_of_its_root_is_refused; test_plates_faults.py: test_a_frame_that_became_a_link_out_of_its_root_is_not_read; test_reach.py: test_a_folder_that_became_a_link_out_of_the_roots_is_beyond_them |
| junctions | test_a_junction_out_of_its_root_is_refused_and_nothing_behind_it_is_taken |
| SMB credentials | test_paths.py: test_an_unknown_share_is_refused_without_being_looked_at |
| bombs | test_plates_faults.py: test_a_huge_header_is_refused_before_memory_is_taken, test_a_png_with_a_huge_header_is_refused, test_too_many_parts_are_refused, test_a_deep_exr_is_refused; test_previews.py: test_a_bomb_is_refused_before_it_takes_memory, test_a_picture_beyond_the_readers_memory_is_a_problem_and_the_next_one_is_shown; test_security.py: test_a_body_beyond_the_limit_is_refused_unread |
| crashing decoders | test_previews.py: test_a_reader_that_ends_on_a_picture_is_no_end_of_the_service; test_bad_input.py: test_a_broken_frame_is_a_listed_hole_and_the_rest_is_finished |
| old decoders | test_decoders_and_server_are_not_of_the_versions_with_known_holes, test_a_service_does_not_start_on_decoders_with_known_holes; test_doctor.py: test_an_exr_library_with_known_holes_is_a_problem |
| scripts in names | test_a_name_is_never_served_as_a_page, test_the_page_holds_no_script_and_no_address_of_its_own; test_security.py: test_replies_are_not_sniffed_and_not_kept; test_api.py: test_a_crash_is_a_problem_without_its_details |
| pickles | test_nothing_that_ships_can_run_what_a_file_holds |
"""  # noqa: E501  # a table has no line breaks

from __future__ import annotations

import os
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from service import doctor
from service.api.web import web_folder
from service.errors import Misconfigured, PathRefused
from service.server import check_decoders
from service.settings import Settings
from tests.service.asking import Asker
from tests.service.dropping import Place

ROOT = Path(__file__).parents[2]
HOSTILE = "<img src=x onerror=alert(1)>"
SAFE_TYPES = {"application/json", "application/problem+json", "image/png", "text/plain", "text/event-stream"}
# OpenEXR: CVE-2026-55059, -45696, -27622, CVE-2025-48071. Starlette: CVE-2026-48710.
LEAST = {"OpenEXR": (3, 4, 13), "OpenImageIO": (3, 2, 2), "starlette": (1, 0, 1)}


@pytest.mark.skipif(os.name == "nt", reason="no file can be called so there")
def test_a_name_is_never_served_as_a_page(client: Asker, place: Place) -> None:
    """A browser that is led to any reply must not run what a file name holds."""
    place.render([1, 2], shot=HOSTILE)
    job = client.post("/jobs", json={"root": "drop", "plate": f"{HOSTILE}/{HOSTILE}.####.png"}).json()
    for path in (
        "/jobs",
        f"/jobs/{job['id']}",
        f"/jobs/{job['id']}/quality",
        f"/browse?root=drop&path={HOSTILE}",
        "/browse?root=drop",
        "/metrics",
        f"/jobs/{HOSTILE}",
        f"/browse?root={HOSTILE}",
        f"/{HOSTILE}",
        f"/jobs/{job['id']}/frames/1/{HOSTILE}.png",
    ):
        reply = client.get(path)
        assert reply.headers["content-type"].partition(";")[0] in SAFE_TYPES, path
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in reply.headers["content-security-policy"]


def test_the_page_holds_no_script_and_no_address_of_its_own() -> None:
    """The policy would stop them; they must not be there in the first place."""
    for file in sorted(web_folder().rglob("*.html")):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+\s*=|javascript:|<style|\sstyle\s*=", text), file.name
        assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text), file.name
    for file in sorted(web_folder().rglob("*.js")):
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"\beval\(|new Function|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write", text
        ), f"{file.name} could run what a shot is called"


@pytest.mark.parametrize("package", LEAST)
def test_decoders_and_server_are_not_of_the_versions_with_known_holes(package: str) -> None:
    installed = tuple(int(part) for part in version(package).split(".")[:3])
    assert installed >= LEAST[package]


def test_a_service_does_not_start_on_decoders_with_known_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    check_decoders(Settings())
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "3.4.12" if name == "OpenEXR" else "9.9.9")
    with pytest.raises(Misconfigured, match=r"OpenEXR 3\.4\.12.*run\.py"):
        check_decoders(Settings())


# Loads objects, and runs what makes them. numpy.load refuses such arrays unless it is told otherwise.
RUNS_FILES = re.compile(
    r"torch\.(?:load|hub|jit|package|serialization)\b|\b(?:c?[pP]ickle|dill|joblib|marshal|shelve)\b|allow_pickle|read_pickle"
    r"|yaml\.(?:unsafe_|full_)?load\b|(?<![.\w])(?:eval|exec)\("
)


def test_nothing_that_ships_can_run_what_a_file_holds() -> None:
    shipped = [ROOT / "run.py", *(file for room in ("service", "model") for file in (ROOT / room).rglob("*.py"))]
    assert len(shipped) > 100
    for file in shipped:
        found = RUNS_FILES.search(file.read_text(encoding="utf-8"))
        assert found is None, f"{file.relative_to(ROOT)}: {found.group()}"


@pytest.mark.skipif(os.name != "nt", reason="NO JUNCTIONS HERE: that they are refused as links are stays unproven")
def test_a_junction_out_of_its_root_is_refused_and_nothing_behind_it_is_taken(place: Place, tmp_path: Path) -> None:
    import _winapi

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.0001.png").write_bytes(b"x")
    _winapi.CreateJunction(str(outside), str(place.root / "way"))
    with pytest.raises(PathRefused, match="outside"):
        place.paths.resolve("way/secret.0001.png", trusted=False, root="drop")
    assert place.wait(60.0) == []


def test_every_test_that_the_table_names_is_there() -> None:
    told = __doc__ or ""
    file, named = Path(__file__).name, set()
    for row in told.splitlines():
        for word in re.findall(r"\btest_\w+(?:\.py)?", row):
            if word.endswith(".py"):
                file = word
            else:
                named.add((file, word))
        file = Path(__file__).name
    assert len(named) > 30
    for file, name in named:
        assert f"def {name}(" in (Path(__file__).parent / file).read_text(encoding="utf-8"), f"{file}: {name}"
