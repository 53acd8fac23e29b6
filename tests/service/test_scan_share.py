"""Looking at drop folders stays a small share of the machine's time, however much lies in them and happens there."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psutil
import pytest

from service.drop_folder import DropFolders, folders
from tests.service.dropping import Place


class Clock:
    """Time that passes only where somebody looks or waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Storm:
    """An alarm that rings all the time, as in a folder into which thousands of files are copied."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def wait(self, seconds: float) -> bool:
        self._clock.now += min(max(seconds, 0.01), 0.25)
        return True

    def named(self) -> set[Path]:
        return set()


@pytest.mark.parametrize("seconds", [0.001, 0.5, 5.0])
def test_in_a_storm_of_events_looking_takes_a_tenth_of_the_time_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    place, clock, looked = Place(tmp_path), Clock(), 0.0
    monkeypatch.setattr(folders, "time", clock)
    (keeper,) = DropFolders(place.settings, place.paths, place.queue)._keepers
    monkeypatch.setattr(keeper, "_alarm", Storm(clock))
    monkeypatch.setattr(keeper._watch, "ensure", lambda: True)

    def look() -> Iterator[None]:
        nonlocal looked
        clock.now += seconds
        looked += seconds
        keeper.folder.look_seconds = seconds
        yield

    monkeypatch.setattr(keeper.folder, "steps", look)
    began, rounds = clock.now, 0
    while clock.now < began + 300.0:
        keeper.look()
        keeper._rest()
        rounds += 1
    assert looked <= 0.1 * (clock.now - began)
    assert rounds >= min(300.0 / (11.1 * seconds), 300.0 / 0.6), "and it looks as often as that allows"
    place.close()


def calls_of_a_look(place: Place) -> int:
    """Count the functions that a look calls: what it costs, on any machine."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        place.folder.scan()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("layout", ["one sequence", "stills", "many folders"])
def test_a_look_costs_so_much_for_each_file_whether_there_are_many_or_few(tmp_path: Path, layout: str) -> None:
    per_file = []
    for count in (50, 200):
        place = Place(tmp_path / str(count))
        for number in range(count):
            name = {
                "one sequence": f"hero/hero.{number:06d}.png",
                "stills": f"{''.join(chr(97 + int(digit)) for digit in f'{number:05d}')}.png",
                "many folders": f"s{number // 10:04d}/hero.{number % 10:04d}.png",
            }[layout]
            place.put(name)
        place.wait(60.0, step=30.0)  # taken: from now on nothing changes any more
        per_file.append(calls_of_a_look(place) / count)
        place.close()
    assert per_file[1] < 1.1 * per_file[0]
    assert per_file[1] < 500.0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_thousand_files_are_looked_at_within_bounds_of_time_and_memory(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for shot in range(40):
        folder = place.root / f"s{shot:03d}"
        folder.mkdir()
        for number in range(5000):
            (folder / f"hero.{number:06d}.png").touch()
    before = psutil.Process().memory_info().rss
    place.folder.scan()
    cpu = time.process_time()
    steps, longest = place.folder.steps(), 0.0
    while True:
        began = time.thread_time()
        if next(steps, "over") == "over":
            break
        longest = max(longest, time.thread_time() - began)
    assert time.process_time() - cpu < 120.0
    assert longest < 10.0, "between two steps shots with a `.ready` file are taken"
    assert psutil.Process().memory_info().rss - before < 2**30
    began = time.thread_time()
    assert len(place.queue.list(limit=50).jobs) == 40
    assert time.thread_time() - began < 0.2
    place.close()
