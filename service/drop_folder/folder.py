"""One drop folder: each scan compares what lies there with what is known, and hands settled shots to the queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from pathlib import Path

import structlog

from service.drop_folder.handing import ARRIVING, hand_over, to_be_refused
from service.drop_folder.lease import Lease
from service.drop_folder.order_book import (
    Entry,
    OrderBook,
    awaited,
    frames_missing,
    narrowed,
    plate_missing,
    promised_files,
)
from service.drop_folder.port import Queue
from service.drop_folder.settling import Patience, Settling
from service.drop_folder.sightings import Key, Look, Sighting, Slot, slots
from service.drop_folder.tracked import Found, Marks, Tracked, cut_short, declared, matte_marks, outdated, stands_in
from service.drop_folder.watching import in_use
from service.errors import DropKeyError, PlateChanged, PlateMissing
from service.jobs import Problem
from service.paths import Paths
from service.requests import Order
from service.settings import Settings
from service.shots import Shot

LEAST_TAKING_SECONDS = 2.0
SHARE_OF_TAKING = 4
"""Handing shots to the queue may take this many times as long as the look before, then everything is looked at anew."""

log = structlog.get_logger("drop_folder")


class DropFolder:
    """Scans one root. One thread calls `scan`; nothing else happens by itself."""

    def __init__(
        self,
        root: Path,
        settings: Settings,
        paths: Paths,
        queue: Queue,
        *,
        network: bool = False,
        lease: Lease | None = None,
        clock: Callable[[], float] = time.monotonic,
        in_use: Callable[[Path], bool] = in_use,
    ) -> None:
        """Without a ``lease`` nobody else may scan the root."""
        self.root = root
        self.online = True
        self.watched_by = ""
        """Which other service takes the shots of the root, as a sentence; empty while we do."""
        self._lease = lease
        self._heir = False  # another service watched before us
        self._settings = settings
        self._paths = paths
        self._queue = queue
        self._network = network
        self._patience = Patience.of(settings, network=network)
        self._clock = clock
        self._in_use = in_use
        self._book = OrderBook(settings, paths)
        self._tracked: dict[Slot, Tracked] = {}
        self._ordered: list[Sighting] = []  # shots that job files order
        self._mattes: set[Key] = set()
        self.urgent: set[Path] = set()
        """Folders of shots that have a `.ready` file and could not be taken yet."""
        self.behind = False
        """Whether the last scan left shots to the next one, so that it looks again meanwhile."""
        self.look_seconds = 0.0
        """What looking alone took at the last scan."""
        self._device: int | None = None
        self._frozen: bool | None = None  # whether the queue froze our jobs; an earlier service may have left it so

    @property
    def busy(self) -> bool:
        """Tell whether anything is still arriving, so that the next scan should come soon."""
        return any(tracked.delivered is None for tracked in self._tracked.values())

    def scan(self) -> None:
        """Look once at everything, and tell the queue what appeared, settled or changed."""
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[None]:
        """Scan in short steps; between two of them `glance` may be called."""
        # Before anything is written: not even our lease goes into the mount point of a share that is not there (yet).
        away = self._queue.why_away(self.root)
        if away:
            self._away(away)
            return
        if self.watched_by and not self._ours():
            return
        seen = yield from self._look()
        # After the look, which may have hung with its share for longer than a lease lasts.
        if seen is None or not self._ours():
            return
        end = self._clock() + max(LEAST_TAKING_SECONDS, SHARE_OF_TAKING * self.look_seconds)
        self.behind = False
        for slot, found in sorted(seen.items(), key=lambda item: item[1].sighting.sentinel is None):
            if self._clock() > end:
                self.behind = True
                break
            self._attend(slot, found)
            yield
        for slot in self._tracked.keys() - seen.keys():
            self._miss(slot, self._clock())

    def glance(self, folders: Iterable[Path]) -> None:
        """Look at the shots in ``folders`` that have a `.ready` file, and take them: they need not wait for a scan."""
        if not self.online or self.watched_by or not self._book.knows_defaults(self.root):
            return
        look, self.urgent = self._new_look(), set()
        for folder in folders:
            now = self._clock()
            try:
                sightings = look.shots(folder, declared_only=True)
            except (OSError, PlateMissing):
                continue  # the scan says it
            before = {slot: tracked.seen for slot, tracked in self._tracked.items() if slot[0][1] == str(folder)}
            for slot, sighting in slots(sightings, before).items():
                entry = self._book.order(sighting)
                if not self._is_matte(slot) and not any(sighting.overlaps(other) for other in self._ordered):
                    self._attend(slot, Found(sighting, entry, now))

    def _attend(self, slot: Slot, found: Found) -> None:
        sighting = found.sighting
        tracked = self._tracked.get(slot)
        if tracked is None:
            tracked = self._tracked[slot] = Tracked(Settling(self._patience), sighting)
            tracked.used_sentinel = outdated(sighting, self._patience.stable)
        if tracked.looked > found.looked:
            return  # a glance has seen it since
        tracked.seen, tracked.looked = sighting, found.looked
        try:
            self._follow(tracked, sighting, found.entry, found.looked)
            tracked.trouble = ""
        except Exception as error:
            # One shot must not keep the others from being seen; said once, not at every scan.
            if tracked.trouble != str(error):
                tracked.trouble = str(error)
                known = isinstance(error, (DropKeyError, OSError))
                log.warning(
                    "shot not taken",
                    root=str(self.root),
                    shot=sighting.shot.name,
                    problem=str(error),
                    exc_info=not known,
                )
        if tracked.delivered is None and declared(tracked, sighting):
            self.urgent.add(sighting.shot.folder)

    def let_go(self) -> None:
        """Let another service watch the root."""
        if self._lease is not None:
            self._lease.let_go()

    # ---- having it to ourselves

    def _ours(self) -> bool:
        """Tell whether the shots of the root are ours to take; gives up those that were arriving when they are not."""
        watched_by = self._lease.hold() if self._lease is not None else ""
        if watched_by != self.watched_by:
            self.watched_by = watched_by
            log.info("drop folder is watched", root=str(self.root), by=watched_by or "us")
        if not watched_by:
            return True
        self._heir = True
        for tracked in self._tracked.values():
            if tracked.job_id is not None:
                self._give_up(tracked, watched_by)
                tracked.changed = True  # taken up again, should the folder come back to us before it was keyed
        self._back()
        return False

    # ---- looking

    def _new_look(self) -> Look:
        confined_to = self._paths.confinement(trusted=False)
        return Look(self.root, self._settings, confined_to=confined_to, network=self._network)

    def _look(self) -> Generator[None, None, dict[Slot, Found] | None]:
        """Return what lies in the root now; None while it is away, when nothing may be concluded."""
        self.look_seconds, looked = 0.0, dict[Path, float]()
        sightings: list[Sighting] = []
        try:
            device = self.root.stat().st_dev
            look = self._new_look()
            for folder in look.folders():
                looked[folder] = self._clock()
                sightings += look.shots(folder)
                self.look_seconds += self._clock() - looked[folder]
                yield
            same = self.root.stat().st_dev == device
        except (OSError, PlateMissing) as error:
            self._away(str(error))
            return None
        if not same or (not sightings and self._tracked and device != self._device):
            self._away("it is empty, and on another file system than before: not mounted")
            return None
        self._back()
        self._device = device
        # Defaults that cannot be used keep all waiting, and the reason is told: no shot is keyed otherwise than meant.
        self._book.read_defaults(self.root)
        job_files = look.job_files()
        ordered = [self._book.ordered(file, look) for file in job_files]
        self._ordered = [sighting for sighting in ordered if sighting is not None]
        for other in self._ordered:
            sightings = [sighting for sighting in sightings if not sighting.overlaps(other)] + [other]
        seen = slots(sightings, {slot: tracked.seen for slot, tracked in self._tracked.items()})
        self._book.forget_except([*job_files, *(s.source for s in seen.values() if s.source is not None)])
        found: dict[Slot, Found] = {}
        for slot, sighting in seen.items():
            when = looked.get(sighting.shot.folder, looked[self.root])
            found[slot] = Found(sighting, self._book.order(sighting), when)
            yield
        self._mattes = self._book.mattes()
        return {slot: one for slot, one in found.items() if not self._is_matte(slot)}

    def _is_matte(self, slot: Slot) -> bool:
        return bool(self._mattes & {slot[0], ("folder", slot[0][1], "", "")})

    def _back(self) -> None:
        if self._frozen is not False:
            self._queue.root_back(self.root)
            if not self.online:
                log.info("drop folder is back", root=str(self.root))
        self.online, self._frozen = True, False

    def _away(self, why: str) -> None:
        for tracked in self._tracked.values():
            tracked.gone_since = None  # whether it is gone cannot be seen
        if not self._frozen:
            log.warning("drop folder is away, its shots are kept", root=str(self.root), reason=why)
            self._queue.root_lost(self.root)
        self.online, self._frozen = False, True

    # ---- following one shot

    def _follow(self, tracked: Tracked, sighting: Sighting, entry: Entry, now: float) -> None:
        tracked.gone_since = None
        mattes = matte_marks(entry.order.mattes)
        if self._known(tracked, sighting, mattes):
            return
        tracked.observe(sighting, mattes, now)
        trouble = self._trouble(tracked, sighting, entry, now)
        if trouble is not None:
            self._refuse(tracked, sighting, entry.order, trouble)
            return
        if entry.trouble is not None or stands_in(sighting):
            return
        shot = entry.order.told(narrowed(sighting.shot, entry.order.request))
        some = shot.kind != "sequence" or bool(shot.frames)
        complete = some and self._complete(tracked, sighting, entry, now)
        lacks = self._lacks(tracked, sighting, entry, now)
        # A lone picture may be the first of a sequence, which would be another shot: it is announced once nothing comes
        # any more. So is a range of which nothing is there.
        if tracked.job_id is None and (complete or lacks is not None or (some and shot.kind != "still")):
            if not tracked.changed and self._keyed_before(entry.order, shot):
                tracked.delivered = dict(sighting.files)
                return
            self._announce(tracked, sighting, entry.order, shot if some else sighting.shot)
        if complete and tracked.delivered is None:
            self._deliver(tracked, sighting, entry.order, shot)
        elif tracked.job_id is not None and lacks != tracked.told:
            self._queue.wait_for(tracked.job_id, lacks)
            tracked.told = lacks

    def _lacks(self, tracked: Tracked, sighting: Sighting, entry: Entry, now: float) -> Problem | None:
        """Return what the shot still lacks, once nothing comes any more."""
        if not tracked.settling.stalled(now):
            return None
        return awaited(
            sighting,
            entry.order.request,
            tracked.settling.empty(),
            [*sighting.moving, *tracked.cut],
            declared=declared(tracked, sighting),
            grace=self._patience.grace,
        )

    def _known(self, tracked: Tracked, sighting: Sighting, mattes: Marks) -> bool:
        """Tell whether the queue has these files already; files that merely went away change nothing."""
        if tracked.delivered is None:
            return False
        same = all(tracked.delivered.get(name) == sample for name, sample in sighting.files.items())
        if same and tracked.mattes == mattes:
            return True
        source = sighting.files.get(sighting.source.name) if sighting.source else None
        if tracked.refused is not None and tracked.refused == source:
            return True
        tracked.delivered = tracked.refused = tracked.job_id = None
        tracked.changed = True
        tracked.settling.begin()
        return False

    def _trouble(self, tracked: Tracked, sighting: Sighting, entry: Entry, now: float) -> DropKeyError | None:
        """Return why the sidecar or job file is refused, once nobody is writing it any more."""
        source, frames = sighting.source, entry.order.request.frames
        if source is None or source.name in tracked.settling.unsettled(now):
            return None
        if entry.trouble is not None:
            return entry.trouble
        waited = tracked.settling.idle(now) >= self._patience.grace
        if waited and stands_in(sighting) and entry.plate is not None:
            return plate_missing(source, entry.plate)
        over = waited or (declared(tracked, sighting) and not tracked.settling.unsettled(now))
        if over and frames is not None and not narrowed(sighting.shot, entry.order.request).frames:
            return frames_missing(source, frames, sighting.shot) if sighting.shot.kind == "sequence" else None
        return None

    def _announce(self, tracked: Tracked, sighting: Sighting, order: Order, shot: Shot) -> None:
        """Have a job wait for the files, unless the queue is through with these files already."""
        job, _ = self._queue.submit(
            order.request, shot, output_root=order.output_root, mattes=order.mattes, settled=False
        )
        if job.state in ARRIVING:
            tracked.job_id, tracked.output_root, tracked.told = job.id, order.output_root, job.problem
        elif not tracked.changed:
            tracked.delivered = dict(sighting.files)

    def _keyed_before(self, order: Order, shot: Shot) -> bool:
        """Tell whether the service that watched before us was through with this shot, or it was taken off the list."""
        asked = self._queue.done_elsewhere if self._heir else self._queue.dismissed
        return asked(order.request, shot, output_root=order.output_root, mattes=order.mattes)

    def _complete(self, tracked: Tracked, sighting: Sighting, entry: Entry, now: float) -> bool:
        promised = promised_files(sighting.shot, entry.order.request)
        said = declared(tracked, sighting)
        if not tracked.settling.complete(now, promised=promised, declared=said):
            return False
        # A copy that stalled: the rest is waited for as long as an empty file is, unless somebody says that it is all.
        tracked.cut = [] if said else cut_short(sighting)
        if (tracked.cut or (sighting.moving and not said)) and tracked.settling.idle(now) < self._patience.grace:
            return False
        for name in sighting.files.keys() - tracked.closed:
            if self._in_use(sighting.place(name)):
                tracked.settling.touch(now)
                return False
            tracked.closed.add(name)
        return True

    def _deliver(self, tracked: Tracked, sighting: Sighting, order: Order, shot: Shot) -> None:
        if tracked.job_id is not None and tracked.output_root != order.output_root:
            # The sidecar came later than the first frames.
            self._give_up(tracked, f"Its sidecar wants the results in {order.output_root}.")
        unchanged = partial(self._is_unchanged, sighting)
        try:
            hand_over(self._queue, tracked, order, shot, unchanged)
        except PlateChanged:
            tracked.settling.touch(self._clock())  # written anew since the look: the next one sees it
            return
        self._handed_over(tracked, sighting)

    def _is_unchanged(self, sighting: Sighting) -> bool:
        """Tell whether its files still are those that were seen."""
        look = self._new_look()
        return all(look.sample(sighting.place(name)) == sample for name, sample in sighting.files.items())

    def _refuse(self, tracked: Tracked, sighting: Sighting, order: Order, trouble: DropKeyError) -> None:
        problem = Problem.of(trouble)
        known = tracked.job_id or to_be_refused(self._queue, tracked, order, sighting.shot)
        if known is not None:
            self._queue.refuse(known, problem)
        assert sighting.source is not None
        tracked.refused = sighting.files.get(sighting.source.name)
        self._handed_over(tracked, sighting)

    def _handed_over(self, tracked: Tracked, sighting: Sighting) -> None:
        tracked.delivered, tracked.job_id = dict(sighting.files), None
        tracked.used_sentinel = sighting.sentinel

    # ---- losing one

    def _miss(self, slot: Slot, now: float) -> None:
        """Forget a shot that stays away although its root is there; nothing on disk or in the queue is undone."""
        tracked = self._tracked[slot]
        if tracked.gone_since is None:
            tracked.gone_since = now
        elif now - tracked.gone_since >= self._patience.quiet:
            self._give_up(tracked, f"Its files went away from {tracked.seen.shot.folder} before all had arrived.")
            del self._tracked[slot]

    def _give_up(self, tracked: Tracked, why: str) -> None:
        job_id, tracked.job_id = tracked.job_id, None
        if job_id is not None:
            try:
                self._queue.give_up(job_id, why)
            except DropKeyError as error:
                log.info("waiting job not given up", job_id=job_id, problem=str(error))
