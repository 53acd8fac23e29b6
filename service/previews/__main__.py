"""The process that reads pictures for people to look at: asked on stdin, answers on stdout. Started by name.

It ends when its service is gone, and by itself when nobody has asked for a while.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time

import psutil

from service.errors import BadInput, DropKeyError
from service.jobs import Problem
from service.previews.frames import Frames, Lately, composite, stamp
from service.previews.messages import Answer, Ask, Pass, Pixel, ReadPixel, ShowPicture, asks
from service.previews.pictures import picture
from service.settings import Settings, load_settings

FLOAT_BYTES = 512 * 2**20
PICTURE_BYTES = 64 * 2**20
IDLE_SECONDS = 300.0
ADDRESS_BYTES = 8 * 2**30
"""Address space that libraries and the stacks of their threads reserve, most of it never touched."""

COPIES = 6
"""How often the largest picture is in memory at once, as halves, floats, light and for the display, and more."""

log = logging.getLogger("dropkey.previews")


class Answering:
    """Answers one question after the other."""

    def __init__(self) -> None:
        self._frames = Frames(load_settings(), FLOAT_BYTES)
        self._pictures: Lately[bytes] = Lately(PICTURE_BYTES)

    def answer(self, ask: Ask) -> tuple[Answer, bytes]:
        """Return the line, and the bytes that follow it; errors are lines as well."""
        try:
            if isinstance(ask, ReadPixel):
                return Answer(pixel=self._pixel(ask)), b""
            content = self._picture(ask)
            return Answer(size=len(content)), content
        except DropKeyError as error:
            return Answer(problem=Problem(kind=error.kind, message=error.message, fix=error.fix)), b""
        except Exception as error:
            log.exception("a picture cannot be shown")
            message = f"The picture cannot be read: {error}."
            return Answer(problem=Problem(kind="plate_unreadable", message=message)), b""

    def _picture(self, ask: ShowPicture) -> bytes:
        key = (stamp(ask.source), ask.source.name, ask.source.over, ask.look)
        content = self._pictures.get(key)
        if content is None:
            content = picture(self._frames.read(ask.source), ask.source.name, ask.source.over, ask.look)
            self._pictures.keep(key, len(content), content)
        return content

    def _pixel(self, ask: ReadPixel) -> Pixel:
        frame = self._frames.read(ask.source)
        height, width = frame.shape
        if not (0 <= ask.x < width and 0 <= ask.y < height):
            raise BadInput(f"There is no pixel {ask.x}, {ask.y}.", fix=f"The picture is {width}×{height}.")
        color, alpha = frame.color, frame.alpha
        if ask.source.name is Pass.COMPOSITE and alpha is not None:
            color = composite(frame.associated(), alpha, ask.source.over)
        found: dict[str, float] = {}
        if color is not None:
            found = {name: float(color[ask.y, ask.x, index]) for index, name in enumerate("RGB")}
        if alpha is not None:
            found["A"] = float(alpha[ask.y, ask.x])
        values = {name: value if math.isfinite(value) else None for name, value in found.items()}
        return Pixel(x=ask.x, y=ask.y, width=width, height=height, values=values)


class _Watch:
    """Ends the process when nobody has asked for a while, so that its memory comes free."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = time.monotonic()
        threading.Thread(target=self._run, name="idle", daemon=True).start()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self._asked = time.monotonic()
        self._lock.release()

    def _run(self) -> None:
        while True:
            time.sleep(IDLE_SECONDS / 10)
            with self._lock:
                if time.monotonic() - self._asked >= IDLE_SECONDS:
                    os._exit(0)


def cap_memory(settings: Settings) -> None:
    """Let a file that would take more memory than any picture may fail by itself, before the machine runs short.

    Linux holds to it; macOS takes no such limit, and Windows has none of this kind. The worker that keys has none
    either: CUDA reserves more address space than there is memory.
    """
    if sys.platform == "linux":
        import resource

        wanted = ADDRESS_BYTES + COPIES * settings.maximum_picture_mib * 2**20
        most = max(ADDRESS_BYTES, min(wanted, psutil.virtual_memory().total))
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def main() -> None:
    """Answer until the service closes its end."""
    cap_memory(load_settings())
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    answering, busy = Answering(), _Watch()
    for line in sys.stdin.buffer:
        with busy:
            said, content = answering.answer(asks.validate_json(line))
            out.write(said.model_dump_json().encode() + b"\n" + content)
            out.flush()


if __name__ == "__main__":
    main()
