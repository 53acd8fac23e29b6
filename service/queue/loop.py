"""The thread that runs jobs: hands over what the executor says, and outlives whatever goes wrong with it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from service.errors import Transient
from service.executor import CapacityChanged, ExecutorEvent

TICK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Loop:
    """Calls ``step`` with the events that came, at least once a second.

    The step takes off the list what it has done; when it fails it is called again with the rest, until it succeeds.
    """

    def __init__(self, step: Callable[[list[ExecutorEvent]], None]) -> None:
        self._step = step
        self._inbox: queue.SimpleQueue[ExecutorEvent | None] = queue.SimpleQueue()
        self._trouble = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def ending(self) -> bool:
        """Whether nothing new is to be begun."""
        return self._ending.is_set()

    @property
    def problem(self) -> str:
        """Why the steps do not succeed; empty while they do."""
        if self._trouble or self._thread.is_alive() or self._thread.ident is None or self.ending:
            return self._trouble
        return "The thread that runs jobs has ended. Start the service anew, and please report it with its log."

    def put(self, event: ExecutorEvent) -> None:
        """Have the next step hear of ``event``; from any thread."""
        self._inbox.put(event)

    def wake(self) -> None:
        """Have the next step come now."""
        self._inbox.put(CapacityChanged())

    def begin_close(self) -> None:
        """Let nothing new begin."""
        self._ending.set()

    def join(self) -> None:
        """Let what came be heard, then end."""
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            events, over = self._take()
            while not self._succeeds(events):
                if self._ending.wait(TICK_SECONDS):
                    return
            if over:
                return

    def _succeeds(self, events: list[ExecutorEvent]) -> bool:
        try:
            self._step(events)
        except Transient as error:
            # The disk of the database is full, say. What the worker did lies on disk; only its record waits.
            self._say(str(error))
        except Exception as error:
            self._say(f"Something unforeseen went wrong: {type(error).__name__}: {error}", unforeseen=True)
        else:
            self._say("")
            return True
        return False

    def _take(self) -> tuple[list[ExecutorEvent], bool]:
        """Wait for events, then take all that are there: one commit then serves many frames."""
        try:
            taken: list[ExecutorEvent | None] = [self._inbox.get(timeout=TICK_SECONDS)]
        except queue.Empty:
            return [], False
        while not self._inbox.empty():
            taken.append(self._inbox.get())
        return [event for event in taken if event is not None], None in taken

    def _say(self, trouble: str, *, unforeseen: bool = False) -> None:
        """Tell what keeps jobs from going on, and that it is over; each once, not every second."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            log.error("jobs do not go on, which is tried again: %s", trouble, exc_info=unforeseen)
        else:
            log.info("jobs go on")
