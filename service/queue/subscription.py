"""Hands events to those who listen, without ever waiting for one who is slow."""

from __future__ import annotations

import queue
import threading

from service.store import Event

DEPTH = 1000


class Subscription:
    """What one listener has not read yet. Use it in a ``with``; it ends by itself when it falls too far behind."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._events: queue.Queue[Event] = queue.Queue(DEPTH)
        self.lost = False
        """True once events were dropped: read `JobQueue.events_since` from the last one, or start again."""

    def get(self, timeout: float | None = None) -> Event | None:
        """Return the next event, or None when there was none within ``timeout`` seconds."""
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Listen no more."""
        self._hub.remove(self)

    def offer(self, event: Event) -> None:
        """Take an event, unless the listener is too far behind."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.lost = True
            self.close()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Hub:
    """All subscriptions, and a way to wait for the next event of any kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._told = threading.Condition()
        self._count = 0

    def tell(self, event: Event) -> None:
        """Pass an event on; never blocks."""
        for subscription in self._subscriptions:
            subscription.offer(event)
        with self._told:
            self._count += 1
            self._told.notify_all()

    @property
    def count(self) -> int:
        """How many events there were."""
        with self._told:
            return self._count

    def wait_beyond(self, count: int, timeout: float) -> bool:
        """Wait until there were more than ``count`` events; False when ``timeout`` seconds passed before."""
        with self._told:
            return self._told.wait_for(lambda: self._count > count, timeout)

    def subscribe(self) -> Subscription:
        """Listen from now on."""
        subscription = Subscription(self)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """End a subscription."""
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
