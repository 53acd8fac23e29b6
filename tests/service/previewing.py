"""Stands in for the worker that makes previews: takes the orders, and finishes them when the test says so."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from model.settings import FrameNotes, Screen
from service.messages import PreviewMade, PreviewOrder
from service.queue import JobQueue

SCREEN = Screen(color=(0.1, 0.7, 0.2), coverage=0.5)
PICTURE = b"\x89PNG of a preview"


class PreviewsByHand:
    """Put in place of the queue's own previews."""

    def __init__(self, queue: JobQueue) -> None:
        self.orders: list[PreviewOrder] = []
        self._made: list[Future[PreviewMade]] = []
        queue.preview = self._take  # type: ignore[method-assign]  # stands where the worker's answers come from

    def _take(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        self.orders.append(order)
        self._made.append(Future())
        return self._made[-1]

    def finish(self, views: Iterable[str] = ("grey",)) -> None:
        """Make the latest order's pictures."""
        folder = self.orders[-1].folder
        folder.mkdir(parents=True)
        for view in views:
            (folder / f"{view}.png").write_bytes(PICTURE)
        told = {"preview_id": "a", "width": 64, "height": 48, "seconds": 0.1, "inferred": True}
        self._made[-1].set_result(PreviewMade(**told, screen=self.orders[-1].screen or SCREEN, notes=FrameNotes()))

    def key(self, number: int = -1) -> None:
        """Key the latest order in earnest, as a worker does, or an earlier one by its number."""
        from model.keyer import load_keyer
        from service.pipeline.limits import Limits
        from service.pipeline.preview import Previewer

        made = Previewer(Limits()).make("a", self.orders[number], load_keyer("difference"))
        self._made[number].set_result(made)

    def fail(self, error: Exception) -> None:
        """Say that the latest order cannot be done."""
        self._made[-1].set_exception(error)
