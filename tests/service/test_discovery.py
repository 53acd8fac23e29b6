"""The token, the discovery file, the one instance and the log."""

from __future__ import annotations

import base64
import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from service import discovery
from service.logs import redactor, start_logging
from service.private import load_token
from service.settings import Settings

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes; icacls does it there")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_the_token_has_256_bits_and_stays_the_same(settings: Settings) -> None:
    token = load_token(settings)
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    assert load_token(settings) == token


def test_two_homes_have_two_tokens(tmp_path: Path) -> None:
    assert load_token(Settings(home=tmp_path / "a")) != load_token(Settings(home=tmp_path / "b"))


@posix_only
def test_only_the_user_can_read_token_and_discovery_file(settings: Settings) -> None:
    load_token(settings)
    discovery.write_discovery(settings, "http://127.0.0.1:1")
    for file in (settings.token_file, settings.discovery_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o700


def test_the_discovery_file_says_url_token_file_version_and_process(settings: Settings) -> None:
    load_token(settings)
    discovery.write_discovery(settings, "http://127.0.0.1:8765")
    written = json.loads(settings.discovery_file.read_text(encoding="utf-8"))
    assert set(written) == {"url", "token_file", "version", "pid"}
    assert written["url"] == "http://127.0.0.1:8765" and written["pid"] == os.getpid()
    found = discovery.read_discovery(settings)
    assert found is not None and found.token_file == settings.token_file
    assert not list(settings.home.glob(".*.tmp"))


def test_a_discovery_file_of_a_dead_process_does_not_count(settings: Settings) -> None:
    load_token(settings)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    found = discovery.write_discovery(settings, "http://127.0.0.1:1").model_copy(update={"pid": gone.pid})
    settings.discovery_file.write_text(found.model_dump_json(), encoding="utf-8")
    assert discovery.read_discovery(settings) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 1}'])
def test_a_broken_discovery_file_counts_as_none(settings: Settings, content: str) -> None:
    settings.home.mkdir()
    settings.discovery_file.write_text(content, encoding="utf-8")
    assert discovery.read_discovery(settings) is None


def test_only_its_own_discovery_file_is_removed(settings: Settings) -> None:
    load_token(settings)
    found = discovery.write_discovery(settings, "http://127.0.0.1:1")
    other = found.model_copy(update={"pid": os.getppid()})
    settings.discovery_file.write_text(other.model_dump_json(), encoding="utf-8")
    discovery.remove_discovery(settings)
    assert settings.discovery_file.exists()
    discovery.write_discovery(settings, "http://127.0.0.1:1")
    discovery.remove_discovery(settings)
    assert not settings.discovery_file.exists()


def test_a_second_process_does_not_get_the_instance(settings: Settings) -> None:
    lock = discovery.claim_instance(settings)
    assert lock is not None
    code = (
        "import sys; from pathlib import Path; from service.settings import Settings; from service import discovery;"
        "sys.exit(discovery.claim_instance(Settings(home=Path(sys.argv[1]))) is None)"
    )
    command = [sys.executable, "-c", code, str(settings.home)]
    assert subprocess.run(command, check=False).returncode == 1
    lock.release()
    assert subprocess.run(command, check=False).returncode == 0


def test_the_log_is_json_lines_without_the_token(settings: Settings) -> None:
    token = load_token(settings)
    stop = start_logging(settings, token)
    try:
        structlog.get_logger("drop").warning("asked", header=f"Bearer {token}", job_id="a1", nested={"t": [token]})
        logging.getLogger("uvicorn").info("plain %s", token)
    finally:
        stop()
    text = (settings.home / "logs" / "service.log").read_text(encoding="utf-8")
    assert token not in text
    first, second = (json.loads(line) for line in text.splitlines())
    assert first["event"] == "asked" and first["job_id"] == "a1" and first["level"] == "warning" and first["timestamp"]
    assert second["event"] == "plain [redacted]"


def test_an_exception_is_logged_with_its_trace_and_without_the_token(settings: Settings) -> None:
    stop = start_logging(settings, "s3cret-token-value")
    try:
        raise ValueError("s3cret-token-value")
    except ValueError:
        structlog.get_logger().exception("failed")
    finally:
        stop()
    text = (settings.home / "logs" / "service.log").read_text(encoding="utf-8")
    assert "ValueError" in json.loads(text)["exception"] and "s3cret" not in text


@pytest.mark.parametrize(
    "text", ["Authorization: Bearer abcdefgh12345", "GET /?token=abcdefgh12345", '"token": "abcdefgh12345"']
)
def test_unknown_tokens_are_recognized_by_their_looks(text: str) -> None:
    assert "abcdefgh12345" not in str(redactor()(None, "info", {"event": text})["event"])
