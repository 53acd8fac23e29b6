"""Which workers the farm has, how each is, and what it has in hand: what the scheduler told last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ValidationError

from service.executor.dask import tasks
from service.executor.dask.words import statuses
from service.executor.port import WorkerStatus
from service.jobs import Problem

ASK_AGAIN_SECONDS = 15.0


@dataclass
class Member:
    """One farm worker: a machine with one or more places."""

    address: str
    name: str
    places: tuple[WorkerStatus, ...] = ()
    verdict: Literal["unknown", "taken", "refused"] = "unknown"
    problem: Problem | None = None
    asked_at: float = float("-inf")
    asking: bool = False
    pieces: set[str] = field(default_factory=set)

    @property
    def able(self) -> int:
        """How many pieces it can have at a time."""
        if self.verdict != "taken":
            return 0
        return sum(place.state in ("ready", "busy") and not place.drained for place in self.places)

    @property
    def free(self) -> int:
        """How many more pieces it can have now."""
        return max(0, self.able - len(self.pieces))

    def told(self) -> tuple[WorkerStatus, ...]:
        """Return its places as everybody sees them."""
        if self.verdict == "refused":
            places = self.places or (WorkerStatus(self.name, "refused"),)
            return (replace(places[0], name=self.name, state="refused", problem=self.problem),)
        many = len(self.places) > 1
        named = (replace(p, name=f"{self.name}/{p.name}" if many else self.name) for p in self.places)
        return tuple(replace(p, state="starting") if self.verdict == "unknown" else p for p in named)

    def place_called(self, name: str) -> str | None:
        """Return the place's own name of what everybody calls ``name``; None where it is not here."""
        for place, told in zip(self.places, self.told(), strict=False):
            if told.name == name:
                return place.name
        return None


class Roster:
    """The members by address. Not thread-safe."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}

    def learn(self, workers: Mapping[str, Mapping[str, Any]]) -> list[Member]:
        """Take what the scheduler tells of all its workers; return those that are gone."""
        gone = [member for address, member in self.members.items() if address not in workers]
        for member in gone:
            del self.members[member.address]
        for address, told in workers.items():
            member = self.members.setdefault(address, Member(address, str(told.get("name", address))))
            try:
                member.places = statuses.validate_python(told.get("metrics", {}).get(tasks.HOST) or ())
            except ValidationError:
                # Of another version, which the handshake will say.
                member.places = ()
        return gone

    def able(self) -> int:
        """Return how many pieces all can have at a time."""
        return sum(member.able for member in self.members.values())

    def freest(self) -> Member | None:
        """Return the member with the most room; None where nobody has any."""
        best = max(self.members.values(), key=lambda member: member.free, default=None)
        return best if best is not None and best.free else None

    def to_ask(self, now: float) -> Iterable[Member]:
        """Return those who are to introduce themselves: the new ones, and now and then those that were refused."""
        return [
            member
            for member in self.members.values()
            if member.verdict != "taken" and not member.asking and now - member.asked_at >= ASK_AGAIN_SECONDS
        ]

    def for_preview(self, last: str | None) -> Member | None:
        """Return who is to make a preview: who made the last one where it is as free as any other."""
        known = [member for member in self.members.values() if member.verdict == "taken" and member.places]
        return min(known, key=lambda m: (not m.free, not m.able, m.address != last), default=None)

    def told(self) -> tuple[WorkerStatus, ...]:
        """Return all places, by name."""
        members = sorted(self.members.values(), key=lambda member: member.name)
        return tuple(place for member in members for place in member.told())
