import base64
import sqlite3
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from model.settings import FrameNotes, Screen
from service.errors import BadInput, Misconfigured, NotFound, WrongState
from service.jobs import FrameResult, FrameState, JobRequest, JobState, Problem
from service.store import JobStore, tables
from service.store.database import is_network_path, journal_mode, open_engine
from service.store.rows import job_row
from service.store.tables import metadata
from tests.service.jobs_in_store import NOON, add, add_many, keys_of, make_job


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    """The same store in memory and on disk: the twin behaves alike."""
    store = JobStore(None if request.param == "memory" else tmp_path / "jobs.sqlite")
    yield store
    store.close()


def test_a_job_comes_back_as_it_was_stored(store):
    screen = Screen(color=(0.1, 0.7, 0.2), coverage=0.5)
    job = add(store, 1, screen=screen, reuse=Path("/o/s1/v000"), problem=Problem(kind="k", message="m", frame=2))
    assert store.get(job.id) == job
    assert store.keys(job.id) == keys_of(job)


def test_an_unknown_job_is_not_found(store):
    for call in (store.get, store.keys, store.update):
        with pytest.raises(NotFound):
            call("f" * 32)


def test_update_refuses_what_the_transition_table_forbids_and_changes_nothing_then(store):
    job = add(store, 1, state=JobState.DONE)
    with pytest.raises(WrongState):
        store.update(job.id, state=JobState.RUNNING, attempt=5)
    assert store.get(job.id) == job


def test_pages_show_every_job_once_even_when_jobs_are_added_meanwhile(store):
    for number in range(25):
        add(store, number)
    seen, cursor = [], None
    while True:
        page = store.list(cursor=cursor, limit=10)
        seen += [job.id for job in page.jobs]
        cursor = page.next_cursor
        if cursor is None:
            break
        add(store, 100 + len(seen))
    assert seen == [f"{number:032x}" for number in reversed(range(25))]


def test_a_list_can_be_narrowed_by_state_and_client(store):
    for number in range(14):
        add(store, number, state=JobState.DONE if number < 7 else JobState.QUEUED)
    assert {job.state for job in store.list(states=[JobState.DONE]).jobs} == {JobState.DONE}
    both = store.list(states=[JobState.QUEUED], client="c3").jobs
    assert [job.id for job in both] == [f"{10:032x}"]


def numbered(number: int) -> str:
    return base64.urlsafe_b64encode(f"j{number}".encode()).decode().rstrip("=")


@pytest.mark.parametrize("cursor", ["", "x", "ahahah", "j12", "%%%", "ajEy🙂", *map(numbered, (2**63, 10**100, -1))])
def test_a_made_up_cursor_is_refused(store, cursor):
    with pytest.raises(BadInput):
        store.list(cursor=cursor)


def test_the_next_job_is_the_one_with_highest_priority_then_the_oldest(store):
    first = add(store, 1, priority=50)
    second = add(store, 2, priority=50)
    urgent = add(store, 3, priority=90)
    add(store, 4, priority=100, state=JobState.PAUSED)
    assert store.next_queued() == urgent
    assert store.next_queued(exclude={urgent.id}) == first
    assert store.next_queued(exclude={urgent.id, first.id}) == second


def test_a_frame_that_is_reported_twice_counts_once(store):
    job = add(store, 1)
    notes = FrameNotes(nan_repaired=3, warnings=("odd",))
    done = FrameResult(frame=1, state=FrameState.DONE, checksums={"alpha": "ab"}, plate_fingerprint="cd", notes=notes)
    failed = FrameResult(frame=2, state=FrameState.FAILED, problem=Problem(kind="k", message="m"))
    store.record_frames(job.id, [done, failed])
    after = store.record_frames(job.id, [done])
    assert (after.frames_done, after.frames_failed) == (1, 1)
    assert list(store.frames(job.id)) == [done, failed]
    assert store.forget_frames(job.id, only_failed=True).frames_failed == 0
    assert list(store.frames(job.id)) == [done]


def test_deaths_are_counted_per_frame_and_survive_other_news(store):
    job = add(store, 1)
    assert store.count_deaths(job.id, [2, 3]) == {2: 1, 3: 1}
    assert list(store.suspects(job.id)) == [2, 3]
    store.record_frames(job.id, [FrameResult(frame=3, state=FrameState.DONE)])
    assert list(store.suspects(job.id)) == [2]
    assert store.count_deaths(job.id, [2]) == {2: 2}
    assert store.get(job.id).frames_done == 1


def test_events_grow_and_only_the_latest_are_kept(monkeypatch):
    store = JobStore()
    monkeypatch.setattr("service.store.store.KEPT_EVENTS", 300)
    job = add(store, 1)
    heard = []
    store.listener = heard.append
    for number in range(1200):
        store.update(job.id, priority=number % 2)
    kept = store.events_since(0, limit=5000)
    assert [event.id for event in kept] == list(range(kept[0].id, heard[-1].id + 1))
    assert 300 <= len(kept) <= 800
    assert store.last_event() == heard[-1].id
    assert list(store.events_since(heard[-2].id)) == [heard[-1]]
    store.close()


def test_a_change_that_changes_nothing_is_no_event(store):
    job = add(store, 1)
    last = store.last_event()
    assert store.update(job.id, priority=job.priority, state=job.state) == job
    assert store.last_event() == last


def test_an_idempotency_key_stands_for_its_first_job_for_a_week():
    clock = SimpleNamespace(now=NOON)
    store = JobStore(now=lambda: clock.now)
    store.remember_key("k", "body", "job1")
    store.remember_key("k", "other", "job2")
    reply = store.reply_for("k")
    assert reply is not None and (reply.fingerprint, reply.job_id) == ("body", "job1")
    clock.now += timedelta(days=8)
    store.remember_key("new", "body", "job3")
    assert store.reply_for("k") is None
    store.close()


def test_a_search_finds_parts_of_shot_plate_and_client_in_any_case_and_spelling(store):
    request = JobRequest(plate="S:\\Shots\\Day_1\\wide.####.exr", client="Panel of Zoë")
    add(store, 1, request=request, shot=make_job(1).shot.model_copy(update={"name": "SZENE_Straße"}))
    add(store, 2, request=JobRequest(plate="/p/100%_done.####.png"))
    for text in ("szene", "straße", "STRASSE", "day_1\\WIDE", "zoë", "ZOE\u0308"):
        assert [job.id for job in store.list(search=text).jobs] == [f"{1:032x}"], text
    for text in ("100%_", "s2"):
        assert [job.id for job in store.list(search=text).jobs] == [f"{2:032x}"], text
    for text in ("%", "_done"):  # no wildcards
        assert [job.id for job in store.list(search=text).jobs] == [f"{2:032x}"], text
    assert store.list(search="nobody").jobs == () and len(store.list(search="").jobs) == 2


def test_pages_of_a_search_show_every_job_once(store):
    for number in range(40):
        add(store, number)
    seen, cursor = [], None
    while True:
        page = store.list(search="S1", cursor=cursor, limit=3)
        seen += [job.shot.name for job in page.jobs]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"s{number}" for number in range(19, 9, -1)] + ["s1"]


def test_a_search_finds_a_job_by_its_new_plate(store):
    job = add(store, 1)
    store.update(job.id, request=JobRequest(plate="/p/later.####.png"))
    store.update(job.id, shot=job.shot.model_copy(update={"name": "renamed"}))
    for text in ("later", "renamed"):
        assert [found.id for found in store.list(search=text).jobs] == [job.id]
    assert store.list(search="s.####").jobs == ()


def test_jobs_of_the_first_schema_can_be_searched_after_the_upgrade(tmp_path, monkeypatch):
    file, upgrade = tmp_path / "jobs.sqlite", command.upgrade
    with monkeypatch.context() as old:
        old.setattr("service.store.database.ScriptDirectory.get_current_head", lambda self: "0001")
        old.setattr("service.store.database.command.upgrade", lambda config, _: upgrade(config, "0001"))
        engine = open_engine(file)
    with engine.begin() as connection:
        row = job_row(make_job(1), keys_of(make_job(1)))
        columns = {name: value for name, value in row.items() if name not in ("words", "warnings", "content")}
        old_job = sa.table("job", *(sa.column(name, tables.job.c[name].type) for name in columns))
        connection.execute(sa.insert(old_job), columns)
    engine.dispose()
    store = JobStore(file)
    assert store.get(f"{1:032x}") == make_job(1)
    assert [job.id for job in store.list(search="S.####").jobs] == [f"{1:032x}"]
    store.close()
    assert (tmp_path / "jobs.schema-0001.sqlite").is_file()


def test_the_migrations_make_the_tables_that_the_code_uses():
    engine = open_engine(None)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_wal_is_used_only_where_sqlite_has_the_fix():
    assert [journal_mode(v) for v in ((3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2))] == ["TRUNCATE"] * 5
    assert [journal_mode(v) for v in ((3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 52, 0))] == ["WAL"] * 4


def test_the_file_is_opened_with_full_sync_foreign_keys_and_patience(tmp_path):
    engine = open_engine(tmp_path / "jobs.sqlite")
    with engine.connect() as connection:
        answers = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert answers == {
        "journal_mode": journal_mode().lower(),
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    file = tmp_path / "jobs.sqlite"
    JobStore(file).close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(Misconfigured, match="newer DropKey"):
        JobStore(file)
    assert file.read_bytes() == before


def test_an_older_schema_is_backed_up_before_it_is_upgraded(tmp_path, monkeypatch):
    file = tmp_path / "jobs.sqlite"
    store = JobStore(file)
    job = add(store, 1)
    store.close()
    upgraded = []
    monkeypatch.setattr("service.store.database.ScriptDirectory.get_current_head", lambda self: "0007")
    monkeypatch.setattr("service.store.database.command.upgrade", lambda *args: upgraded.append(args))
    JobStore(file).close()
    with sqlite3.connect(tmp_path / "jobs.schema-0006.sqlite") as connection:
        assert connection.execute("SELECT id FROM job").fetchall() == [(job.id,)]
    connection.close()
    assert upgraded and not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize("damage", [b"this is no database, and long enough to be looked at" * 40, None])
def test_a_damaged_file_is_refused_with_a_way_out_and_left_alone(tmp_path, damage):
    file = tmp_path / "jobs.sqlite"
    store = JobStore(file)
    add_many(store, [make_job(number) for number in range(200)])
    store.close()
    content = bytearray(file.read_bytes())
    content = damage or content[:8192] + bytes(len(content) - 8192)
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match="cannot be used"):
        JobStore(file)
    assert file.read_bytes() == content


def test_a_network_disk_is_recognized_by_its_mount():
    mounts = [
        SimpleNamespace(mountpoint="/", fstype="ext4", opts="rw"),
        SimpleNamespace(mountpoint="/mnt/share", fstype="cifs", opts="rw"),
        SimpleNamespace(mountpoint="/mnt/share/local", fstype="xfs", opts="rw"),
        SimpleNamespace(mountpoint="/drive", fstype="NTFS", opts="rw,remote"),
    ]
    found = [
        is_network_path(Path(p), mounts)
        for p in ("/home/a", "/mnt/share/b", "/mnt/share/local/c", "/mnt/shared", "/drive/x")
    ]
    assert found == [False, True, False, False, True]
    assert is_network_path(Path("//server/share/x"), mounts)


def test_what_was_committed_survives_a_process_that_never_closed(tmp_path):
    file = tmp_path / "jobs.sqlite"
    left_open = JobStore(file)
    job = add(left_open, 1)
    left_open._engine.dispose()  # as a kill does: no checkpoint, no farewell
    store = JobStore(file)
    assert store.get(job.id) == job
    store.close()
