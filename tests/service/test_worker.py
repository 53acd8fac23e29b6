import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from model.errors import KeyingError
from service.errors import OutputFull, PlateMissing
from service.jobs import FrameState
from service.manifest import read_manifest
from service.messages import (
    FrameFinished,
    FrameStarted,
    KeyShot,
    ShotFailed,
    ShotFinished,
    ShotStarted,
    Shutdown,
    StopShot,
    WorkerFailed,
    WorkerReady,
    from_worker,
)
from service.shots import Shot
from service.worker import problem_of
from tests.service.running import PATIENCE, WORKERS, until
from tests.service.shots_on_disk import order_for, write_shot

WORKER = ["-m", "service.worker", "--device", "cpu", "--threads", "1"]


class Service:
    """The service's end of a worker's pipes, played by the test."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.lines: queue.SimpleQueue = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def say(self, message):
        self.process.stdin.write(message.model_dump_json().encode() + b"\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.lines.get(timeout=PATIENCE)
        return None if line is None else from_worker.validate_json(line)

    def hear_until(self, *kinds):
        heard = []
        while not heard or not isinstance(heard[-1], kinds):
            heard.append(self.hear())
            assert heard[-1] is not None, f"the worker ended: {heard}"
        return heard


@contextmanager
def running_worker(home: Path, *command: str):
    home.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, *(command or WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DROPKEY_HOME": str(home)},
        cwd=Path(__file__).parents[2],
    )
    service = Service(process)
    try:
        yield service
    finally:
        process.kill()
        process.wait()
        service.reader.join()
        process.stdin.close()
        process.stdout.close()


def test_the_real_worker_keys_shot_after_shot_and_reports_each_frame(tmp_path):
    shot = write_shot(tmp_path / "plates", range(1001, 1005))
    with running_worker(tmp_path / "home") as service:
        ready = service.hear()
        assert isinstance(ready, WorkerReady) and ready.device == "cpu" and ready.pid == service.process.pid
        for attempt, version in ((1, "v001"), (2, "v002")):
            order = order_for(shot, tmp_path / "out" / "green" / version)
            service.say(KeyShot(job_id="j", attempt=attempt, order=order))
            heard = service.hear_until(ShotFinished, ShotFailed)
            started, finished = heard[0], heard[-1]
            assert isinstance(started, ShotStarted) and started.frames == shot.frames and started.kept == ()
            assert isinstance(finished, ShotFinished) and finished.outcome == "done"
            assert {message.attempt for message in heard} == {attempt}
            assert sorted(m.frame for m in heard if isinstance(m, FrameStarted)) == list(shot.frames)
            results = [m.result for m in heard if isinstance(m, FrameFinished)]
            assert sorted(r.frame for r in results if r.state is FrameState.DONE) == list(shot.frames)
            assert read_manifest(finished.manifest).state == "done"
        if os.name != "nt":
            assert psutil.Process(ready.pid).nice() >= 10
        service.say(Shutdown())
        assert service.hear() is None and service.process.wait(PATIENCE) == 0


def test_a_shot_that_cannot_be_keyed_is_refused_with_its_reason_and_the_worker_goes_on(tmp_path):
    gone = Shot(name="gone", kind="sequence", folder=tmp_path / "no", prefix="a.", suffix=".png", frames=(1, 2))
    good = write_shot(tmp_path / "plates", range(1, 3))
    with running_worker(tmp_path / "home") as service:
        service.hear()
        service.say(KeyShot(job_id="j", attempt=3, order=order_for(gone, tmp_path / "out" / "gone" / "v001")))
        failed = service.hear_until(ShotFailed)[-1]
        assert failed.problem.kind == "plate_missing" and failed.problem.fix and not failed.transient
        assert (failed.job_id, failed.attempt) == ("j", 3)
        order = order_for(good, tmp_path / "out" / "good" / "v001")
        odd = order.model_copy(update={"settings": order.settings.model_copy(update={"keyer": "magic"})})
        service.say(KeyShot(job_id="k", attempt=1, order=odd))
        failed = service.hear_until(ShotFailed)[-1]
        assert failed.problem.kind == "unknown_keyer" and "difference" in failed.problem.fix and not failed.transient
        service.say(KeyShot(job_id="l", attempt=1, order=order))
        assert service.hear_until(ShotFinished)[-1].outcome == "done"


def test_a_stopped_shot_ends_between_two_frames_and_goes_on_later(tmp_path):
    shot = write_shot(tmp_path / "plates", range(1, 10), width=160, height=90)
    order = order_for(shot, tmp_path / "out" / "green" / "v001")
    with running_worker(tmp_path / "home") as service:
        service.hear()
        service.say(KeyShot(job_id="j", attempt=1, order=order))
        service.hear_until(FrameFinished)
        service.say(StopShot(job_id="another"))
        service.say(StopShot(job_id="j"))
        heard = service.hear_until(ShotFinished)
        assert heard[-1].outcome == "stopped"
        done = 1 + sum(isinstance(message, FrameFinished) for message in heard)
        assert done < 9
        service.say(KeyShot(job_id="j", attempt=2, order=order))
        heard = service.hear_until(ShotFinished)
        assert len(heard[0].kept) == done and heard[-1].outcome == "done"
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_worker_whose_service_is_gone_ends_within_a_second_even_in_mid_shot(tmp_path):
    shot = write_shot(tmp_path / "plates", range(1, 61), width=320, height=180)
    with running_worker(tmp_path / "home") as service:
        service.hear()
        service.say(KeyShot(job_id="j", attempt=1, order=order_for(shot, tmp_path / "out" / "green" / "v001")))
        service.hear_until(FrameFinished)
        service.process.stdin.close()
        started = time.monotonic()
        service.process.wait(PATIENCE)
        assert time.monotonic() - started < 1
        # Under final names there are whole frames only: the next attempt keeps them all.
        names = {path.name for path in (tmp_path / "out").rglob("*.exr") if not path.name.startswith(".")}
        assert names and len(names) < 120


def test_whatever_libraries_print_the_service_hears_only_messages(tmp_path):
    with running_worker(tmp_path / "home", str(WORKERS / "prints_everywhere.py")) as service:
        ready = service.hear()
        assert isinstance(ready, WorkerReady) and ready.device_name == "ü"
        service.process.stdin.close()
        assert service.hear() is None


def test_a_device_that_is_not_there_is_reported_and_not_replaced(tmp_path):
    with running_worker(tmp_path / "home", "-m", "service.worker", "--device", "mps") as service:
        if sys.platform == "darwin":
            pytest.skip("this machine may have the device")
        failed = service.hear()
        assert isinstance(failed, WorkerFailed) and "cannot use 'mps'" in failed.problem.message and failed.problem.fix
        assert service.process.wait(PATIENCE) == 3


def test_settings_that_do_not_fit_are_reported(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dropkey.toml").write_text("port = 'none'\n", encoding="utf-8")
    with running_worker(tmp_path / "home") as service:
        failed = service.hear()
        assert isinstance(failed, WorkerFailed) and "port" in failed.problem.message


def test_nonsense_from_the_service_is_ignored(tmp_path):
    with running_worker(tmp_path / "home") as service:
        service.hear()
        service.process.stdin.write(b'{"type": "dance"}\nnot even JSON\n')
        service.say(Shutdown())
        assert service.process.wait(PATIENCE) == 0


def test_the_worker_loads_neither_database_nor_web_server(tmp_path):
    code = (
        "import sys, service.worker, service.pipeline, model.neural, model.difference\n"
        "print(sorted({'sqlalchemy', 'alembic', 'fastapi', 'uvicorn', 'starlette', 'watchdog'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_service_does_not_load_torch():
    code = "import sys, service.queue, service.executor\nprint('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_errors_become_problems_that_say_kind_place_and_fix():
    missing = problem_of(PlateMissing("It is gone.", fix="Render it.", frame=7))
    assert (missing.kind, missing.message, missing.fix, missing.frame) == (
        "plate_missing",
        "It is gone.",
        "Render it.",
        7,
    )
    assert problem_of(OutputFull("No room.")).kind == "output_full"
    assert problem_of(KeyingError("Odd plate.", fix="Look.")).fix == "Look."
    assert problem_of(MemoryError("out of it")).kind == "out_of_memory"
    try:
        {}["absent"]
    except KeyError as error:
        odd = problem_of(error)
    assert odd.kind == "unexpected" and "KeyError" in odd.message and "test_worker.py:" in odd.message


def test_a_stop_that_comes_before_the_shot_begins_is_heard(tmp_path):
    shot = write_shot(tmp_path / "plates", range(1, 31))
    with running_worker(tmp_path / "home") as service:
        service.say(KeyShot(job_id="j", attempt=1, order=order_for(shot, tmp_path / "out" / "green" / "v001")))
        service.say(StopShot(job_id="j"))
        finished = service.hear_until(ShotFinished, ShotFailed)[-1]
        assert isinstance(finished, ShotFinished) and finished.outcome == "stopped"
        until(lambda: not list(tmp_path.rglob("*.tmp")), "no half file is left")
