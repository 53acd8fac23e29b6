"""How a browser gets in, and what it may do there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.api.sessions import LINK_SECONDS, SESSION_SECONDS, Sessions
from tests.service.asking import HOST, TOKEN, Asker, asker, check_problem
from tests.service.dropping import Place

MEANT = {"x-dropkey": "1", "sec-fetch-site": "same-origin"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.render(range(1, 3))
    yield made
    made.close()


@pytest.fixture
def stranger(place: Place) -> Asker:
    return asker(place, token=None)


def let_in(stranger: Asker) -> dict[str, str]:
    """Follow a fresh link; return the headers that the browser sends from then on."""
    reply = stranger.get(f"/?t={stranger.app.state.sessions.new_link()}")
    assert reply.status_code == 303 and reply.headers["location"] == "/"
    return {"cookie": reply.headers["set-cookie"].partition(";")[0]}


def body(place: Place) -> dict[str, str]:
    return {"root": "drop", "plate": "hero/hero.####.png"}


def test_a_link_lets_one_browser_in(stranger: Asker) -> None:
    link = f"/?t={stranger.app.state.sessions.new_link()}"
    given = stranger.get(link).headers["set-cookie"]
    assert "HttpOnly" in given and "SameSite=strict" in given and "Path=/" in given
    assert stranger.get("/jobs", headers={"cookie": given.partition(";")[0]}).status_code == 200
    assert "set-cookie" not in stranger.get(link).headers


@pytest.mark.parametrize("secret", ["", "x", TOKEN, "ü"])
def test_a_made_up_link_lets_nobody_in(stranger: Asker, secret: str) -> None:
    reply = stranger.get("/", params={"t": secret})
    assert reply.status_code == 303 and "set-cookie" not in reply.headers


def test_links_and_cookies_grow_old() -> None:
    now = [1000.0]
    sessions = Sessions(TOKEN, clock=lambda: now[0])
    early, late = sessions.new_link(), sessions.new_link()
    cookie = sessions.redeem(early)
    assert cookie is not None and sessions.holds(cookie)
    now[0] += LINK_SECONDS
    assert sessions.redeem(late) is None and sessions.holds(cookie)
    now[0] += SESSION_SECONDS
    assert not sessions.holds(cookie)


def test_a_cookie_outlives_a_restart_and_ends_with_the_token() -> None:
    sessions = Sessions(TOKEN)
    cookie = sessions.redeem(sessions.new_link())
    assert cookie is not None
    assert Sessions(TOKEN).holds(cookie) and Sessions(TOKEN).cookie == sessions.cookie
    assert not Sessions("u" * 43).holds(cookie)


@pytest.mark.parametrize(
    "change", [lambda c: "9" + c, lambda c: c[:-1], lambda c: c + "0", lambda c: "", lambda c: "."]
)
def test_a_changed_cookie_is_none(change) -> None:
    sessions = Sessions(TOKEN)
    cookie = sessions.redeem(sessions.new_link())
    assert cookie is not None and not sessions.holds(change(cookie))


def test_a_browser_changes_things_on_purpose_only(place: Place, stranger: Asker) -> None:
    """A foreign page can make a browser send its cookie, but not our header."""
    cookie = let_in(stranger)
    for missing in (
        {},
        {"x-dropkey": "1"},
        {"sec-fetch-site": "same-origin"},
        {"x-dropkey": "0", "sec-fetch-site": "same-origin"},
        {"x-dropkey": "1", "sec-fetch-site": "none"},
    ):
        reply = stranger.post("/jobs", json=body(place), headers={**cookie, **missing})
        check_problem(reply, 403, "forbidden")
    for proof in (MEANT, {"x-dropkey": "1", "origin": f"http://{HOST}"}):
        assert stranger.post("/jobs", json=body(place), headers={**cookie, **proof}).status_code == 202


@pytest.mark.parametrize(
    "headers", [{"origin": "null"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_foreign_page_gets_nowhere_with_the_cookie(place: Place, stranger: Asker, headers: dict[str, str]) -> None:
    reply = stranger.post("/jobs", json=body(place), headers={**let_in(stranger), **MEANT, **headers})
    check_problem(reply, 403, "foreign_origin")


def test_a_foreign_page_cannot_follow_a_link(stranger: Asker) -> None:
    link = f"/?t={stranger.app.state.sessions.new_link()}"
    check_problem(stranger.get(link, headers={"sec-fetch-site": "cross-site"}), 403, "foreign_origin")
    assert "set-cookie" in stranger.get(link).headers


def test_a_browser_names_files_inside_the_roots_only(place: Place, stranger: Asker, tmp_path: Path) -> None:
    elsewhere = tmp_path / "private"
    elsewhere.mkdir()
    (elsewhere / "a.0001.png").write_bytes(b"x")
    asked = {"plate": str(elsewhere / "a.####.png")}
    check_problem(stranger.post("/jobs", json=asked, headers={**let_in(stranger), **MEANT}), 403, "path_refused")
    assert asker(place).post("/jobs", json=asked).status_code == 202


def test_a_browser_lets_no_other_one_in(place: Place, stranger: Asker) -> None:
    check_problem(stranger.post("/browser-links", headers={**let_in(stranger), **MEANT}), 403, "forbidden")
    made = asker(place)
    url = made.post("/browser-links").json()["url"]
    assert url.startswith(f"http://{HOST}/?t=")
    assert "set-cookie" in made.get(url).headers


def test_two_cookies_of_one_name_are_none(stranger: Asker) -> None:
    cookie = let_in(stranger)["cookie"]
    headers = httpx.Headers([("cookie", cookie), ("cookie", cookie)])
    check_problem(stranger.get("/jobs", headers=headers), 401)


def test_a_wrong_token_is_not_mended_by_a_cookie(stranger: Asker) -> None:
    check_problem(stranger.get("/jobs", headers={**let_in(stranger), "authorization": "Bearer x"}), 401)


def test_behind_a_proxy_the_cookie_travels_encrypted_only(tmp_path: Path) -> None:
    name = "keyer.studio.example"
    place = Place(tmp_path, behind_proxy=True, allowed_hosts=(name, "127.0.0.1"))
    stranger = asker(place, token=None)
    for host, encrypted in ((name, True), (HOST, False)):
        link = f"/?t={stranger.app.state.sessions.new_link()}"
        assert ("Secure" in stranger.get(link, headers={"host": host}).headers["set-cookie"]) is encrypted
        url = asker(place).post("/browser-links", headers={"host": host}).json()["url"]
        assert url.startswith(f"{'https' if encrypted else 'http'}://{host}/?t=")
    place.close()


def test_the_page_is_there_for_everybody_at_our_host_and_runs_nothing_foreign(stranger: Asker) -> None:
    reply = stranger.get("/")
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/html")
    policy = reply.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
    assert reply.headers["referrer-policy"] == "no-referrer" and reply.headers["x-content-type-options"] == "nosniff"
    check_problem(stranger.get("/", headers={"host": "evil.example"}), 400, "unknown_host")


@pytest.mark.parametrize("path", ["/web/", "/../settings.py", "/%2e%2e/settings.py", "/index.html/", "//index.html"])
def test_nothing_else_of_the_disk_is_there(stranger: Asker, path: str) -> None:
    assert stranger.get(f"http://{HOST}{path}").status_code in (401, 404)
    assert stranger.get("/index.html").status_code == 200
