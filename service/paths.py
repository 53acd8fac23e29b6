r"""The one place that maps and checks paths: roots, other machines' names (`S:\shots` ↔ `/mnt/shots`), permissions.

Nothing here opens a file. A path is judged as text first, so that a hostile one (a UNC path, which makes Windows send
the user's password hash to a stranger) is refused before the system ever looks at it.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from service.errors import NotFound, PathRefused
from service.settings import PrefixMap, Settings

_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/]|$)")
_DRIVE_RELATIVE = re.compile(r"[A-Za-z]:[^\\/]")
_DEVICE = re.compile(r"[\\/]{2}[?.](?:[\\/]|$)|[\\/]\?\?[\\/]")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: also with any extension; ¹²³ count as digits.
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_UNC = "\\\\"


@dataclass(frozen=True)
class Root:
    """A configured folder that requests may name by its id."""

    id: str
    path: Path
    watched: bool


class Paths:
    """Roots and prefix map of one service."""

    def __init__(self, settings: Settings) -> None:
        self.roots = _named_roots(settings)
        self._map = settings.prefix_map
        self._follow_links = settings.follow_links

    def root(self, root_id: str) -> Root:
        """Return the root called ``root_id``; raises NotFound."""
        for root in self.roots:
            if root.id == root_id:
                return root
        known = ", ".join(root.id for root in self.roots)
        raise NotFound(f"There is no root called '{root_id}'.", fix=f"Configured are: {known}.")

    def resolve(self, path: str, *, trusted: bool, root: str | None = None) -> Path:
        """Return the absolute local path that ``path`` names, checked.

        ``path`` is absolute, in our words or in those of the prefix map, or relative to the root with id ``root``; it
        may end in a pattern (`shot.####.exr`) and need not exist. ``trusted`` callers (token, on loopback) may name any
        local file, all others only what lies inside a root when every link is followed.
        Raises PathRefused, and NotFound for an unknown root.
        """
        if root is not None:
            return self._inside(self.root(root).path.joinpath(*relative_parts(path)), path, trusted=False)
        candidate = self.ours(path)
        if not trusted:
            _check_names(_parts(path) or (), path)
        return self._inside(candidate, path, trusted=trusted)

    def resolve_beside(self, folder: Path, path: str) -> Path:
        """Return what ``path`` in a file of ``folder`` (a sidecar, a job file) names: relative to it, or absolute."""
        if _parts(path) is None:
            return self._inside(folder.joinpath(*relative_parts(path)), path, trusted=False)
        return self.resolve(path, trusted=False)

    def ours(self, text: str) -> Path:
        """Return ``text``, an absolute path in anybody's words, in this machine's; touches no disk.

        Raises PathRefused where the form is hostile or this machine has no such place.
        """
        _check_form(text)
        parts = _parts(text)
        if parts is None:
            raise PathRefused(f"'{text}' is not an absolute path.", fix="Name the whole path, or the root it is in.")
        native = _native(parts)
        if not native or self._entry_for(parts):
            _check_names(parts, text)
        entry = self._entry_for(parts)
        if entry is not None:
            return entry.ours.joinpath(*_normal(parts)[len(_parts(entry.theirs) or ()) :])
        if parts[0] == _UNC:
            return self._known_share(text)
        if not native:
            raise PathRefused(
                f"This machine has no '{parts[0]}' as in '{text}'.",
                fix="Tell it which folder that is: add an entry to prefix_map in dropkey.toml.",
            )
        return Path(text)

    def prefix_of(self, text: str) -> str | None:
        """Return the prefix (as configured) under which ``text`` was written, or None when it is in our own words."""
        parts = _parts(text)
        entry = self._entry_for(parts) if parts else None
        return entry.theirs if entry else None

    def theirs(self, path: Path | str, like: str | None) -> str:
        """Return ``path`` as the asker writes it who used the prefix ``like``; our own words when ``like`` is None.

        A path outside that prefix takes another prefix of the same kind (drive, share, POSIX), else stays as it is.
        """
        if like is None:
            return str(path)
        fitting = [entry for entry in self._map if _under(Path(path), entry.ours)]
        same_side = [entry for entry in fitting if _windows(entry.theirs) == _windows(like)]
        if not same_side:
            return str(path)
        best = max(same_side, key=lambda e: (e.theirs == like, _kind(e.theirs) == _kind(like), len(e.ours.parts)))
        rest = Path(path).parts[len(best.ours.parts) :]
        separator = "\\" if _windows(best.theirs) else "/"
        return separator.join([best.theirs.rstrip("\\/"), *rest])

    def locate(self, path: Path) -> tuple[str, str] | None:
        """Return (root id, POSIX path relative to that root) of ``path``, or None when it lies in no root."""
        for root in self.roots:
            if _under(path, root.path):
                return root.id, Path(*path.parts[len(root.path.parts) :]).as_posix()
        return None

    def holds(self, path: Path) -> bool:
        """Tell whether ``path``, a local one, lies in a root, also when every link is followed."""
        if self.locate(path) is None:  # as text first: a share that no root lies on must not even be looked at
            return False
        try:
            self._inside(path, str(path), trusted=False)
        except PathRefused:
            return False
        return True

    def _entry_for(self, parts: tuple[str, ...]) -> PrefixMap | None:
        keys = _keys(_normal(parts))
        fitting = []
        for entry in self._map:
            prefix = _keys(_normal(_parts(entry.theirs) or ()))
            if prefix and keys[: len(prefix)] == prefix:
                fitting.append((len(prefix), entry))
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None

    def _known_share(self, text: str) -> Path:
        """Let a UNC path through only where a configured folder lies on it: merely looking leaks the user's hash."""
        keys = _keys(_normal(_parts(text) or ()))
        for folder in [*(root.path for root in self.roots), *(entry.ours for entry in self._map)]:
            known = _keys(_parts(str(folder)) or ())
            if known and keys[: len(known)] == known:
                return Path(text)
        raise PathRefused(
            f"The share in '{text}' is not configured.",
            fix="Add the folder to extra_roots, or map it in prefix_map, in dropkey.toml.",
        )

    def confinement(self, *, trusted: bool) -> tuple[Path, ...]:
        """Return the real folders that the files of a caller's plate must lie in, links followed; empty: anywhere."""
        if trusted or self._follow_links:
            return ()
        return tuple(_real(root.path, str(root.path)) for root in self.roots)

    def output_confinement(self, output_root: Path) -> tuple[Path, ...]:
        """Return the real folders out of which no link in ``output_root`` may lead what is written; empty: it may."""
        if self._follow_links:
            return ()
        return (_real(output_root, str(output_root)), *self.confinement(trusted=False))

    def _inside(self, candidate: Path, text: str, *, trusted: bool) -> Path:
        real = _real(candidate, text)
        folders = [root.path for root in self.roots]
        for folder in folders if not trusted else [*folders, *(entry.ours for entry in self._map)]:
            real_folder = _real(folder, text)
            if real.is_relative_to(real_folder):
                # Under the configured name, so that it translates back and equals what the watcher sees.
                return folder / real.relative_to(real_folder)
        plain = Path(os.path.normpath(candidate))
        if self._follow_links and any(plain.is_relative_to(folder) for folder in folders):
            return plain
        if trusted:
            return real
        raise PathRefused(
            f"'{text}' lies outside the folders that this request may name.",
            fix="Put the file into a drop folder, or add its folder to extra_roots in dropkey.toml.",
        )


def relative_parts(text: str) -> tuple[str, ...]:
    """Return the components of a relative path, either slash; raises PathRefused when it is absolute or hostile."""
    _check_form(text)
    parts = tuple(part for part in re.split(r"[\\/]", text) if part not in ("", "."))
    if _parts(text) is not None or not parts or text[:1] in "\\/":
        raise PathRefused(f"'{text}' is not a path relative to a root.", fix="Leave out drive and leading slash.")
    _check_names(parts, text)
    return parts


def is_absolute(text: str) -> bool:
    """Tell whether ``text`` is a whole path on some machine (drive, share or POSIX)."""
    return _parts(text) is not None


def is_unc(text: str) -> bool:
    """Tell whether ``text`` names a share (`\\\\server\\share`, `//server/share`)."""
    return re.match(r"[\\/]{2}", text) is not None


def _named_roots(settings: Settings) -> tuple[Root, ...]:
    roots: list[Root] = []
    taken: set[str] = set()

    def add(path: Path, watched: bool, wish: str) -> None:
        if any(root.path == path for root in roots):
            return
        stem = re.sub(r"[^a-z0-9_-]+", "-", wish.lower()).strip("-") or "root"
        number, name = 1, stem
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        roots.append(Root(name, path, watched))

    for path in settings.roots:
        add(path.absolute(), True, path.name)
    add(settings.output.absolute(), False, "output")
    for path in settings.extra_roots:
        add(path.absolute(), False, path.name)
    return tuple(roots)


def _real(path: Path, text: str) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a name no file system can hold
        raise PathRefused(f"'{text}' leads nowhere: {error}.", fix="Check the path.") from None


def _check_form(text: str) -> None:
    if "\0" in text:
        raise PathRefused("A path cannot hold a NUL character.", fix="Send the path as text.")
    if _DEVICE.match(text):
        raise PathRefused(f"'{text}' names a device.", fix="Write it as a plain path, without \\\\?\\ or \\\\.\\.")
    if _DRIVE_RELATIVE.match(text):
        raise PathRefused(f"'{text}' depends on the drive's current folder.", fix="Write a slash after the drive.")


def _check_names(parts: tuple[str, ...], text: str) -> None:
    """Refuse names that mean something else on Windows than they read: streams, devices, dropped dots."""
    anchored = bool(parts) and (parts[0] in ("/", _UNC) or _DRIVE.fullmatch(parts[0]) is not None)
    for part in parts[1:] if anchored else parts:
        if part == "..":
            continue
        if ":" in part or part[-1:] in (" ", ".") or _RESERVED.fullmatch(part):
            raise PathRefused(
                f"'{part}' in '{text}' is not a name that every machine reads alike.",
                fix="Use names without ':', without a dot or space at the end, and other than CON, NUL, COM1, …",
            )


def _parts(text: str) -> tuple[str, ...] | None:
    r"""Split an absolute path: `('S:', 'a')`, `('\\\\', 'server', 'share', 'a')`, `('/', 'a')`; None when relative."""
    drive = _DRIVE.match(text)
    if drive:
        anchor, rest, separators = drive.group(), text[2:], r"[\\/]"
    elif is_unc(text):
        anchor, rest, separators = _UNC, text[2:], r"[\\/]"
    elif text.startswith("/"):
        anchor, rest, separators = "/", text, "/"
    else:
        return None
    return (anchor, *(part for part in re.split(separators, rest) if part not in ("", ".")))


def _normal(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Take `..` out as Windows does: as text, never above drive or share."""
    floor = 3 if parts and parts[0] == _UNC else 1
    kept: list[str] = []
    for part in parts:
        if part != "..":
            kept.append(part)
        elif len(kept) > floor:
            kept.pop()
    return tuple(kept)


def _keys(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Components as they compare: Windows ignores case, and a Mac writes `é` in two characters."""
    plain = tuple(unicodedata.normalize("NFC", part) for part in parts)
    return plain if parts and parts[0] == "/" else tuple(part.casefold() for part in plain)


def _kind(text: str) -> str:
    parts = _parts(text)
    return "drive" if parts and _DRIVE.fullmatch(parts[0]) else parts[0] if parts else ""


def _windows(text: str) -> bool:
    return _kind(text) != "/"


def _native(parts: tuple[str, ...]) -> bool:
    """Tell whether this machine could know a path of that kind without a map."""
    return (parts[0] == "/") == (os.name != "nt")


def _under(path: Path, folder: Path) -> bool:
    keys, prefix = _keys(path.parts), _keys(folder.parts)
    return keys[: len(prefix)] == prefix
