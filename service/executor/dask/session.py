"""One connection to the farm's scheduler, from its beginning to its end: who is there, who gets what, who is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from distributed import Client
from distributed import Future as DaskFuture
from distributed.scheduler import KilledWorker
from pydantic import ValidationError

from service.errors import DropKeyError, OutputFull, OutputReadOnly, WorkerLost
from service.executor.dask import tasks
from service.executor.dask.handshake import Test, refusal
from service.executor.dask.roster import Member, Roster
from service.executor.dask.words import Errand, Introduction, PieceLost, PreviewAnswer, Told
from service.executor.dask.worker import KEYING
from service.executor.port import CapacityChanged
from service.executor.sharing import Piece, SharedShot
from service.jobs import Problem, error_from
from service.messages import PreviewMade, PreviewOrder, ShotFailed
from service.settings import Settings

if TYPE_CHECKING:
    from service.executor.dask.executor import DaskExecutor

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 30.0
PREVIEW_FIRST = 1000  # before pieces of any priority
_FOR_ALL = (OutputFull.kind, OutputReadOnly.kind)  # what the queue tells a person of, whichever worker met it

log = logging.getLogger("executor")


class Session:
    """Lives in the farm's thread; `wake`, `preview` and `drain` may be called from others, with the lock held."""

    def __init__(
        self,
        executor: DaskExecutor,
        client: Client,
        settings: Settings,
        topic: str,
        test: Test,
        lock: threading.RLock,
        roster: Roster,
        shots: dict[str, SharedShot],
    ) -> None:
        self._executor = executor
        self._client = client
        self._settings = settings
        self._topic = topic
        self._test = test
        self._lock = lock
        self._roster = roster
        self._shots = shots
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._handed: dict[str, tuple[SharedShot, str, DaskFuture]] = {}  # by piece
        self._stopped: set[str] = set()
        self._doubted: set[str] = set()  # failed, and their workers are asked why
        self._previewer: str | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._service = f"The service with the home folder {settings.home} on {socket.gethostname()}"

    async def run(self, closing: Callable[[], bool]) -> None:
        """Work until the connection breaks, or ``closing`` and every piece has ended."""
        self._client.subscribe_topic(self._topic, self._hear)
        looked = float("-inf")
        leaving = float("inf")
        while self._client.status == "running":
            now = self._loop.time()
            if closing():
                leaving = min(leaving, now + self._settings.stop_deadline_seconds)
                if not self._handed or now > leaving:
                    return
            if now - looked >= LOOK_SECONDS:
                looked = now
                await self._look()
            with self._lock:
                self._stop_unwanted(everything=closing())
                if not closing():
                    self._hand_out()
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS / 2)

    def wake(self) -> None:
        """Have the next step come now."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._woken.set)

    def preview(self, preview_id: str, order: PreviewOrder, future: Future[PreviewMade]) -> bool:
        """Have some worker key a frame; False where there is none."""
        member = self._roster.for_preview(self._previewer)
        if member is None:
            return False
        self._previewer = member.address
        self._loop.call_soon_threadsafe(self._begin, self._make_preview(preview_id, order, member.address, future))
        return True

    def drain(self, member: Member, place: str, drained: bool) -> None:
        """Have a place rest, or key again."""
        self._loop.call_soon_threadsafe(self._begin, self._call(tasks.drain, member.address, place, drained))

    # ---- who is there

    async def _look(self) -> None:
        told = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), ANSWER_SECONDS)
        with self._lock:
            before = self._roster.able()
            gone = self._roster.learn(told["workers"])
            for member in gone:
                log.warning("farm worker %s is gone", member.name)
                for piece in list(member.pieces):
                    # Dask says so of what was begun; of what was not, nobody would.
                    self._loop.call_later(2 * LOOK_SECONDS, self._lose, piece, member.name)
            for member in self._roster.to_ask(self._loop.time()):
                member.asking, member.asked_at = True, self._loop.time()
                self._begin(self._ask(member))
            changed = self._roster.able() != before
        if changed:
            self._executor._tell(CapacityChanged())

    async def _ask(self, member: Member) -> None:
        """Have a worker introduce itself, and judge it."""
        try:
            question = (await asyncio.to_thread(self._test.question)).model_dump_json()
            asked = self._client.submit(
                tasks.introduce, question, workers=[member.address], pure=False, priority=PREVIEW_FIRST
            )
            answer = await asyncio.wait_for(_result(asked), ANSWER_SECONDS)
            problem = refusal(Introduction.model_validate_json(answer), self._settings)
        except ValidationError:
            problem = Problem(kind="worker_refused", message="It has another version of DropKey.")
        except TimeoutError:
            problem = Problem(kind="worker_refused", message=f"It did not answer within {ANSWER_SECONDS:g} s.")
        except Exception as error:
            problem = Problem(kind="worker_refused", message=f"It could not be asked: {type(error).__name__}: {error}")
        with self._lock:
            member.asking = False
            news = problem != member.problem or member.verdict == "unknown"
            member.verdict, member.problem = ("taken", None) if problem is None else ("refused", problem)
        if problem is None:
            log.info("farm worker %s is taken", member.name)
        elif news:
            log.warning("farm worker %s is refused: %s %s", member.name, problem.message, problem.fix)
        await self._call(tasks.be_told, member.address, self._service, problem and problem.model_dump_json())
        self._woken.set()
        self._executor._tell(CapacityChanged())

    # ---- who gets what; the lock is held

    def _hand_out(self) -> None:
        for shot in sorted(self._shots.values(), key=lambda shot: -shot.priority):
            while (member := self._roster.freest()) is not None:
                piece = shot.next_piece(max(1, self._roster.able()))
                if piece is None:
                    break
                self._hand(shot, piece, member)
        if self._roster.freest() is None:
            return
        for shot in self._shots.values():
            rest = shot.longest()
            if rest is not None:
                self._stop(rest.id)
                return

    def _hand(self, shot: SharedShot, piece: Piece, member: Member) -> None:
        errand = Errand(id=piece.id, order=piece.order.model_dump(mode="json"), topic=self._topic)
        future = self._client.submit(
            tasks.key_piece,
            errand.model_dump_json(),
            key=piece.id,
            pure=False,
            workers=[member.address],
            resources={KEYING: 1},
            priority=shot.priority,
        )
        member.pieces.add(piece.id)
        self._handed[piece.id] = (shot, member.address, future)
        self._begin(self._follow(piece.id, future, member.name))

    def _stop_unwanted(self, *, everything: bool) -> None:
        for piece, (shot, _, _) in list(self._handed.items()):
            if everything or shot.is_to_stop(piece):
                self._stop(piece)

    def _stop(self, piece: str) -> None:
        if piece not in self._stopped:
            self._stopped.add(piece)
            self._begin(self._call(tasks.stop_piece, self._handed[piece][1], piece))

    # ---- what happens

    def _hear(self, event: tuple[float, str]) -> None:
        """Take what a worker tells."""
        told = Told.model_validate_json(event[1])
        with self._lock:
            handed = self._handed.get(told.piece)
            if handed is None:
                return
            shot, address, _ = handed
            member = self._roster.members.get(address)
            if isinstance(told.said, ShotFailed) and member is not None and told.said.problem.kind not in _FOR_ALL:
                self._doubted.add(told.piece)
                self._begin(self._doubt(member, told.piece, told.said))
                return
            if isinstance(told.said, PieceLost):
                self._drop(told.piece)
                events = shot.lost(told.piece, told.said.problem, blameless=told.said.blameless)
            else:
                events = shot.hear(told.piece, told.said)
                if told.piece not in shot.pieces:
                    self._drop(told.piece)
            self._executor.pass_on(shot, events)

    async def _doubt(self, member: Member, piece: str, said: ShotFailed) -> None:
        """Ask a worker anew on which a piece failed: where its share is gone, say, the piece is for another."""
        member.verdict, member.asking, member.asked_at = "unknown", True, self._loop.time()
        await self._ask(member)
        with self._lock:
            self._doubted.discard(piece)
            if piece not in self._handed:
                return
            shot = self._handed[piece][0]
            self._drop(piece)
            if member.problem is not None:
                events = shot.lost(piece, member.problem, blameless=True)
            else:
                events = shot.hear(piece, said)
            self._executor.pass_on(shot, events)

    async def _follow(self, piece: str, future: DaskFuture, worker: str) -> None:
        """Wait for the end of a piece's task: it tells of its end before, unless its worker is gone."""
        try:
            await _result(future)
        except KilledWorker:
            self._lose(piece, worker)
            return
        except (Exception, asyncio.CancelledError) as error:
            if piece in self._handed:
                log.warning("piece %s: %s: %s", piece, type(error).__name__, error)
        self._lose(piece, worker, blameless=True)

    def _lose(self, piece: str, worker: str, *, blameless: bool = False) -> None:
        with self._lock:
            handed = self._handed.get(piece)
            if handed is None or piece in self._doubted or self._client.status != "running":
                return
            shot = handed[0]
            self._drop(piece)
            problem = Problem(
                kind=WorkerLost.kind,
                message=f"The farm worker {worker} is gone.",
                fix=f"See what became of `dropkey farm worker` on {worker}.",
            )
            self._executor.pass_on(shot, shot.lost(piece, problem, blameless=blameless))

    def _drop(self, piece: str) -> None:
        _, address, future = self._handed.pop(piece)
        self._stopped.discard(piece)
        member = self._roster.members.get(address)
        if member is not None:
            member.pieces.discard(piece)
        future.release()
        self._woken.set()

    async def _make_preview(
        self, preview_id: str, order: PreviewOrder, address: str, future: Future[PreviewMade]
    ) -> None:
        errand = Errand(id=preview_id, order=order.model_dump(mode="json"))
        try:
            asked = self._client.submit(
                tasks.make_preview,
                errand.model_dump_json(),
                workers=[address],
                pure=False,
                priority=PREVIEW_FIRST,
            )
            text, files = await _result(asked)
            answer = PreviewAnswer.model_validate_json(text)
            if answer.made is None:
                raise error_from(answer.problem or Problem(kind=WorkerLost.kind, message="It made nothing."))
            await asyncio.to_thread(_write, order, files)
            future.set_result(answer.made)
        except DropKeyError as error:
            future.set_exception(error)
        except (Exception, asyncio.CancelledError) as error:
            gone = f"The worker that made the preview is gone ({type(error).__name__})."
            future.set_exception(WorkerLost(gone, fix="Ask for it again."))

    async def _call(self, function: Callable[..., None], address: str, *arguments: object) -> None:
        """Call a function in a worker's loop; one that is gone needs not hear it."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(
                self._client.run(function, *arguments, workers=[address], on_error="ignore"), ANSWER_SECONDS
            )

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _result(future: DaskFuture) -> Any:
    return await future


def _write(order: PreviewOrder, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        file = order.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
