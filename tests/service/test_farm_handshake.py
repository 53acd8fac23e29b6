"""Who is let into a farm and who is not, and how the paths of one machine become another's."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from model.settings import KeySettings
from service.cli import app
from service.errors import Misconfigured, PathRefused, WrongState
from service.executor.dask.certificates import make_certificates
from service.executor.dask.handshake import Test as Folders
from service.executor.dask.handshake import introduction, refusal
from service.executor.dask.line import check_address, security
from service.executor.dask.places import preview_order, shot_order
from service.executor.dask.roster import Roster
from service.executor.port import WorkerStatus
from service.messages import PreviewOrder, ShotOrder
from service.paths import Paths
from service.settings import PrefixMap, Settings
from tests.service.command_line import dropkey_command
from tests.service.running import make_shot


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home" / "drop").mkdir(parents=True)
    (tmp_path / "home" / "output").mkdir()
    return Settings(home=tmp_path / "home")


def worker_home(tmp_path: Path, settings: Settings, **more) -> Settings:
    folders = {"drop_folders": settings.roots, "output_root": settings.output}
    return Settings(**{"home": tmp_path / "worker"} | folders | more)


def test_certificates_are_the_users_alone_and_are_made_once(tmp_path: Path) -> None:
    for file in make_certificates(tmp_path / "farm"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" not in (tmp_path / "farm" / "ca.pem").read_bytes()
    with pytest.raises(WrongState, match="is there already"):
        make_certificates(tmp_path / "farm")


def test_openssl_takes_the_certificate_for_one_of_its_own_ca_only(tmp_path: Path) -> None:
    ours, theirs = make_certificates(tmp_path / "a"), make_certificates(tmp_path / "b")

    def verified(ca: Path, member: Path) -> int:
        command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(ca), str(member)]
        try:
            return subprocess.run(command, capture_output=True).returncode
        except FileNotFoundError:
            pytest.skip("there is no openssl here")

    assert verified(*ours) == 0 and verified(ours[0], theirs[1]) != 0


def test_plain_tcp_stays_on_this_machine() -> None:
    assert check_address("tcp://127.0.0.1:99") == ("tcp", "127.0.0.1", 99)
    assert check_address("tls://render01") == ("tls", "render01", 8786)
    for address in ("tcp://0.0.0.0:8786", "tcp://render01:8786", "tcp://[::]:8786"):
        with pytest.raises(Misconfigured, match="without TLS anybody"):
            check_address(address)
    for address in ("render01:8786", "http://render01", "tls://", "tls://x:y"):
        with pytest.raises(Misconfigured, match="is not the address of a scheduler"):
            check_address(address)


def test_a_key_that_others_can_read_is_not_used(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="farm init"):
        security(settings, "tls")
    _, member = make_certificates(settings.certificates)
    assert security(settings, "tls") is not None and security(settings, "tcp") is None
    member.chmod(0o644)
    with pytest.raises(Misconfigured, match="Others can read the farm's key"):
        security(settings, "tls")


def test_commands_say_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROPKEY_HOME", str(tmp_path / "home"))
    done = dropkey_command("farm", "worker")
    assert done.exit_code == 2 and "--scheduler tls://host:8786" in done.output
    done = dropkey_command("farm", "scheduler")
    assert done.exit_code == 2 and "farm init" in done.output
    done = dropkey_command("farm", "scheduler", "--listen", "tcp://0.0.0.0:8786")
    assert done.exit_code == 2 and "without TLS" in done.output
    assert app.registered_groups


def test_a_worker_that_sees_the_folders_and_has_our_weights_is_taken(tmp_path: Path, settings: Settings) -> None:
    test = Folders(settings)
    told = introduction(test.question(), worker_home(tmp_path, settings))
    assert told.problems == () and refusal(told, settings) is None
    test.remove()
    assert not [path for root in (settings.roots[0], settings.output) for path in root.iterdir()]


def test_a_worker_of_another_version_or_with_other_weights_is_refused_by_name(
    tmp_path: Path, settings: Settings
) -> None:
    told = introduction(Folders(settings).question(), worker_home(tmp_path, settings))
    older = told.model_copy(update={"dropkey": "0.0.9"})
    assert "It has DropKey 0.0.9, the service" in refusal(older, settings).message
    others = told.model_copy(update={"weights": told.weights | {"neural": "0"}})
    assert refusal(others, settings).message == "It has other weights: neural."


def test_weights_of_ones_own_are_compared_where_both_have_them(tmp_path: Path, settings: Settings) -> None:
    for home, content in ((settings.home, b"one"), (tmp_path / "worker", b"another")):
        (home / "weights").mkdir(parents=True)
        (home / "weights" / "mine.safetensors").write_bytes(content)
    told = introduction(Folders(settings).question(), worker_home(tmp_path, settings))
    assert refusal(told, settings).message == "It has other weights: own/mine."


def test_a_worker_that_sees_other_folders_or_none_is_refused_with_the_folder(
    tmp_path: Path, settings: Settings
) -> None:
    question = Folders(settings).question()
    elsewhere = PrefixMap(theirs=str(settings.home / "drop"), ours=tmp_path / "nothing")
    told = introduction(question, worker_home(tmp_path, settings, prefix_map=(elsewhere,)))
    assert f"It cannot read {tmp_path / 'nothing'}" in refusal(told, settings).message
    other = tmp_path / "other"
    other.mkdir()
    name = next(iter(question.files))
    (other / Path(name).name).write_text("of another service", encoding="utf-8")
    swapped = PrefixMap(theirs=str(Path(name).parent), ours=other)
    told = introduction(question, worker_home(tmp_path, settings, prefix_map=(swapped,)))
    assert "is another folder than the service's" in refusal(told, settings).message


def test_orders_of_a_windows_service_are_keyed_under_this_machines_names(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "shots" / "hero", range(1, 3))
    order = ShotOrder(shot=shot, frames=(1, 2), settings=KeySettings(), output=tmp_path / "out" / "hero" / "v001")
    written = order.model_dump(mode="json")
    written["shot"]["folder"] = r"S:\shots\hero"
    written["output"] = r"S:\out\hero\v001"
    written["mattes"] |= {"garbage": r"S:\shots\garbage.png"}
    paths = Paths(Settings(home=tmp_path, prefix_map=(PrefixMap(theirs="S:\\", ours=tmp_path),)))
    ours = shot_order(written, paths)
    assert (ours.shot, ours.output) == (order.shot, order.output)
    assert ours.mattes.garbage == str(tmp_path / "shots" / "garbage.png")
    with pytest.raises(PathRefused, match="prefix_map"):
        shot_order(written, Paths(Settings(home=tmp_path)))
    preview = PreviewOrder(shot=shot, frame=1, frames=(1, 2), settings=KeySettings(), folder=tmp_path)
    made = preview_order(preview.model_dump(mode="json"), paths, str(tmp_path / "p"))
    assert made.folder == tmp_path / "p" and made.shot == shot


def test_a_roster_counts_places_that_are_taken_and_neither_drained_nor_dead() -> None:
    from service.executor.dask.words import statuses

    def told(name: str, *places: WorkerStatus) -> dict:
        return {"name": name, "metrics": {"dropkey": statuses.dump_python(places, mode="json")}}

    roster = Roster()
    two = told("render01", WorkerStatus("0", "ready"), WorkerStatus("1", "busy"), WorkerStatus("2", "waiting"))
    roster.learn({"a": two, "b": told("render02", WorkerStatus("0", "ready", drained=True))})
    assert roster.able() == 0 and {worker.state for worker in roster.told()} == {"starting"}
    for member in roster.members.values():
        member.verdict = "taken"
    assert roster.able() == 2 and roster.freest().name == "render01"
    assert [worker.name for worker in roster.told()] == ["render01/0", "render01/1", "render01/2", "render02"]
    assert roster.members["a"].place_called("render01/1") == "1" and roster.members["b"].place_called("x") is None
    roster.members["a"].pieces |= {"p", "q"}
    assert roster.freest() is None
    (gone,) = roster.learn({"b": told("render02", WorkerStatus("0", "ready"))})
    assert gone.name == "render01" and roster.able() == 1
