"""Headers and tags changed at random: no crash, no hang, and no frames that vanish without a word.

The mutations are seeded, so that a finding can be made again: `DROPKEY_FUZZ_SEED` and `DROPKEY_FUZZ_SECONDS` choose.
What was found once stands in FINDINGS and is tried each time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from model.settings import KeySettings
from service.errors import DropKeyError
from service.plates import open_plate
from service.shots import shot_from_plate
from tests.service.fields_on_disk import write_fields
from tests.service.movies_on_disk import counting_movie
from tests.service.pictures_on_disk import noise, write, write_exr
from tests.service.tagged_pictures import P3_COLORANTS, SRGB_CURVE, cicp, gama, iccp, png, profile

MOST_SECONDS = 10.0
# Read before the tests begin, which keep the user's DROPKEY_… out.
FUZZ_SECONDS = float(os.environ.get("DROPKEY_FUZZ_SECONDS", "600"))
FUZZ_SEED = int(os.environ.get("DROPKEY_FUZZ_SEED", "1000"))
_HEAD = 2048  # bytes at the start that are changed most: headers and tags lie there


def sources(folder: Path) -> dict[str, bytes]:
    """One small file of each kind, by ending."""
    codes = (noise() * 255).astype(np.uint8)
    tags = (cicp(9, 16), iccp(profile(P3_COLORANTS, SRGB_CURVE)), gama(45_455))
    made = {
        "png": png(folder / "a.png", codes, *tags),
        "jpg": write(folder / "a.jpg", noise(), "uint8", Orientation=6),
        "tif": write(folder / "a.tif", noise(), "uint16", Orientation=6),
        "dpx": write(folder / "a.dpx", noise(), "uint16", oiio__BitsPerSample=10),
        "exr": write_exr(folder / "a.exr", {"RGB": noise(), "crypto.R": noise()[..., 0]}),
        "mp4": counting_movie(folder / "a.mp4", "libx264", "yuv420p", count=6),
        "mov": counting_movie(folder / "a.mov", "prores_ks", "yuv422p10le", count=4),
        "mkv": counting_movie(folder / "a.mkv", "libx264", "yuv420p", count=6),
        "ts.mts": counting_movie(folder / "a.mts", "libx264", "yuv420p", count=6),
        "fields.mts": write_fields(folder / "b.mts", (60, 90, 120), together=False, width=32, height=32),
    }
    return {name: path.read_bytes() for name, path in made.items()}


def mutated(content: bytes, pick: random.Random) -> bytes:
    """Change a few bytes, mostly of the head; sometimes cut, double or blank a stretch."""
    changed = bytearray(content)
    for _ in range(pick.choice((1, 1, 2, 4, 16))):
        at = pick.randrange(min(_HEAD, len(changed)) if pick.random() < 0.8 else len(changed))
        way = pick.randrange(6)
        if way == 0:
            changed[at] ^= 1 << pick.randrange(8)
        elif way == 1:
            changed[at] = pick.choice((0, 1, 127, 128, 255))
        elif way == 2:
            changed[at : at + 4] = pick.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1"))
        elif way == 3:
            changed[at : at + pick.randrange(1, 64)] = b""
        elif way == 4:
            changed[at:at] = changed[at : at + pick.randrange(1, 64)]
        else:
            changed[at : at + 8] = pick.randbytes(8)
        if not changed:
            return content[:8]
    return bytes(changed)


def reader_process(pipe: Connection) -> None:
    """Read each plate that is named, and answer what became of it."""
    limits = {"maximum_side_pixels": 4096, "maximum_picture_mib": 64, "threads": 1}
    while True:
        path = Path(pipe.recv())
        try:
            with open_plate(shot_from_plate(path), KeySettings(plate_alpha="garbage"), **limits) as plate:
                plate.watch(plate.format.frames)
                for frame in plate.format.frames[:50]:
                    with contextlib.suppress(DropKeyError):
                        shape = plate.read(frame).color.shape
                        assert shape == (plate.format.height, plate.format.width, 3), f"{shape} of {plate.format}"
                plate.doubts()
                told = len(plate.format.frames) + len(plate.format.lost_frames)
                assert told >= promised(path), f"{told} frames of {promised(path)}, and no word"
            pipe.send("")
        except DropKeyError as error:
            pipe.send("" if error.message and error.fix else f"no advice: {error}")
        except Exception:
            pipe.send(traceback.format_exc())


def promised(path: Path) -> int:
    """Return how many pictures the container says that its largest stream has; 0 where it says none."""
    if path.suffix not in (".mp4", ".mov"):
        return 0
    with av.open(str(path), format="mov", metadata_errors="replace") as file:
        stream = max(file.streams.video, key=lambda stream: stream.width * stream.height)
        return min(stream.frames, sum(not entry.is_discard for entry in stream.index_entries))


class Reader:
    """A process of its own that reads plates: what kills or hangs it does no harm to the test."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None

    def read(self, path: Path) -> str:
        """Return what is wrong about reading a plate; an empty text where it is read, or refused with advice."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=reader_process, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
            self._pipe.send("no such file.png")  # the libraries load, which is not to be timed
            self._pipe.recv()
        self._pipe.send(str(path))
        try:
            return str(self._pipe.recv()) if self._answers() else self._ended(f"hangs for {MOST_SECONDS:.0f} s")
        except (EOFError, ConnectionError):
            return self._ended("kills its process")

    def _answers(self) -> bool:
        """Wait for an answer; of its own computing time, that a busy machine alone makes no hang."""
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        before = sum(process.cpu_times()[:2])
        began = time.monotonic()
        while not self._pipe.poll(0.5):
            with contextlib.suppress(psutil.NoSuchProcess):
                if sum(process.cpu_times()[:2]) - before > MOST_SECONDS or time.monotonic() - began > 30 * MOST_SECONDS:
                    return False
        return True

    def _ended(self, why: str) -> str:
        self.close()
        return why

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


# Kind of file and seed of what went wrong once.
FINDINGS = [("mkv", 1), ("mp4", 2), ("mov", 30), ("exr", 10), ("exr", 14), ("fields.mts", 214238)]


def tried(kind: str, content: bytes, seed: int, folder: Path, reader: Reader) -> str:
    """Read one mutation; returns what is wrong about it."""
    name, _, ending = kind.rpartition(".")
    path = folder / f"{name or 'm'}.{ending}"
    path.write_bytes(mutated(content, random.Random(f"{kind} {seed}")))
    return reader.read(path)


def test_what_was_found_once_stays_mended(tmp_path: Path, reader: Reader) -> None:
    made = sources(tmp_path)
    wrong = {(kind, seed): tried(kind, made[kind], seed, tmp_path, reader) for kind, seed in FINDINGS}
    assert {finding: why for finding, why in wrong.items() if why} == {}


def test_a_few_mutations_of_each_kind_are_read_or_refused_with_advice(tmp_path: Path, reader: Reader) -> None:
    made = sources(tmp_path)
    wrong = {}
    for kind, content in made.items():
        for seed in range(20):
            if why := tried(kind, content, seed, tmp_path, reader):
                wrong[kind, seed] = why
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_mutations_for_as_long_as_one_likes(tmp_path: Path, reader: Reader) -> None:
    """Ten minutes unless told otherwise; an hour is DROPKEY_FUZZ_SECONDS=3600."""
    ends, seed = time.monotonic() + FUZZ_SECONDS, FUZZ_SEED
    made = sources(tmp_path)
    wrong: dict[tuple[str, int], str] = {}
    count = 0
    while time.monotonic() < ends and len(wrong) < 50:
        for kind, content in made.items():
            count += 1
            if why := tried(kind, content, seed, tmp_path, reader):
                wrong[kind, seed] = why
        seed += 1
    print(f"{count} mutations, up to seed {seed}")  # noqa: T201
    assert wrong == {}
