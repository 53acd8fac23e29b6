"""Ten thousand jobs are asked by index: every plan of SQLite, word for word."""

import base64
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.jobs import JobState
from service.store import JobStore
from tests.service.jobs_in_store import add_many, make_job


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with ten thousand jobs."""
    store = JobStore(tmp_path_factory.mktemp("full") / "jobs.sqlite")
    states = list(JobState)
    add_many(store, [make_job(number, state=states[number % len(states)]) for number in range(10_000)])
    yield store
    store.close()


def plan_of(store, ask) -> list[str]:
    """Return how SQLite goes about the one question that ``ask`` asks."""
    asked = []
    note = lambda *args: asked.append((args[2], args[3]))  # noqa: E731  # SQLAlchemy forgets listeners by identity
    sa.event.listen(store._engine, "before_cursor_execute", note)
    ask(store)
    sa.event.remove(store._engine, "before_cursor_execute", note)
    ((text, values),) = [(text, values) for text, values in asked if text.startswith("SELECT")]
    with store._engine.connect() as connection:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]


TWO = [JobState.DONE, JobState.FAILED]
CURSOR = base64.urlsafe_b64encode(b"j9000").decode().rstrip("=")
JOBS_FOUND = ["SEARCH job USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1"]
LISTING = [*JOBS_FOUND, "SCAN job USING COVERING INDEX ix_job_listing"]
LISTING_ON = [*JOBS_FOUND, "SEARCH job USING COVERING INDEX ix_job_listing (number<?)"]
THREE = [JobState.QUEUED, JobState.RUNNING, JobState.PAUSED]


def of_two(plan: str) -> list[str]:
    """Return the plan that merges two lists, both in order of number."""
    return ["MERGE (UNION ALL)", "LEFT", plan, "RIGHT", plan]


# No plan sorts (`USE TEMP B-TREE`), and the one `SCAN job` ends after a page, as a test below shows. Else only searches
# and `counts` scan, and no more than a narrow index.
PLANS = {
    "newest": (lambda s: s.list(), ["SCAN job"]),
    "next page": (lambda s: s.list(cursor=CURSOR), ["SEARCH job USING INTEGER PRIMARY KEY (rowid<?)"]),
    "state": (
        lambda s: s.list(states=[JobState.QUEUED]),
        ["SEARCH job USING INDEX ix_job_state_number (state=?)"],
    ),
    "client": (lambda s: s.list(client="c3"), ["SEARCH job USING INDEX ix_job_client_number (client=?)"]),
    "client, state, next page": (
        lambda s: s.list(client="c3", states=[JobState.DONE], cursor=CURSOR),
        ["SEARCH job USING INDEX ix_job_client_state_number (client=? AND state=? AND number<?)"],
    ),
    "states": (lambda s: s.list(states=TWO), of_two("SEARCH job USING INDEX ix_job_state_number (state=?)")),
    "states, next page": (
        lambda s: s.list(states=TWO, cursor=CURSOR),
        of_two("SEARCH job USING INDEX ix_job_state_number (state=? AND number<?)"),
    ),
    "states, client": (
        lambda s: s.list(states=TWO, client="c3"),
        of_two("SEARCH job USING INDEX ix_job_client_state_number (client=? AND state=?)"),
    ),
    "search": (lambda s: s.list(search="s7"), LISTING),
    "search, all filters": (lambda s: s.list(search="s7", states=TWO, client="c3"), LISTING),
    "search, next page": (lambda s: s.list(search="s7", cursor=CURSOR), LISTING_ON),
    "counts": (lambda s: s.counts(), ["SCAN job USING COVERING INDEX ix_job_state_number"]),
    "next to key": (
        lambda s: s.next_queued(exclude=["a"]),
        ["SEARCH job USING INDEX ix_job_queue (state=?)"],
    ),
    "identity": (
        lambda s: s.with_identity("i77"),
        ["SEARCH job USING INDEX ix_job_identity_number (identity=?)"],
    ),
    "newest version": (
        lambda s: s.newest_at(Path("/o/s5")),
        ["SEARCH job USING INDEX ix_job_place_version (place=?)"],
    ),
    "versions": (lambda s: s.at_place(Path("/o/s5")), ["SEARCH job USING INDEX ix_job_place_version (place=?)"]),
    "shot": (lambda s: s.with_shot("/p/s9"), ["SEARCH job USING INDEX ix_job_shot_key_number (shot_key=?)"]),
    "in a state": (
        lambda s: s.in_state(JobState.NEEDS_ATTENTION),
        ["SEARCH job USING INDEX ix_job_state_number (state=?)"],
    ),
    "oldest": (lambda s: s.oldest(JobState.QUEUED), ["SEARCH job USING INDEX ix_job_state_number (state=?)"]),
    "frames": (lambda s: s.frames("a"), ["SEARCH frame USING PRIMARY KEY (job_id=?)"]),
    "events": (lambda s: s.events_since(5), ["SEARCH event USING INTEGER PRIMARY KEY (rowid>?)"]),
}


@pytest.mark.parametrize("question", PLANS)
def test_ten_thousand_jobs_are_asked_by_index(full, question):
    ask, plan = PLANS[question]
    assert plan_of(full, ask) == plan


@pytest.mark.parametrize("states", [THREE, list(JobState)])
def test_however_many_states_are_asked_for_none_is_scanned_or_sorted(full, states):
    plan = plan_of(full, lambda store: store.list(states=states, cursor=CURSOR))
    assert set(plan) == {
        "MERGE (UNION ALL)",
        "LEFT",
        "RIGHT",
        "SEARCH job USING INDEX ix_job_state_number (state=? AND number<?)",
    }


def test_pages_of_several_states_follow_each_other_in_order_of_arrival(full):
    wanted = [n for n in range(9999, -1, -1) if list(JobState)[n % 9] in THREE]
    found, cursor = [], None
    for _ in range(3):
        page = full.list(states=[*THREE, THREE[0]], cursor=cursor)
        found += [job.shot.name for job in page.jobs]
        cursor = page.next_cursor
    assert found == [f"s{number}" for number in wanted[:150]]


def test_the_newest_page_of_ten_thousand_jobs_reads_no_more_than_that_of_a_hundred(full):
    def steps_of_a_page(store) -> int:
        """Return how many instructions SQLite runs; a job that is read takes as many as it has columns."""
        steps = []
        with store._engine.connect() as connection:
            connection.connection.driver_connection.set_progress_handler(lambda: steps.append(1), 1)
        assert len(store.list().jobs) == 50
        with store._engine.connect() as connection:
            connection.connection.driver_connection.set_progress_handler(None, 1)
        return len(steps)

    small = JobStore()
    add_many(small, [make_job(number) for number in range(100)])
    assert steps_of_a_page(full) == steps_of_a_page(small) > 50
    assert len(full.list(limit=10_000).jobs) == 200
    small.close()


def test_a_search_among_ten_thousand_jobs_finds_what_fits(full):
    states = list(JobState)
    some = [JobState.FAILED, JobState.DONE]
    assert [job.shot.name for job in full.list(search="s777").jobs[-2:]] == ["s7770", "s777"]
    fitting = [n for n in range(9999, -1, -1) if f"{n}".startswith("77") and n % 7 == 1 and states[n % 9] in some]
    found = full.list(search="s77", states=some, client="c1").jobs
    assert [job.shot.name for job in found] == [f"s{number}" for number in fitting] != []
    assert len(full.list(search="s7", cursor=full.list(limit=5).next_cursor).jobs) == 50
    assert {job.state for job in full.list(states=some).jobs} == set(some)
