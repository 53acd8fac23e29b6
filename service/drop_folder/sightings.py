"""What one look at a drop folder shows: its shots, their files as they are now, and what lies beside them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.drop_folder.settling import Sample
from service.drop_folder.sidecars import JOB_FILE, SENTINEL, SIDECAR, beside
from service.errors import PlateMissing
from service.sequences import same_letters
from service.settings import Settings
from service.shots import Shot, find_shots, shot_folders

# What copying, downloading and synchronising programs call a file that is not complete yet.
_TRANSFERS = (
    ".tmp",
    ".part",
    ".partial",
    ".partial~",
    ".!sync",
    ".!qb",
    ".filepart",
    ".crdownload",
    ".download",
    ".downloading",
    ".opdownload",
)

Key = tuple[str, str, str, str]

Slot = tuple[Key, int]
"""A key, and which of its shots: sequences in one folder may differ in padding, or in `.EXR` and `.exr`, alone."""


@dataclass(frozen=True)
class Sighting:
    """One shot at one moment."""

    shot: Shot
    source: Path | None
    """Its sidecar, or the job file that orders it."""

    files: dict[str, Sample]
    """Its files by name, the source included."""

    sentinel: Sample | None = None
    """Its `.ready` file."""

    transfers: frozenset[tuple[str, Sample]] = frozenset()
    """Unfinished files of copying programs in its folder."""

    def place(self, name: str) -> Path:
        """Return where one of its files lies."""
        return self.source if self.source is not None and self.source.name == name else self.shot.folder / name

    @property
    def moving(self) -> list[str]:
        """The names of those that are about to become files of this shot: they are called as it is."""
        stem = self.shot.prefix.casefold().rstrip(" ._-")
        return sorted(name for name, _ in self.transfers if name.casefold().lstrip(".~").startswith(stem))

    @property
    def key(self) -> Key:
        """Where the shot lies: the same from look to look while its frames come and go."""
        return key_of(self.shot)

    def overlaps(self, other: Sighting) -> bool:
        """Tell whether both are the same shot: they lie in one place and share plates."""
        return self.key == other.key and bool(self.common(other))

    def common(self, other: Sighting) -> set[str]:
        """Return the names of the plates that both have; a sidecar may belong to several shots."""
        sources = {sighting.source.name for sighting in (self, other) if sighting.source is not None}
        return (self.files.keys() & other.files.keys()) - sources


def slots(sightings: Iterable[Sighting], before: Mapping[Slot, Sighting]) -> dict[Slot, Sighting]:
    """Give each shot the slot that it had ``before``, told by the plates that both share; new ones get new slots."""
    found: dict[Key, list[Sighting]] = {}
    for sighting in sightings:
        found.setdefault(sighting.key, []).append(sighting)
    known: dict[Key, list[Slot]] = {}
    for slot in before:
        known.setdefault(slot[0], []).append(slot)
    placed: dict[Slot, Sighting] = {}
    for key, group in found.items():
        had = sorted(known.get(key, []))
        if len(group) == 1 and len(had) == 1:
            placed[had[0]] = group[0]
            continue
        left = list(group)
        for slot, sighting in sorted(((s, g) for s in had for g in group), key=lambda pair: _unlike(before, *pair)):
            if slot not in placed and sighting in left and before[slot].overlaps(sighting):
                placed[slot] = sighting
                left.remove(sighting)
        numbers = (number for number in range(len(had) + len(group)) if (key, number) not in had)
        placed |= {(key, number): sighting for number, sighting in zip(numbers, left, strict=False)}
    return placed


def _unlike(before: Mapping[Slot, Sighting], slot: Slot, sighting: Sighting) -> tuple[int, int]:
    """Order pairs, the best first: many plates in common, then the same padding."""
    earlier = before[slot]
    return -len(earlier.common(sighting)), abs(earlier.shot.padding - sighting.shot.padding)


def key_of(shot: Shot) -> Key:
    """Return where ``shot`` lies, whatever frames of it are there."""
    return shot.kind, str(shot.folder), same_letters(shot.prefix), same_letters(shot.suffix)


def file_names(shot: Shot) -> list[str]:
    """Return the names of the files of ``shot``, ascending by frame."""
    if shot.kind != "sequence":
        return [shot.prefix]
    odd = shot.files or {}
    return [odd.get(n) or f"{shot.prefix}{shot.frame_number(n)}{shot.suffix}" for n in shot.frames]


class Look:
    """One look: every folder is listed once, so that all answers agree."""

    def __init__(
        self, root: Path, settings: Settings, *, confined_to: tuple[Path, ...] = (), network: bool = False
    ) -> None:
        self._root = root
        self._confined_to = confined_to
        self._real_root = root.resolve()
        self._settings = settings
        self._network = network
        self._names: dict[Path, dict[str, bool]] = {}
        self._folded: dict[Path, dict[str, str]] = {}
        self._moving: dict[Path, frozenset[tuple[str, Sample]]] = {}
        self._linked: dict[Path, bool] = {}
        self._away: dict[Path, bool] = {}

    def folders(self) -> Iterator[Path]:
        """Yield the root, and the folders in it that may hold shots."""
        yield self._root
        yield from shot_folders(self._root, follow_links=self._settings.follow_links)

    def shots(self, folder: Path, *, declared_only: bool = False) -> list[Sighting]:
        """Return the shots of one folder; ``declared_only``: those with a `.ready` file.

        Raises PlateMissing when the root is away; a subfolder may have gone meanwhile.
        """
        try:
            found = [shot for shot in find_shots(folder) if not self._own_output(shot)]
        except PlateMissing:
            if folder == self._root:
                raise
            return []
        if declared_only:
            found = [shot for shot in found if beside(shot, self._root, SENTINEL, self._folded_names)]
        sightings = [self.see(shot) for shot in found if not self._leads_out(shot)]
        return [sighting for sighting in sightings if sighting is not None]

    def job_files(self) -> list[Path]:
        """Return the job files in the root."""
        return [self._root / name for name in self.names(self._root) if name.casefold().endswith(JOB_FILE)]

    def see(self, shot: Shot, source: Path | None = None) -> Sighting | None:
        """Return ``shot`` as it is now, with its sidecar unless ``source`` orders it; None when all files are gone."""
        source = source or beside(shot, self._root, SIDECAR, self._folded_names)
        folder = str(shot.folder)
        # Plain text here: a hundred thousand frames cost a second as Path objects.
        files = {
            name: sample for name in file_names(shot) if (sample := self.sample(os.path.join(folder, name))) is not None
        }
        if not files:
            return None
        if source is not None and (sample := self.sample(source)) is not None:
            files[source.name] = sample
        sentinel = beside(shot, self._root, SENTINEL, self._folded_names)
        return Sighting(
            shot.model_copy(update={"confined_to": self._confined_to}),
            source,
            files,
            self.sample(sentinel) if sentinel else None,
            self._transfers(shot.folder),
        )

    def names(self, folder: Path) -> dict[str, bool]:
        """List ``folder``: file name → whether it is a symbolic link; empty when it went away."""
        if folder not in self._names:
            try:
                with os.scandir(folder) as entries:
                    self._names[folder] = {entry.name: entry.is_symlink() for entry in entries}
            except OSError:
                self._names[folder] = {}
        return self._names[folder]

    # A folder may hold thousands of shots: what is asked for each of them is worked out once.

    def _folded_names(self, folder: Path) -> dict[str, str]:
        if folder not in self._folded:
            self._folded[folder] = {same_letters(name): name for name in self.names(folder)}
        return self._folded[folder]

    def _transfers(self, folder: Path) -> frozenset[tuple[str, Sample]]:
        if folder not in self._moving:
            samples = ((name, self.sample(folder / name)) for name in self.names(folder) if _is_transfer(name))
            self._moving[folder] = frozenset((name, sample) for name, sample in samples if sample is not None)
        return self._moving[folder]

    def _holds_links(self, folder: Path) -> bool:
        if folder not in self._linked:
            self._linked[folder] = any(self.names(folder).values())
        return self._linked[folder]

    def sample(self, file: Path | str) -> Sample | None:
        """Return what ``file`` looks like now, None when it went away."""
        try:
            # Not from the listing: Windows brings a directory's entries up to date only when a file is closed.
            status = os.stat(file)
        except OSError:
            return None
        # Some shares make inode numbers up anew at each look.
        return Sample(status.st_size, status.st_mtime_ns, 0 if self._network else status.st_ino)

    def _own_output(self, shot: Shot) -> bool:
        return shot.folder.is_relative_to(self._settings.output.absolute())

    def _leads_out(self, shot: Shot) -> bool:
        """Tell whether any file of ``shot`` is reached through a link that leaves the root."""
        if self._settings.follow_links:
            return False
        if shot.folder not in self._away:
            self._away[shot.folder] = not shot.folder.resolve().is_relative_to(self._real_root)
        if self._away[shot.folder] or not self._holds_links(shot.folder):
            return self._away[shot.folder]
        names = self.names(shot.folder)
        linked = [shot.folder / name for name in file_names(shot) if names.get(name)]
        return any(not path.resolve().is_relative_to(self._real_root) for path in linked)


def _is_transfer(name: str) -> bool:
    lower = name.casefold()
    return lower.endswith(_TRANSFERS) or ".rsls" in lower or lower.startswith((".syncthing.", "~syncthing~"))
