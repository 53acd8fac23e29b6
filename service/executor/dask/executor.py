"""The service's end of the farm: cuts shots into pieces, gives them to free workers, and puts their words together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future

from distributed import Client

from service.errors import FarmAway
from service.executor.dask.handshake import Test
from service.executor.dask.line import check_address, security, set_up
from service.executor.dask.roster import Roster
from service.executor.dask.session import Session
from service.executor.endings import no_such_worker, nobody_ready
from service.executor.port import CapacityChanged, ExecutorEvent, ShotLost, WorkerStatus
from service.executor.sharing import Cutting, Pace, SharedShot
from service.jobs import Problem
from service.messages import PreviewMade, PreviewOrder, ShotFailed, ShotFinished, ShotOrder
from service.settings import Settings

AGAIN_SECONDS = 1.0
LEAVE_SECONDS = 3.0

log = logging.getLogger("executor")


class DaskExecutor:
    """Keys shots on a farm; satisfies `Executor`. One thread talks to Dask; all else is behind one lock."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises Misconfigured where the address must not be used, or the certificates are not there."""
        self._settings = settings
        self._address = settings.farm.scheduler or ""
        protocol, _, _ = check_address(self._address)
        set_up(settings)
        self._security = security(settings, protocol)
        self._cutting = Cutting(settings.farm.part_seconds, settings.farm.part_frames)
        self._pace = Pace()
        self._clock = clock
        self._topic = f"dropkey-{uuid.uuid4().hex}"
        self._test = Test(settings)
        self._lock = threading.RLock()
        self._tell: Callable[[ExecutorEvent], None] = lambda _event: None
        self._shots: dict[str, SharedShot] = {}
        self._roster = Roster()
        self._session: Session | None = None
        self._trouble: Problem | None = Problem(kind=FarmAway.kind, message=f"Looking for {self._address}.")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="farm", daemon=True)

    # ---- the port

    def start(self, listener: Callable[[ExecutorEvent], None]) -> None:
        """Look for the scheduler, and for workers."""
        self._tell = listener
        self._thread.start()

    def capacity(self, priority: int) -> int:
        """Return how many places no shot of that priority, or a higher one, needs."""
        with self._lock:
            if self._session is None or self._closing.is_set():
                return 0
            places = self._roster.able()
            rivals = [shot for shot in self._shots.values() if shot.priority >= priority]
            return max(0, places - sum(len(shot.pieces) + shot.ready(places) for shot in rivals))

    def submit(self, job_id: str, attempt: int, order: ShotOrder, priority: int) -> bool:
        """Take a shot, whose first piece the next free worker gets."""
        with self._lock:
            if job_id in self._shots or self.capacity(priority) <= 0:
                return False
            self._shots[job_id] = SharedShot(job_id, attempt, order, priority, self._cutting, self._pace, self._clock)
            self._wake()
            return True

    def stop(self, job_id: str) -> None:
        """End the pieces of a shot between two frames."""
        with self._lock:
            shot = self._shots.get(job_id)
            if shot is not None:
                self.pass_on(shot, shot.stop())
                self._wake()

    def set_priority(self, job_id: str, priority: int) -> None:
        """Let the parts that are still to be handed out go sooner or later."""
        with self._lock:
            shot = self._shots.get(job_id)
            if shot is not None:
                shot.priority = priority
                self._wake()

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        """Have one frame keyed soon by some worker; its pictures come back over the line."""
        with self._lock:
            if self._session is None:
                raise FarmAway(f"The farm {self._address} cannot be reached.", fix="See whether its scheduler runs.")
            future: Future[PreviewMade] = Future()
            if not self._session.preview(preview_id, order, future):
                raise nobody_ready()
            return future

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return how the places of all workers are."""
        with self._lock:
            if self._trouble is not None:
                return (WorkerStatus("farm", "waiting", problem=self._trouble),)
            return self._roster.told()

    def drain(self, name: str, drained: bool) -> None:
        """Give a place nothing new, or take it back. Raises NotFound."""
        with self._lock:
            for member in self._roster.members.values():
                place = member.place_called(name)
                if place is not None and self._session is not None:
                    self._session.drain(member, place, drained)
                    return
        raise no_such_worker(name)

    def close(self) -> None:
        """Stop all pieces, hear how they ended, and go; the workers stay, for others."""
        with self._lock:
            self._closing.set()
            self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self._test.remove()

    # ---- what the session calls; the lock is held

    def pass_on(self, shot: SharedShot, events: list[ExecutorEvent]) -> None:
        """Tell the queue, and forget the shot with its last word."""
        for event in events:
            if isinstance(event, ShotFinished | ShotFailed | ShotLost):
                self._shots.pop(shot.job_id, None)
            self._tell(event)

    # ---- the thread

    def _wake(self) -> None:
        if self._session is not None:
            self._session.wake()

    def _run(self) -> None:
        asyncio.run(self._keep_connected())

    async def _keep_connected(self) -> None:
        while not self._closing.is_set():
            try:
                client = await Client(
                    self._address,
                    security=self._security,
                    asynchronous=True,
                    set_as_default=False,
                    timeout=5,
                    name="dropkey",
                )
            except Exception as error:
                self._say_away(error)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            try:
                await self._use(client)
            except Exception:
                log.exception("the farm's session ended")
            finally:
                self._lose_all()
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(client.close(timeout=LEAVE_SECONDS), 2 * LEAVE_SECONDS)

    async def _use(self, client: Client) -> None:
        session = Session(self, client, self._settings, self._topic, self._test, self._lock, self._roster, self._shots)
        with self._lock:
            self._session, self._trouble = session, None
        log.info("the farm %s is reached", self._address)
        await session.run(self._closing.is_set)

    def _lose_all(self) -> None:
        """Nobody can be asked any more: what is finished lies on the disk, and the next attempt takes it up."""
        with self._lock:
            self._session = None
            self._roster.members.clear()
            problem = Problem(
                kind=FarmAway.kind,
                message=f"The line to the farm {self._address} broke.",
                fix="See whether its scheduler runs; the shot goes on by itself.",
            )
            self._trouble = problem
            for shot in list(self._shots.values()):
                stopped = self._closing.is_set()
                self.pass_on(shot, shot.set_aside() if stopped else shot.abandon(problem))
        self._tell(CapacityChanged())

    def _say_away(self, error: Exception) -> None:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"The farm {self._address} cannot be reached: {reason.rstrip('.')[:300]}."
        with self._lock:
            before = self._trouble
            self._trouble = Problem(
                kind=FarmAway.kind,
                message=message,
                fix="Start its scheduler (`dropkey farm scheduler`); what waits goes on by itself.",
            )
        if before is None or before.message != message:
            log.warning("%s", message)
