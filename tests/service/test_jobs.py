import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from pydantic import ValidationError

from model.settings import Screen
from service.errors import WrongState
from service.executor import ShotLost
from service.jobs import (
    FINAL,
    TRANSITIONS,
    FrameResult,
    FrameState,
    JobRequest,
    JobState,
    Problem,
    check_transition,
)
from service.messages import FrameFinished, FrameStarted, ShotFailed, ShotFinished, ShotStarted
from service.queue import JobQueue
from service.store import JobStore
from tests.service.running import OneWorker, make_request, make_settings, make_shot, until

SCREEN = Screen(color=(0.0, 0.4, 0.0), coverage=0.5)
LOST = Problem(kind="worker_lost", message="It died.")


def test_every_state_has_an_entry_and_only_done_is_a_dead_end():
    assert set(TRANSITIONS) == set(JobState)
    assert [state for state, following in TRANSITIONS.items() if not following] == [JobState.DONE]


def test_every_state_can_be_reached_from_the_first_one():
    reached, frontier = {JobState.WAITING_INPUT}, [JobState.WAITING_INPUT]
    while frontier:
        for state in TRANSITIONS[frontier.pop()] - reached:
            reached.add(state)
            frontier.append(state)
    assert reached == set(JobState)


@pytest.mark.parametrize("rate", ["24/0", "0", "0/1", "24/1.5", "0.0", "-24", "nan"])
def test_what_is_no_frame_rate_is_refused_before_it_is_queued(rate):
    with pytest.raises(ValidationError):
        JobRequest(plate="/p/s.####.png", fps=rate)


@pytest.mark.parametrize("rate", ["24", "23.976", "24000/1001", "0.5"])
def test_frame_rates_are_numbers_or_fractions(rate):
    assert JobRequest(plate="/p/s.####.png", fps=rate).fps == rate


def test_a_wrong_transition_says_what_is_allowed():
    with pytest.raises(WrongState, match="done cannot become queued"):
        check_transition(JobState.DONE, JobState.QUEUED)
    with pytest.raises(WrongState, match="cancelled, queued, waiting_input"):
        check_transition(JobState.PAUSED, JobState.DONE)


class JobMachine(RuleBasedStateMachine):
    """People and workers do anything at any time; jobs only move as the table allows, and no frame is counted twice."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.store = JobStore()
        self.worker = OneWorker()
        self.now = 0.0
        self.history: dict[str, JobState] = {}
        self.queue = JobQueue(
            make_settings(self.folder / "home", attempts=3), self.store, self.worker, clock=lambda: self.now
        )
        self.queue.start()
        self.heard = self.queue.subscribe()
        self.shots = [make_shot(self.folder / "plates", range(1, 5), name=name) for name in ("a", "b", "c")]

    def teardown(self):
        if hasattr(self, "queue"):
            self.queue.stop()
            self.check_history()
            assert not self.store.in_state(JobState.RUNNING)
            self.store.close()
            self._folder.cleanup()

    def settle_down(self):
        """Wait until the dispatcher has taken all that was said to it."""
        dispatcher = self.queue._dispatcher
        until(lambda: dispatcher._loop._inbox.empty(), "the inbox is empty")
        with self.queue._lock:
            pass

    @rule(target=jobs, number=st.integers(0, 2), settled=st.booleans(), again=st.booleans())
    def submit(self, number, settled, again):
        shot = self.shots[number]
        job, _ = self.queue.submit(make_request(shot, key_again=again), shot, settled=settled)
        return job.id

    @rule(job=jobs)
    def settle(self, job):
        if self.known(job):
            shot = self.store.get(job).shot
            self.queue.settle(job, shot, make_request(shot))

    @rule(job=jobs, action=st.sampled_from(["cancel", "pause", "resume", "retry", "accept", "set_priority"]))
    def act(self, job, action):
        if not self.known(job):
            return
        try:
            getattr(self.queue, action)(job, *([99] if action == "set_priority" else []))
        except WrongState:
            pass

    @rule(which=st.sampled_from(["root_lost", "root_back"]))
    def share(self, which):
        getattr(self.queue, which)(self.folder / "plates")

    @rule(
        ending=st.sampled_from(["done", "incomplete", "stopped", "lost", "failed", "later"]), frames=st.integers(0, 4)
    )
    def work(self, ending, frames):
        self.settle_down()
        if self.worker.current is None:
            return
        job_id, attempt, order = self.worker.current
        ids = {"job_id": job_id, "attempt": attempt}
        self.worker.tell(ShotStarted(**ids, screen=SCREEN, frames=order.frames, kept=()))
        for frame in order.frames[:frames]:
            self.worker.tell(FrameStarted(**ids, frame=frame))
            result = FrameResult(frame=frame, state=FrameState.DONE)
            late = FrameFinished(job_id=job_id, attempt=attempt - 1, result=result.model_copy(update={"frame": 999}))
            self.worker.tell(late)
            if not (ending == "lost" and frame == order.frames[frames - 1]):
                self.worker.tell(FrameFinished(**ids, result=result))
        self.worker.current = None
        if ending == "lost":
            self.worker.tell(ShotLost(job_id, attempt, LOST))
        elif ending in ("failed", "later"):
            problem = Problem(kind="unexpected", message="Odd.")
            self.worker.tell(ShotFailed(**ids, problem=problem, transient=ending == "later"))
        else:
            self.worker.tell(ShotFinished(**ids, outcome=ending, manifest=order.output / "manifest.json"))
        self.now += 60.0
        self.queue._dispatcher.wake()
        self.settle_down()

    def known(self, job_id):
        return any(job.id == job_id for job in self.store.list(limit=200).jobs)

    @invariant()
    def states_follow_the_table(self):
        if hasattr(self, "heard"):
            self.check_history()

    @invariant()
    def frames_are_counted_once(self):
        if not hasattr(self, "store"):
            return
        for job in self.store.list(limit=200).jobs:
            results = self.store.frames(job.id)
            numbers = [result.frame for result in results]
            assert len(numbers) == len(set(numbers)) and set(numbers) <= set(job.frames)
            assert job.frames_done == sum(result.state is FrameState.DONE for result in results)
            assert job.frames_failed == sum(result.state is FrameState.FAILED for result in results)

    def check_history(self):
        assert not self.heard.lost
        while (event := self.heard.get(timeout=0.0)) is not None:
            if event.kind in ("frame", "removed"):
                continue
            state = JobState(event.data["state"])
            before = self.history.get(event.job_id, state)
            assert state == before or state in TRANSITIONS[before], f"{before} → {state}"
            self.history[event.job_id] = state
            assert before not in FINAL - {JobState.FAILED, JobState.CANCELLED} or state is before


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
